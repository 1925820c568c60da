"""The report about a transaction's burns, put together from what each root chain says."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.burns.judging import JudgedBurn
from bridge.burns.kinds import FoundBurn
from bridge.burns.report import Burn, BurnsReport, BurnStatus, RootBlock
from bridge.burns.transactions import Absence, MinedBurns, SeenIn
from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32

VERSION_BYTES = 8

_TEXTS = {
    BurnStatus.PENDING: "the side-chain block of the burn is not confirmed yet",
    BurnStatus.NOT_CHECKPOINTED: "no confirmed checkpoint holds the burn yet",
    BurnStatus.READY: "the exit can be made: ask for the proof",
    BurnStatus.EXITED: "the root chain has taken the exit",
}
_BURNS_NOTHING = "the transaction burns nothing that a root chain could pay out"
_IN_POOL = "the transaction waits for a block"
_UNKNOWN = "the side chain has no such transaction"
_OUTSIDE_TRIE = "it is a state sync that no receipts trie holds, so nothing in it can be proved or taken out"


@dataclass(frozen=True, slots=True)
class JudgedOnRoots:
    """A transaction's burns as all root chains judge them, and how many were not looked at."""

    found: MinedBurns
    burns: tuple[FoundBurn, ...]
    judged: Sequence[tuple[JudgedBurn, ...]]
    left_out: int


def report_of(answer: JudgedOnRoots, judged_at: tuple[RootBlock, ...]) -> BurnsReport:
    """The report about a transaction in a block."""
    found = answer.found
    burns = tuple(burn for one in answer.burns if (burn := _burn(one, answer.judged)) is not None)
    behind = min((burn.status for burn in burns), key=lambda status: status.rank, default=BurnStatus.NOT_FOUND)
    waits = [one.to_go for burn in burns for one in burn.root_chains if one.status is behind and one.to_go is not None]
    return BurnsReport(
        transaction_hash=found.transaction_hash,
        version=_version(behind, found.within.block_hash, burns),
        status=behind,
        text=_TEXTS[behind] if burns else _BURNS_NOTHING,
        block_number=found.block.number,
        block_hash=found.within.block_hash,
        block_time=found.block.timestamp,
        transaction_index=found.transaction_index,
        to_go=max(waits, key=lambda one: (one.seconds or 0, one.blocks), default=None),
        burns=burns,
        burns_left_out=answer.left_out,
        judged_at=judged_at,
    )


def report_of_absent(
    transaction: Hash32, absence: Absence, seen_in: SeenIn | None, judged_at: tuple[RootBlock, ...]
) -> BurnsReport:
    """The report about a transaction that is in no block, or in none that could be proved."""
    status, text = _absent(absence, seen_in)
    replaced = seen_in if status is BurnStatus.REORGED else None
    return BurnsReport(
        transaction_hash=transaction,
        version=_version(status, Hash32(bytes(32)) if replaced is None else replaced.hash, ()),
        status=status,
        text=text,
        block_number=None if replaced is None else replaced.number,
        block_hash=None if replaced is None else replaced.hash,
        block_time=None,
        transaction_index=None,
        to_go=None,
        burns=(),
        burns_left_out=0,
        judged_at=judged_at,
    )


def _absent(absence: Absence, seen_in: SeenIn | None) -> tuple[BurnStatus, str]:
    if absence is Absence.OUTSIDE_TRIE:
        return BurnStatus.NOT_FOUND, _OUTSIDE_TRIE
    if absence is Absence.IN_POOL:
        again = "" if seen_in is None else f"; block {seen_in.number}, which had it, was replaced"
        return BurnStatus.PENDING, _IN_POOL + again
    if seen_in is None:
        return BurnStatus.NOT_FOUND, _UNKNOWN
    text = f"the side chain has replaced block {seen_in.number}, which had the transaction, and no other block has it"
    return BurnStatus.REORGED, text


def _burn(found: FoundBurn, judged: Sequence[tuple[JudgedBurn, ...]]) -> Burn | None:
    """The burn with what each root chain says, or None where no root chain pays for it. One exit is enough."""
    on_roots = tuple(one.on_root for of_root in judged for one in of_root if one.burn is found)
    if not on_roots:
        return None
    return Burn(
        log_index=found.log_index,
        token_index=found.token_index,
        kind=found.kind,
        event_signature=found.signature,
        token=found.token,
        burner=found.burner,
        ids=tuple(map(str, found.ids)),
        amounts=tuple(map(str, found.amounts)),
        data=found.data,
        twins=found.twins,
        status=max((one.status for one in on_roots), key=lambda status: status.rank),
        root_chains=on_roots,
    )


def _version(status: BurnStatus, block_hash: Hash32, burns: tuple[Burn, ...]) -> str:
    """A short digest of what does not change by the mere passing of time."""
    lines = [f"{status} {block_hash.hex()}"]
    for burn in burns:
        for one in burn.root_chains:
            under = 0 if one.checkpoint is None else one.checkpoint.header_id
            paid = "" if one.exit is None else one.exit.transaction_hash.hex()
            lines.append(f"{burn.log_index} {one.root_chain} {one.status} {under} {paid}")
    return keccak256("\n".join(lines).encode())[:VERSION_BYTES].hex()
