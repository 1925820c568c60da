"""One block, from state to state: a pure function (docs/protocol.md P2 to P5).

Transactions only record what is said. Then, once per block and root chain, the one with StakeManager first: quiet is
counted, agreed steps are applied one after another, proposals move on, turns become due. Last, the engine's set
follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from node.app import checkpoints, turns
from node.app.abci import Event, ExecTxResult, Misbehavior, ValidatorUpdate
from node.app.bodies import drop_stale_bodies
from node.app.draft import Draft
from node.app.engine_set import next_engine_set
from node.app.errors import TransactionCode, UpgradeNeeded
from node.app.evidence import record_evidence
from node.app.feed import apply_steps, watch_agreement
from node.app.messages import ProposeCheckpoint
from node.app.opened import OpenedTransaction
from node.app.reorgs import update_pause
from node.app.state import Sender, State
from node.app.statements import record_attest
from node.app.store import LogEntry
from node.app.tallies import agreed_upgrade
from node.app.versions import NEWEST_VERSION

UPGRADE_NOTICE_BLOCKS = 100
NONCE_WINDOW = 2**32


@dataclass(frozen=True, slots=True)
class BlockInput:
    """What a block brings: its place, its time, and its transactions, each opened or refused."""

    height: int
    time_ns: int
    transactions: Sequence[OpenedTransaction | TransactionCode]
    misbehavior: Sequence[Misbehavior] = ()
    newest_version: int = NEWEST_VERSION
    """The newest version of the rules that the program has."""


@dataclass(frozen=True, slots=True)
class BlockOutcome:
    """What a block does."""

    state: State
    results: tuple[ExecTxResult, ...]
    updates: tuple[ValidatorUpdate, ...]
    entries: tuple[LogEntry, ...]
    events: tuple[Event, ...]


def execute_block(state: State, block: BlockInput) -> BlockOutcome:
    """The state after a block, and what the engine, the logs and the story get. Raises UpgradeNeeded."""
    draft = Draft(state, block.height, block.time_ns)
    _upgrade(draft, block.newest_version)
    for found in block.misbehavior:
        record_evidence(draft, found)
    for chain in range(len(draft.feeds)):
        if not draft.feeds[chain].is_paused:
            turns.tick(draft, chain)
            checkpoints.tick(draft, chain)
    results = tuple(_execute(draft, transaction) for transaction in block.transactions)
    for chain in chain_order(state):
        _advance_chain(draft, chain)
    _plan_upgrade(draft)
    draft.engine_set, updates = next_engine_set(draft.engine_set, draft.tally_set)
    return BlockOutcome(draft.freeze(), results, updates, tuple(draft.entries), tuple(draft.events))


def nonce_refusal(last_nonce: int, nonce: int) -> TransactionCode:
    """Whether a nonce is in the window above the last one executed; gaps let any transaction be lost without harm."""
    if nonce <= last_nonce:
        return TransactionCode.NONCE_USED
    return TransactionCode.OK if nonce <= last_nonce + NONCE_WINDOW else TransactionCode.NONCE_TOO_HIGH


def chain_order(state: State) -> tuple[int, ...]:
    """The root chain that holds StakeManager, then the others in the order of the genesis."""
    first = state.params.staking_root_chain
    return (first, *(chain for chain in range(len(state.feeds)) if chain != first))


def _advance_chain(draft: Draft, chain: int) -> None:
    if not update_pause(draft, chain):
        turns.count_quiet(draft, chain)
        apply_steps(draft, chain)
        checkpoints.advance(draft, chain)
        turns.arm(draft, chain)
    watch_agreement(draft, chain)
    drop_stale_bodies(draft, chain)


def _execute(draft: Draft, transaction: OpenedTransaction | TransactionCode) -> ExecTxResult:
    code = transaction if isinstance(transaction, TransactionCode) else _record(draft, transaction)
    return ExecTxResult(code=int(code), codespace="sidewarden" if code else "", log=code.name if code else "")


def _record(draft: Draft, transaction: OpenedTransaction) -> TransactionCode:
    """Record a transaction's message; its nonce is used up whatever becomes of it."""
    sender = draft.senders.get(transaction.sender)
    voter = draft.voter_id(transaction.sender)
    if sender is None or voter is None:
        return TransactionCode.UNKNOWN_SIGNER
    refusal = nonce_refusal(sender.nonce, transaction.nonce)
    if refusal is not TransactionCode.OK:
        return refusal
    message = transaction.message
    if isinstance(message, ProposeCheckpoint):
        draft.senders[sender.address] = replace(sender, nonce=transaction.nonce)
        return checkpoints.propose(draft, sender.address, message)
    draft.senders[sender.address] = Sender(sender.address, transaction.nonce, message.node_id, message.counter)
    record_attest(draft, voter, message)
    return TransactionCode.OK


def _upgrade(draft: Draft, newest_version: int) -> None:
    """Let a planned version take over at its height."""
    planned = draft.params.planned_upgrade
    if planned is None or draft.height < planned.height:
        return
    if planned.version > newest_version:
        raise UpgradeNeeded(planned.version, planned.height)
    draft.params = replace(draft.params, version=planned.version, planned_upgrade=None)
    draft.emit("upgraded", version=planned.version)


def _plan_upgrade(draft: Draft) -> None:
    """Fix an upgrade that over 2/3 of the power names, if its height leaves enough notice."""
    agreed = agreed_upgrade(draft.tally_set, draft.voters)
    if agreed is None or agreed == draft.params.planned_upgrade:
        return
    if agreed.version > draft.params.version and agreed.height >= draft.height + UPGRADE_NOTICE_BLOCKS:
        draft.params = replace(draft.params, planned_upgrade=agreed)
        draft.emit("upgrade_planned", version=agreed.version, height=agreed.height)
