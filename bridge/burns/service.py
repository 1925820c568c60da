"""The burn service: status of every burn in a transaction, and proofs, each verified before it is given out.

Status and proof cannot disagree: both are judged at the same confirmed blocks, and a burn is READY only once its leaf
was found under the root that the root chain has. What was READY or EXITED stays so, for confirmed blocks do not go
back. Identical questions asked at once cost one; the number of RPC calls of each is bounded.

An answer that is provably false is asked for again from the next endpoint, so one that lies costs time and no answer;
EndpointFalse leaves the service when no endpoint is left. That is why the readers of the views must be the service's
own (`ChainReader.twin`): it changes the order of their endpoints.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from bridge.burns.contracts import RootContracts
from bridge.burns.errors import (
    BurnNotFound,
    BurnNotReady,
    EndpointFalse,
    LogIndexNeeded,
    LogNotABurn,
    RootChainNeeded,
    RootChainUnknown,
)
from bridge.burns.judging import JudgedBurn, RootJudge, confirmed_point, root_block
from bridge.burns.leaves import ProvedRanges
from bridge.burns.payloads import build_payload
from bridge.burns.report import Burn, BurnOnRoot, BurnProof, BurnsReport, BurnStatus, RootBlock
from bridge.burns.sharing import SharedWork, SharingLimits
from bridge.burns.transactions import Absence, FoundBurn, MinedBurns, TransactionFinder, burns_in
from bridge.burns.views import RootView, SideView
from bridge.chain.clock import Clock
from bridge.chain.header_store import BlockPoint
from bridge.codec.errors import PayloadError
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Hash32

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What the service takes on."""

    sharing: SharingLimits = field(default_factory=SharingLimits)
    burns_max: int = 64
    """Burns of one transaction that are judged; each costs up to two RPC calls per root chain."""


@dataclass(frozen=True, slots=True)
class _Heads:
    """The confirmed blocks that one question is judged at."""

    side: BlockPoint
    roots: tuple[BlockPoint, ...]


_ReportKey: TypeAlias = tuple[Hash32, int | None, Hash32, tuple[Hash32, ...]]
_ProofKey: TypeAlias = tuple[Hash32, int | None, str | None, Hash32, tuple[Hash32, ...]]


class BurnService:
    """Burns of one side chain, on any number of root chains."""

    def __init__(
        self, side: SideView, roots: Sequence[RootView], clock: Clock, limits: ServiceLimits | None = None
    ) -> None:
        self._limits = limits or ServiceLimits()
        self._side = side
        self._pools = (side.reader.pool, *(root.reader.pool for root in roots))
        self._transactions = TransactionFinder(side)
        self._ranges = ProvedRanges(side.leaves)
        self._judges = tuple(RootJudge(root, side, self._ranges, clock) for root in roots)
        self._reports: SharedWork[_ReportKey, BurnsReport] = SharedWork(self._limits.sharing, keep=_is_final)
        self._proofs: SharedWork[_ProofKey, BurnProof] = SharedWork(self._limits.sharing, keep=lambda _: True)

    async def burns(self, transaction: Hash32) -> BurnsReport:
        """Every burn of a transaction with its status. Raises CannotTell, EndpointFalse, Busy."""
        heads = self._heads()
        return await self._from_any_endpoint(lambda: self._report(transaction, None, heads))

    async def proof(
        self, transaction: Hash32, log_index: int | None = None, root_chain: str | None = None
    ) -> BurnProof:
        """The verified exit payload of one burn.

        `log_index` counts the logs of the receipt and may be left out if there is one burn; `root_chain` may be left
        out if the token is mapped on one only. Raises any BurnError.
        """
        heads = self._heads()
        key = (transaction, log_index, root_chain, heads.side.hash, tuple(root.hash for root in heads.roots))

        def make() -> Awaitable[BurnProof]:
            return self._make_proof(transaction, log_index, root_chain, heads)

        return await self._from_any_endpoint(lambda: self._proofs.result(key, make))

    async def close(self) -> None:
        """Stop what is running."""
        await self._proofs.close()
        await self._reports.close()

    async def _from_any_endpoint(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer to a question, asked again without the endpoint that was proved false while there is another."""
        for _ in range(sum(len(pool.endpoints) - 1 for pool in self._pools)):
            try:
                return await ask()
            except EndpointFalse as error:
                demoted = [pool.demote(error.endpoint) for pool in self._pools]  # all: a host may serve two chains
                if not any(demoted):
                    raise
        return await ask()

    async def _report(self, transaction: Hash32, log_index: int | None, heads: _Heads) -> BurnsReport:
        key = (transaction, log_index, heads.side.hash, tuple(root.hash for root in heads.roots))
        return await self._reports.result(key, lambda: self._make_report(transaction, log_index, heads))

    async def _make_report(self, transaction: Hash32, log_index: int | None, heads: _Heads) -> BurnsReport:
        found = await self._transactions.find(transaction, heads.side)
        if isinstance(found, Absence):
            return self._absent(transaction, found, heads)
        all_burns = burns_in(found.receipt)
        chosen = [burn for burn in all_burns if log_index is None or burn.log_index == log_index]
        chosen = chosen[: self._limits.burns_max]
        judged = await asyncio.gather(
            *(
                judge.judge(found, tuple(chosen), at, heads.side)
                for judge, at in zip(self._judges, heads.roots, strict=True)
            )
        )
        burns = tuple(burn for one in chosen if (burn := _burn(one, judged)) is not None)
        return self._present(found, burns, len(all_burns) - len(chosen), heads)

    async def _make_proof(
        self, transaction: Hash32, log_index: int | None, root_chain: str | None, heads: _Heads
    ) -> BurnProof:
        report = await self._report(transaction, log_index, heads)
        burn = _chosen_burn(report, log_index)
        on_root = _chosen_root(burn, root_chain)
        checkpoint = on_root.checkpoint
        found = await self._transactions.find(transaction, heads.side)
        if checkpoint is None or isinstance(found, Absence):
            text = f"the burn is {on_root.status}; ask again when it is READY"
            raise BurnNotReady(text, on_root.status, on_root.blocks_to_go, on_root.seconds_to_go)
        judge, at = next(
            (judge, at)
            for judge, at in zip(self._judges, heads.roots, strict=True)
            if judge.view.name == on_root.root_chain
        )
        endpoint = judge.view.reader.pool.latest_label
        leaves = await self._ranges.leaves(checkpoint, endpoint)
        try:
            payload = await asyncio.to_thread(build_payload, found, burn.log_index, checkpoint, leaves)
        except PayloadError as error:
            raise EndpointFalse(f"what it said does not make a proof: {error}", endpoint) from error
        simulated = on_root.status is BurnStatus.READY and await RootContracts(judge.view, at).simulate_exit(payload)
        return BurnProof(
            transaction_hash=transaction,
            log_index=burn.log_index,
            token_index=burn.token_index,
            root_chain=on_root.root_chain,
            status=on_root.status,
            payload=payload,
            exit_hash=on_root.exit_hash,
            block_number=found.block.number,
            checkpoint=checkpoint,
            judged_at=root_block(on_root.root_chain, at),
            simulated=simulated,
        )

    def _heads(self) -> _Heads:
        side = confirmed_point(self._side.headers, "side chain")
        return _Heads(side, tuple(judge.confirmed() for judge in self._judges))

    def _present(self, found: MinedBurns, burns: tuple[Burn, ...], left_out: int, heads: _Heads) -> BurnsReport:
        behind = min((burn.status for burn in burns), key=lambda status: status.rank, default=BurnStatus.NOT_FOUND)
        open_burns = [one for burn in burns for one in burn.root_chains if one.status is behind]
        return BurnsReport(
            transaction_hash=found.transaction_hash,
            status=behind,
            text=_TEXTS[behind] if burns else "the transaction burns nothing that a root chain could pay out",
            block_number=found.block.number,
            block_hash=found.block.hash,
            block_time=found.block.timestamp,
            transaction_index=found.transaction_index,
            blocks_to_go=max((one.blocks_to_go for one in open_burns if one.blocks_to_go is not None), default=None),
            seconds_to_go=max((one.seconds_to_go for one in open_burns if one.seconds_to_go is not None), default=None),
            burns=burns,
            burns_left_out=left_out,
            judged_at=self._judged_at(heads),
        )

    def _absent(self, transaction: Hash32, absence: Absence, heads: _Heads) -> BurnsReport:
        in_pool = absence is Absence.IN_POOL
        return BurnsReport(
            transaction_hash=transaction,
            status=BurnStatus.PENDING if in_pool else BurnStatus.NOT_FOUND,
            text="the transaction waits for a block" if in_pool else "the side chain has no such transaction",
            block_number=None,
            block_hash=None,
            block_time=None,
            transaction_index=None,
            blocks_to_go=None,
            seconds_to_go=None,
            burns=(),
            burns_left_out=0,
            judged_at=self._judged_at(heads),
        )

    def _judged_at(self, heads: _Heads) -> tuple[RootBlock, ...]:
        return tuple(root_block(judge.view.name, at) for judge, at in zip(self._judges, heads.roots, strict=True))


_TEXTS = {
    BurnStatus.PENDING: "the side-chain block of the burn is not confirmed yet",
    BurnStatus.NOT_CHECKPOINTED: "no confirmed checkpoint holds the burn yet",
    BurnStatus.READY: "the exit can be made: ask for the proof",
    BurnStatus.EXITED: "the root chain has paid the burn out",
}


def _is_final(report: BurnsReport) -> bool:
    """Only these stay as they are while the heads stand still."""
    return report.status in (BurnStatus.READY, BurnStatus.EXITED)


def _burn(found: FoundBurn, judged: Sequence[tuple[JudgedBurn, ...]]) -> Burn | None:
    """The burn with what each root chain says, or None where its token is mapped on none. One exit is enough."""
    on_roots = tuple(one.on_root for of_root in judged for one in of_root if one.burn is found)
    if not on_roots:
        return None
    return Burn(
        log_index=found.log_index,
        token_index=found.token_index,
        token=found.token,
        burner=found.burner,
        amount=found.amount,
        status=max((one.status for one in on_roots), key=lambda status: status.rank),
        root_chains=on_roots,
    )


def _chosen_burn(report: BurnsReport, log_index: int | None) -> Burn:
    if report.status is BurnStatus.PENDING and not report.burns:
        raise BurnNotReady(report.text, report.status, None, None)
    if log_index is None:
        if not report.burns:
            raise BurnNotFound(report.text)
        if len(report.burns) > 1:
            indexes = ", ".join(str(burn.log_index) for burn in report.burns)
            raise LogIndexNeeded(f"the transaction has several burns; name one by log_index: {indexes}")
        return report.burns[0]
    for burn in report.burns:
        if burn.log_index == log_index:
            return burn
    if report.block_number is None:
        raise BurnNotFound(report.text)
    raise LogNotABurn(
        f"log {log_index} of {to_hex(report.transaction_hash)} is no burn; log_index counts the receipt's logs from 0"
    )


def _chosen_root(burn: Burn, root_chain: str | None) -> BurnOnRoot:
    names = ", ".join(one.root_chain for one in burn.root_chains)
    if root_chain is None:
        if len(burn.root_chains) > 1:
            raise RootChainNeeded(f"the token is mapped on several root chains; name one by root_chain: {names}")
        return burn.root_chains[0]
    for one in burn.root_chains:
        if one.root_chain == root_chain:
            return one
    raise RootChainUnknown(f"the burn cannot be exited on {root_chain}; it can on: {names}")
