"""A person's work on a home's signing record while its node is stopped (docs/signing-record.md).

The record's exclusive lock keeps a running node out. What is known of the chains is what the home itself holds:
state.db for what the network agreed on, local.db for headers.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.chain.header_store import HeaderStore
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import ZERO_HASH, ChainId, Hash32
from config.file import Home
from node.app.genesis import genesis_hash
from node.app.state import Committed
from node.duties.readiness import own_traces
from node.duties.roots import RangeRoots
from node.keys import interchange, merging
from node.keys.entries import AttestId, Contents, Decision, LastVote, Made, SignedEnd, SignedEntry, TakenNonces
from node.keys.errors import ImportForeign, ImportNotYet, RecordError, StaleRecord
from node.keys.interchange import Interchange
from node.keys.record import SigningRecord
from node.keys.signer import TurnCheckpoint, first_lacking, stale
from node.keys.slots import Purpose, Slot, VoteStep, transaction_slot, vote_slot
from node.store.local import LocalStore
from node.validator.committed import read_committed
from node.validator.start import read_genesis

NONCES_SKIPPED = 10_000
"""How far beyond what the chain shows nonces and counters go on: an older copy does not know what was on its way."""
LAST_ROUND = 2**31 - 1
"""No round of a height comes after it."""


@dataclass(frozen=True, slots=True)
class SlotsView:
    """The signatures of one purpose in one domain."""

    purpose: Purpose
    domain: str
    count: int
    newest: Slot | None


@dataclass(frozen=True, slots=True)
class RecordView:
    """What a record holds, and why it would stop signing."""

    path: Path
    node_id: bytes
    slots: tuple[SlotsView, ...]
    side_chain_id: ChainId
    last_votes: tuple[LastVote, ...]
    """Per engine's chain id and signer."""
    signed_ends: tuple[SignedEnd, ...]
    """Blocks that the side chain must have, ascending."""
    decisions: tuple[Decision, ...]
    stop: RecordError | None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file."""

    file: Interchange
    is_new: bool
    """The home had no record, and has one now."""
    is_reinstated: bool
    """The record was retired, and the file gave the right to sign back."""
    stop: RecordError | None
    """Why nothing is signed all the same."""


@contextmanager
def opened_record(home: Home) -> Iterator[tuple[SigningRecord, LocalStore]]:
    """The record of a home, fit or not, with its local.db. Raises RecordError, StoreError."""
    paths = home.config.paths
    with (
        closing(LocalStore(home.locate(paths.local_db))) as local_store,
        closing(SigningRecord.examine(home.locate(paths.signing_db), local_store)) as record,
    ):
        yield record, local_store


def look(home: Home) -> RecordView:
    """What the record holds. Raises RecordError, StoreError, GenesisError, GenesisUnreadable."""
    network = genesis_hash(read_genesis(home))
    state = read_committed(home).state
    side_chain_id = state.params.network.side_chain_id
    with opened_record(home) as (record, _):
        tables = record.tables
        lacking = first_lacking(record, network, own_traces(state, home.config.keys.signers))
        return RecordView(
            path=home.locate(home.config.paths.signing_db),
            node_id=record.node_id,
            slots=tuple(
                SlotsView(purpose, domain, tables.count(purpose, domain), tables.newest(purpose, domain))
                for purpose in Purpose
                for domain in tables.domains(purpose)
            ),
            side_chain_id=side_chain_id,
            last_votes=tables.votes.all(),
            signed_ends=record.signed_ends(side_chain_id),
            decisions=record.decisions,
            stop=record.unfit or (None if lacking is None else stale(lacking)),
        )


def export_record(home: Home, out: Path, made: Made, *, is_move: bool) -> Interchange:
    """Write what the record holds to a file; for a move, retire the record first.

    So a crash leaves a record that signs nothing and can be exported again, never two that sign. Raises RecordError,
    InterchangeTooLarge, InterchangeUnusable, and what reading the home raises.
    """
    network = genesis_hash(read_genesis(home))
    with opened_record(home) as (record, _):
        contents = record.contents()
        if isinstance(record.unfit, StaleRecord) and is_move:
            raise record.unfit
        exported = Interchange(network, record.node_id, is_move, contents)
        interchange.check_size(exported)
        if is_move:
            record.retire(made)
        interchange.write(out, exported)
    return exported


def import_file(
    home: Home, path: Path, made: Made, *, polygon_only: bool = False, accept_nonce_conflicts: bool = False
) -> Imported:
    """Merge an exported record into the home's own, or make the home's record of it.

    `accept_nonce_conflicts`: although both have signed transactions under one nonce, of which one was executed at most.
    Raises InterchangeUnusable, ImportForeign, ImportConflict, RecordError, and what reading the home raises.
    """
    file = interchange.read(path)
    contents = _of_this_network(home, file, polygon_only=polygon_only)
    place = home.locate(home.config.paths.signing_db)
    is_new = not place.exists()
    if is_new:
        SigningRecord.create(place, os.urandom, (contents, made))
    with opened_record(home) as (record, _):
        if is_new:
            return Imported(file, is_new, is_reinstated=False, stop=record.unfit)
        # A record takes back the right to sign from one that has taken in all that it holds.
        comes_back = (
            record.is_retired
            and file.is_move
            and file.node_id != record.node_id
            and merging.covers(contents, record.contents())
        )
        record.merge(contents, made, accept_nonce_conflicts=accept_nonce_conflicts)
        if comes_back:
            record.reinstate(made)
        return Imported(file, is_new, comes_back, record.unfit)


def import_from_chain(home: Home, made: Made) -> Contents:
    """Merge what the home's committed state shows that our keys have signed; then a stale record signs again.

    Raises ImportNotYet, ImportConflict, RecordError, and what reading the home raises.
    """
    genesis, committed = read_genesis(home), read_committed(home)
    with opened_record(home) as (record, local_store):
        contents = replace(
            _from_chain(home, record, genesis_hash(genesis), committed, local_store.headers("side")),
            votes=_votes(home, record, genesis.name, committed.height),
        )
        record.merge(contents, made, heals=True)
    return contents


def reinstate(home: Home, made: Made) -> None:
    """Let a retired record sign again: the move was called off. Raises RecordError, StoreError."""
    with opened_record(home) as (record, _):
        record.reinstate(made)


def _of_this_network(home: Home, file: Interchange, *, polygon_only: bool) -> Contents:
    """What of a file counts here: slots in polygon form do in every network."""
    network = genesis_hash(read_genesis(home))
    polygon = tuple(entry for entry in file.contents.signed if entry.slot.is_for_all_networks)
    if polygon_only:
        return replace(file.contents, signed=polygon, taken=(), issued=())
    if file.genesis_hash != network:
        raise ImportForeign(
            f"the export is of the network {to_hex(file.genesis_hash)}, and this home is of {to_hex(network)}: "
            f"import it into a home of its own network. {len(polygon)} of its slots are in polygon form, which counts "
            "in every network: `--polygon-only` takes these alone"
        )
    return file.contents


def _from_chain(
    home: Home, record: SigningRecord, network: Hash32, committed: Committed, headers: HeaderStore
) -> Contents:
    state = committed.state
    if committed.height == 0:
        raise ImportNotYet("state.db holds no block yet: start the node, which signs nothing, until it has caught up")
    traces = own_traces(state, home.config.keys.signers)
    roots = RangeRoots(headers, max(parameters.maximum_blocks for parameters in state.params.root_chains))
    taken = tuple(
        _beyond(record, transaction_slot(network, last.sender, last.nonce), last.nonce) for last in traces.last_nonces
    )
    return Contents(
        signed=tuple(
            _signed_entry(verdict, verdict.slot(network), roots, headers)
            for verdict in traces.verdicts
            if record.digest(verdict.slot(network)) != verdict.digest
        ),
        taken=taken,
        issued=tuple(_issued(record, last.attest_id) for last in traces.last_nonces if last.attest_id is not None),
    )


def _votes(home: Home, record: SigningRecord, chain_id: str, height: int) -> tuple[LastVote, ...]:
    """Where votes go on: beyond the committed height, and beyond those that the mark tells of.

    The network went on while this node caught up and gave no vote, so the lost ones are below the height that it is at
    now. A network that needs this node's power waited for it, at the height that CometBFT's own log has our votes of.
    """
    committed = tuple(
        vote_slot(chain_id, signer, height, LAST_ROUND, VoteStep.PRECOMMIT) for signer in home.config.keys.signers
    )
    furthest: dict[str, Slot] = {}
    for slot in sorted((*committed, *record.marked_votes), key=lambda slot: slot.position):
        furthest[slot.domain] = slot
    return tuple(LastVote(slot, None) for _, slot in sorted(furthest.items()))


def _beyond(record: SigningRecord, slot: Slot, executed: int) -> TakenNonces:
    newest = record.newest_nonce(slot)
    return TakenNonces(slot.domain, max(executed, -1 if newest is None else newest) + NONCES_SKIPPED)


def _issued(record: SigningRecord, seen: AttestId) -> AttestId:
    """Our own counter goes on beyond what was on its way; of another node no more is known than what was seen."""
    return replace(seen, counter=seen.counter + NONCES_SKIPPED) if seen.node_id == record.node_id else seen


def _signed_entry(verdict: TurnCheckpoint, slot: Slot, roots: RangeRoots, headers: HeaderStore) -> SignedEntry:
    """What was signed, with the hash that its last block has here, if the signed root is that of our own headers.

    Else what was signed is not of this chain: the hash is zero, which no block has, so SIDE_REORG_BELOW_SIGNED follows.
    """
    checkpoint = verdict.checkpoint
    root, end = roots.root(checkpoint.start, checkpoint.end), headers.header(checkpoint.end)
    if root is None or end is None:
        raise ImportNotYet(
            f"{slot} was signed over blocks {checkpoint.start} to {checkpoint.end}, which local.db does not hold as "
            "confirmed: start the node, which signs nothing, until it has followed the side chain that far"
        )
    end_hash = end.hash if root == checkpoint.root_hash else ZERO_HASH
    return SignedEntry(slot, verdict.digest, verdict.signed_range(end_hash))
