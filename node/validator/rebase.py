"""The way back from SIDE_REORG_BELOW_SIGNED: a person says from which block of the new side chain to go on.

Refused while a range that covers replaced blocks may still land on L1: a second signature over the same blocks would
then be the contradiction that the record is there to prevent.
"""

from dataclasses import dataclass

from bridge.chain.header_store import HeaderStore
from bridge.codec.checkpoint import DataForm
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import UnixSeconds
from config.file import Home
from node.app import queries
from node.app.state import State
from node.app.tallies import Share
from node.keys.entries import Anchor, Made, SignedEnd, SignedEntry, SignedRange
from node.keys.errors import RebaseRefused
from node.keys.slots import Slot, checkpoint_domain
from node.store.local import LocalStore
from node.validator.committed import read_committed
from node.validator.signing import opened_record


@dataclass(frozen=True, slots=True)
class Risk:
    """A signed range over replaced blocks that may still land on L1."""

    slot: Slot
    signed_range: SignedRange
    known_signers: Share | None
    """The stake that is known to have signed it too; None if the state does not hold it any more."""


@dataclass(frozen=True, slots=True)
class Rebased:
    """What a rebase set aside, and at which risk."""

    set_aside: tuple[SignedEnd, ...]
    risks: tuple[Risk, ...]


def rebase(home: Home, block: SignedEnd, made: Made, *, accept_risk: bool) -> Rebased:
    """Have the record go on over the side chain that has this block.

    `accept_risk`: also if a range in polygon form, which never expires by itself, may still land. Raises RebaseRefused,
    RecordError, and what reading the home raises.
    """
    state = read_committed(home).state
    side_chain_id = state.params.network.side_chain_id
    with opened_record(home) as (record, local_store):
        ends = record.signed_ends(side_chain_id)
        _require_lowest_replaced(ends, block, local_store.headers("side"))
        risks = _risks(state, local_store, record.tables.ranges_from(side_chain_id, block.number), block)
        _require_bearable(risks, accept_risk=accept_risk)
        record.rebase(Anchor(side_chain_id, block), made)
    return Rebased(tuple(end for end in ends if end.number >= block.number and end != block), risks)


def _require_lowest_replaced(ends: tuple[SignedEnd, ...], block: SignedEnd, headers: HeaderStore) -> None:
    """The block must be our own confirmed one, at the lowest signed end that the side chain has replaced."""
    confirmed = headers.confirmed()
    seen = headers.header(block.number)
    if seen is None or confirmed is None or confirmed < block.number:
        raise RebaseRefused(
            f"this home has not confirmed side-chain block {block.number}: "
            "start the node, which signs nothing, until it has"
        )
    if seen.hash != block.hash:
        raise RebaseRefused(
            f"the side chain that this home follows has {to_hex(seen.hash)} at block {block.number}, not "
            f"{to_hex(block.hash)}: compare with other nodes of the side chain"
        )
    replaced = next((end for end in ends if end.number <= confirmed and _differs(end, headers)), None)
    if replaced is None:
        raise RebaseRefused(
            "the side chain that this home follows has every signed block: there is nothing to set aside"
        )
    if replaced.number != block.number:
        raise RebaseRefused(
            f"the lowest signed block that the side chain has replaced is {replaced.number}: name that one, "
            "and its hash on the side chain"
        )


def _differs(end: SignedEnd, headers: HeaderStore) -> bool:
    seen = headers.header(end.number)
    return seen is not None and seen.hash != end.hash


def _risks(
    state: State, local_store: LocalStore, signed: tuple[SignedEntry, ...], block: SignedEnd
) -> tuple[Risk, ...]:
    """The ranges over replaced blocks that neither have expired nor lie before what L1 has."""
    return tuple(
        Risk(entry.slot, entry.signed_range, _known_signers(state, entry.slot))
        for entry in signed
        if entry.signed_range is not None
        and (entry.signed_range.end, entry.signed_range.end_hash) != (block.number, block.hash)
        and _may_land(state, local_store, entry.slot, entry.signed_range)
    )


def _may_land(state: State, local_store: LocalStore, slot: Slot, signed_range: SignedRange) -> bool:
    root_chain = _root_chain(state, slot)
    if root_chain is None:
        return True  # of another network: nothing here knows its contract
    next_start = state.turns[root_chain].next_start
    if next_start is not None and signed_range.start < next_start:
        return False
    valid_until = signed_range.valid_until
    return valid_until is None or l1_time(state, local_store, root_chain) <= valid_until


def l1_time(state: State, local_store: LocalStore, root_chain: int) -> UnixSeconds:
    """The latest time of a confirmed root-chain block that the network or this home knows of."""
    headers = local_store.headers(state.params.root_chains[root_chain].name)
    confirmed = headers.confirmed()
    header = None if confirmed is None else headers.header(confirmed)
    agreed = state.feeds[root_chain].latest_time
    return agreed if header is None else max(agreed, header.timestamp)


def _root_chain(state: State, slot: Slot) -> int | None:
    """The root chain whose contract would take a signature of this slot; None if it is of another network."""
    root_chain = slot.position[0]
    if root_chain >= len(state.params.root_chains):
        return None
    parameters = state.params.root_chains[root_chain]
    contract = parameters.root_chain_address if parameters.data_form is DataForm.BOUND else None
    ours = checkpoint_domain(state.params.genesis_hash, parameters.contract_chain_id, contract)
    return root_chain if slot.domain == ours else None


def _known_signers(state: State, slot: Slot) -> Share | None:
    root_chain = _root_chain(state, slot)
    if root_chain is None:
        return None
    book = state.proposals[root_chain]
    known = (*book.closed, book.current, book.acknowledged)
    proposal = next((one for one in known if one is not None and one.turn == slot.position[1]), None)
    return None if proposal is None else queries.l1_quorum(state, proposal)


def _require_bearable(risks: tuple[Risk, ...], *, accept_risk: bool) -> None:
    for risk in risks:
        valid_until = risk.signed_range.valid_until
        if valid_until is not None:
            raise RebaseRefused(
                f"{describe(risk)} until the root chain's clock is beyond {valid_until}: start the node, which signs "
                "nothing, until it has confirmed a later root-chain block, stop it, and try again"
            )
        if not accept_risk:
            raise RebaseRefused(
                f"{describe(risk)}, at any time until another checkpoint passes its start. "
                "`--accept-risk` goes on all the same"
            )


def describe(risk: Risk) -> str:
    """A risk in words."""
    blocks, share = risk.signed_range, risk.known_signers
    known = "how many others have signed it is not known"
    if share is not None:
        known = f"signers known for it hold {100 * share.power / max(1, share.total):.1f} % of the stake"
    return f"{risk.slot} over side-chain blocks {blocks.start} to {blocks.end} was signed; {known}; it may still land"
