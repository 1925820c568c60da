"""The way out without governance: a new genesis that goes on from the state of a network (docs/protocol.md, forks).

Each operator makes it offline from their own state at the same height, with the same changes, and compares the hash.
"""

from dataclasses import replace

from bridge.codec.checkpoint import DataForm
from bridge.codec.feed import FilterEntry, genesis_digest
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, PublicKey, UnixSeconds
from node.app.carried import Carried, encode_carried
from node.app.errors import GenesisError
from node.app.genesis import Genesis, GenesisValidator, RootChainGenesis, genesis_hash
from node.app.genesis_state import genesis_state
from node.app.parameters import RootChainParameters
from node.app.proposals import CLOSED_MAX
from node.app.state import (
    Feed,
    HeaderSpan,
    ProposalBook,
    Stage,
    State,
    Turn,
    ValidatorRecord,
    ValidatorsSection,
)


def exported_genesis(old: Genesis, state: State) -> Genesis:
    """What a genesis can say of a state in its own words; the changes of a fork are made to this.

    Raises GenesisError for a state that needs a change first: the text says which.
    """
    root_chains = tuple(_exported_root_chain(old, state, chain) for chain in range(len(old.root_chains)))
    return replace(
        old,
        epoch=state.validators.epoch,
        parameters=state.params.network,
        validators=tuple(_exported(record) for record in state.validators.members if record.has_usable_key),
        root_chains=root_chains,
        parent=b"",
        carried=(),
    )


def forked_genesis(old: Genesis, state: State, app_hash: Hash32, wanted: Genesis) -> Genesis:
    """The genesis that goes on from a state: `wanted`, which is the exported one with its changes, and what is carried.

    Raises GenesisError for a change that a fork cannot make.
    """
    if wanted.name == old.name:
        raise GenesisError("genesis name: a fork needs another name, so that no engine mixes the two networks")
    if len(wanted.root_chains) != len(old.root_chains):
        raise GenesisError("genesis root_chains: a fork keeps the root chains of the network before it")
    exported = exported_genesis(old, state)
    is_set_kept = (wanted.validators, wanted.epoch) == (exported.validators, exported.epoch)
    fresh = genesis_state(wanted)
    feeds, proposals, turns = [], [], []
    for chain, root_chain in enumerate(wanted.root_chains):
        _check_start(root_chain, exported.root_chains[chain], state.turns[chain], wanted.time_s)
        feeds.append(_feed(chain, root_chain, state.feeds[chain], fresh.feeds[chain]))
        proposals.append(_proposals(old.root_chains[chain], root_chain, state.proposals[chain]))
        turns.append(_turn(state.turns[chain], fresh.turns[chain]))
    validators = state.validators if is_set_kept else _validators(state.validators, fresh.validators)
    latest_s = max(
        (one.proposed_s for book in proposals for one in (*book.closed, book.acknowledged) if one), default=0
    )
    if wanted.time_s <= latest_s:
        raise GenesisError("genesis time_s: must be after the last proposal of the network before")
    carried = Carried(tuple(feeds), tuple(proposals), tuple(turns), validators)
    return replace(wanted, parent=genesis_hash(old) + app_hash, carried=encode_carried(carried)).checked()


def _exported_root_chain(old: Genesis, state: State, chain: int) -> RootChainGenesis:
    before, feed, turn = old.root_chains[chain], state.feeds[chain], state.turns[chain]
    last = turn.headers[-1] if turn.headers else HeaderSpan(0, BlockNumber(0))
    return replace(
        before,
        parameters=state.params.root_chains[chain],
        filter=tuple(_exported_entry(entry, feed.cursor.number) for entry in feed.filter),
        block_number=feed.cursor.number,
        block_hash=feed.cursor.hash,
        block_time=_cursor_time(before, feed),
        last_header_id=last.header_id,
        last_end=last.end,
        next_header_id=turn.next_header_id,
        account_root=state.proposals[chain].account_root,
    )


def _cursor_time(before: RootChainGenesis, feed: Feed) -> UnixSeconds:
    is_last = bool(feed.applied) and feed.applied[-1].block_hash == feed.cursor.hash
    return feed.applied[-1].block_time if is_last else before.block_time


def _exported_entry(entry: FilterEntry, block: BlockNumber) -> FilterEntry:
    return entry if entry.from_block > block else replace(entry, from_block=BlockNumber(0))


def _exported(record: ValidatorRecord) -> GenesisValidator:
    return GenesisValidator(
        record.id,
        record.signer,
        PublicKey(record.public_key),
        record.stake_wei,
        record.nonce,
        record.activation_epoch,
        record.deactivation_epoch,
    )


def _check_start(wanted: RootChainGenesis, exported: RootChainGenesis, turn: Turn, time_s: UnixSeconds) -> None:
    name = wanted.parameters.name
    is_changed = (wanted.last_header_id, wanted.last_end) != (exported.last_header_id, exported.last_end)
    if turn.next_start != wanted.next_start and not is_changed:
        raise GenesisError(
            f"genesis last_header_id of {name}: the state does not know it after a reset on L1; "
            "name last_header_id and last_end in the changes"
        )
    if time_s < max(turn.last_ack_s or 0, turn.last_no_ack_s or 0):
        raise GenesisError(f"genesis time_s: must not be before the last ack or no-ack of {name}")


def _feed(chain: int, wanted: RootChainGenesis, before: Feed, fresh: Feed) -> Feed:
    """Steps are counted on; a new generation starts where the feed stood, or where the changes put it."""
    is_kept = (wanted.block_number, wanted.block_hash) == (before.cursor.number, before.cursor.hash)
    generation = before.generation + 1
    return replace(
        fresh,
        generation=generation,
        step_number=before.step_number,
        digest=genesis_digest(chain, generation, wanted.block_number, wanted.block_hash),
        cursor=before.cursor if is_kept else fresh.cursor,
        latest_time=max(before.latest_time, fresh.latest_time),
        applied=before.applied if is_kept else (),
        alerted_logs=before.alerted_logs,
        last_alert=before.last_alert,
        contract_changed_block=before.contract_changed_block,
    )


def _proposals(old: RootChainGenesis, wanted: RootChainGenesis, before: ProposalBook) -> ProposalBook:
    """All that could still land is closed and kept; another contract accepts none of it."""
    if _contract(old.parameters) != _contract(wanted.parameters):
        return ProposalBook(wanted.account_root, None, (), None, ())
    current = () if before.current is None else (replace(before.current, stage=Stage.EXPIRED, grace_left=0),)
    return replace(
        before,
        account_root=wanted.account_root,
        current=None,
        closed=(*before.closed, *current)[-CLOSED_MAX:],
    )


def _contract(parameters: RootChainParameters) -> tuple[ChainId, Address, DataForm, ChainId]:
    return (
        parameters.chain_id,
        parameters.root_chain_address,
        parameters.data_form,
        parameters.contract_chain_id,
    )


def _turn(before: Turn, fresh: Turn) -> Turn:
    """The next turn: numbers are never used again, for the signing records know them."""
    is_known = bool(fresh.headers) and fresh.headers[-1] in before.headers
    return replace(
        fresh,
        number=before.number + 1,
        headers=before.headers[: before.headers.index(fresh.headers[-1]) + 1] if is_known else fresh.headers,
        last_ack_s=before.last_ack_s,
        last_no_ack_s=before.last_no_ack_s,
        acks=before.acks,
        no_acks=before.no_acks,
    )


def _validators(before: ValidatorsSection, fresh: ValidatorsSection) -> ValidatorsSection:
    """The changed set; who is not in it any more has left."""
    present = {member.id for member in fresh.members}
    former = {record.id: record for record in (*before.former, *before.members) if record.id not in present}
    return replace(fresh, former=tuple(former[key] for key in sorted(former)))
