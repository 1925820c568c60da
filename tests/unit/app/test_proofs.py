"""Proofs of log entries: whatever a log's size, each of its entries leads to the app hash, and nothing else does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec.errors import ProofError
from bridge.codec.mmr import MountainRange
from bridge.codec.state_proof import LogProof, decode_log_proof, encode_log_proof, verify_log_entry, verify_section
from bridge.codec.types import ZERO_HASH, Hash32
from node.app.abci import QueryRequest, QueryResponse
from node.app.apphash import SECTION_NAMES, STATE_SHAPE, HashedState, hash_state
from node.app.history import CHECKPOINT_LOG, RECORD_LOG, CheckpointEntry, decode_entry
from node.app.proofs import BLOCK_ENTRIES, SCAN_ENTRIES_MAX, StateProofs
from node.app.state import Committed
from node.app.store import LogEntry, MemoryStateStore, RestoredLog, StoredState
from tests.unit.app import logs
from tests.unit.app.network import Network
from tests.unit.codec.strategies import law


def ask(network: Network, path: str) -> QueryResponse:
    """The network's answer, with a proof."""
    return network.app.query(QueryRequest(path, prove=True))


class Records:
    """A state whose log of records has some entries, the store that holds them, and the proofs of them."""

    def __init__(self, count: int, held: int | None = None) -> None:
        self.entries = [b"record %d" % number for number in range(count)]
        self.store = MemoryStateStore()
        self.proofs = StateProofs(self.store)
        state = Network().state
        mountain_range = MountainRange()
        for entry in self.entries:
            mountain_range = mountain_range.append(entry)
        self.hashed: HashedState = hash_state(replace(state, record_log=mountain_range))
        self.committed = Committed(5, 0, self.hashed.app_hash, self.hashed.state)
        stored = self.entries[:held] if held is not None else self.entries
        self.store.save(
            5, 0, self.hashed.app_hash, (), [LogEntry(RECORD_LOG, place, one) for place, one in enumerate(stored)]
        )

    def ask(self, index: int) -> QueryResponse:
        """The answer for an entry."""
        return self.proofs.answer(QueryRequest(f"/logs/records/{index}", prove=True), self.committed, self.hashed)

    def verify(self, index: int) -> LogProof:
        """The entry's proof, which holds."""
        answer = self.ask(index)
        assert answer.code == 0, answer.log
        proof = decode_log_proof(answer.value)
        verify_log_entry(self.hashed.app_hash, STATE_SHAPE, RECORD_LOG, proof, answer.proof)
        assert (proof.index, proof.entry) == (index, self.entries[index])
        return proof


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 127, 128, 129, 191, 192, 320, 513])
def test_log_entry__each_of_a_log__leads_to_the_app_hash(count: int) -> None:
    records = Records(count)
    for index in range(count):
        records.verify(index)


@law
@given(st.integers(1, 700), st.data())
def test_log_entry__of_any_log_that_grew_while_it_was_asked__leads_to_the_app_hash(
    count: int, data: st.DataObject
) -> None:
    records = Records(count)
    for asked in sorted(data.draw(st.lists(st.integers(1, count), max_size=5))):
        grown = Records(asked)
        request = QueryRequest(f"/logs/records/{asked - 1}")
        answer = records.proofs.answer(request, grown.committed, grown.hashed)
        proof = decode_log_proof(answer.value)
        verify_log_entry(grown.hashed.app_hash, STATE_SHAPE, RECORD_LOG, proof, answer.proof)
    records.verify(data.draw(st.integers(0, count - 1)))


def test_log_entry__changed_in_any_part__leads_nowhere() -> None:
    records = Records(200)
    answer, proof = records.ask(70), records.verify(70)
    other = Hash32(b"\x01" * 32)
    for forged in (
        replace(proof, entry=proof.entry + b"x"),
        replace(proof, index=71),
        replace(proof, index=200),
        replace(proof, section=Records(199).verify(0).section),
        replace(proof, siblings=proof.siblings[:-1]),
        replace(proof, siblings=(*proof.siblings, ZERO_HASH)),
        *(
            replace(proof, siblings=(*proof.siblings[:place], other, *proof.siblings[place + 1 :]))
            for place in range(len(proof.siblings))
        ),
    ):
        with pytest.raises(ProofError):
            verify_log_entry(records.hashed.app_hash, STATE_SHAPE, RECORD_LOG, forged, answer.proof)
    for siblings in (answer.proof[:-1], (*answer.proof, ZERO_HASH), (other, *answer.proof[1:]), ()):
        with pytest.raises(ProofError):
            verify_log_entry(records.hashed.app_hash, STATE_SHAPE, RECORD_LOG, proof, siblings)
    with pytest.raises(ProofError):
        verify_log_entry(records.hashed.app_hash, STATE_SHAPE, CHECKPOINT_LOG, proof, answer.proof)
    with pytest.raises(ProofError):
        verify_log_entry(ZERO_HASH, STATE_SHAPE, RECORD_LOG, proof, answer.proof)


def test_log_entry__beyond_the_end__is_not_answered() -> None:
    records = Records(3)
    assert records.ask(3).code == 1
    assert "3 entries" in records.ask(3).log
    assert Records(0).ask(0).code == 1


def test_log_entry__that_this_node_does_not_hold__is_not_answered() -> None:
    records = Records(100, held=80)
    assert "does not hold entry 80" in records.ask(0).log


@pytest.mark.parametrize("count", [64, 65, 129, 192, 321, 513, 1_100])
def test_log_entry__held_by_a_node_that_started_from_a_snapshot__leads_to_the_app_hash(count: int) -> None:
    for missing in range(0, count + 1, BLOCK_ENTRIES):
        records = Records(count)
        before = MountainRange()
        for entry in records.entries[:missing]:
            before = before.append(entry)
        held = RestoredLog(RECORD_LOG, before, tuple(records.entries[missing:]))
        records.store.restore(StoredState(5, 0, records.hashed.app_hash, ()), (held,))
        records.proofs = StateProofs(records.store)
        for index in range(missing, count, 7):
            records.verify(index)
        if missing:
            assert "ask another" in records.ask(missing - 1).log


def test_log_entry__of_a_log_longer_than_one_query_reads__is_answered_when_asked_again() -> None:
    records = Records(2 * SCAN_ENTRIES_MAX + 1)
    assert [records.ask(0).code, records.ask(0).code, records.ask(0).code] == [2, 2, 0]
    records.verify(0)
    records.verify(SCAN_ENTRIES_MAX)
    records.verify(2 * SCAN_ENTRIES_MAX)


def test_log_entry__once_the_log_was_read__costs_one_read_of_a_block() -> None:
    records = Records(1_000)
    records.verify(0)
    reads: list[int] = []
    original = records.store.log_entries

    def counted(log: str, start: int, count: int) -> tuple[bytes, ...]:
        reads.append(count)
        return original(log, start, count)

    records.store.log_entries = counted  # type: ignore[method-assign]  # it only counts
    records.verify(500)
    assert reads == [BLOCK_ENTRIES]


def test_log_proof__its_bytes__come_back_and_others_are_refused() -> None:
    proof = Records(5).verify(3)
    assert decode_log_proof(encode_log_proof(proof)) == proof
    for data in (b"", b"\x80", encode_log_proof(proof) + b"\x00", encode_log_proof(proof)[:-1]):
        with pytest.raises(ProofError):
            decode_log_proof(data)


def test_checkpoint__by_its_header_id_or_the_last__is_its_entry_with_its_proof() -> None:
    network = Network()
    landed = [network.checkpoint() for _ in range(3)]
    for path, wanted in (
        (f"/checkpoint/0/{landed[1].header_id}", landed[1]),
        (f"/checkpoint/0/{landed[0].header_id}", landed[0]),
        ("/checkpoint/0/last", landed[2]),
    ):
        answer = ask(network, path)
        assert answer.code == 0, answer.log
        proof = decode_log_proof(answer.value)
        verify_log_entry(network.app.committed.app_hash, STATE_SHAPE, CHECKPOINT_LOG, proof, answer.proof)
        entry = decode_entry(proof.entry)
        assert isinstance(entry, CheckpointEntry)
        assert (entry.header_id, entry.start, entry.root_hash) == (wanted.header_id, wanted.start, wanted.root_hash)


def test_checkpoint__after_a_reset__is_gone_and_its_entry_is_still_in_the_log() -> None:
    network = Network()
    first, second = network.checkpoint(), network.checkpoint()
    network.l1_block(logs.reset_header(second.header_id))
    network.see_l1()
    assert ask(network, f"/checkpoint/0/{second.header_id}").code == 1
    assert (
        decode_log_proof(ask(network, "/checkpoint/0/last").value).index
        == decode_log_proof(ask(network, f"/checkpoint/0/{first.header_id}").value).index
    )
    proofs = (decode_log_proof(ask(network, f"/logs/checkpoints/{index}").value) for index in (0, 1))
    entries = [decode_entry(proof.entry) for proof in proofs]
    assert [entry.header_id for entry in entries if isinstance(entry, CheckpointEntry)] == [
        first.header_id,
        second.header_id,
    ]


@pytest.mark.parametrize(
    "path",
    [
        *("/checkpoint/0/10000", "/checkpoint/0/last", "/checkpoint/1/last", "/checkpoint/0/", "/checkpoint/0/-1"),
        *("/logs/checkpoints/0", "/logs/checkpoints/00", "/logs/checkpoints/", "/logs/none/0", "/logs/records/x"),
        *("/logs/records/99999999999999999999", "/logs/records/٣", "/section/", "/section/logs", "/", ""),
    ],
)
def test_query__of_what_is_not_there__says_so(path: str) -> None:
    answer = ask(Network(), path)
    assert (answer.code, answer.value, answer.proof) == (1, b"", ())
    assert answer.log


def test_section__each_of_a_state__leads_to_the_app_hash_and_no_other_does() -> None:
    network = Network()
    network.checkpoint()
    app_hash = network.app.committed.app_hash
    for name in SECTION_NAMES:
        answer = ask(network, f"/section/{name}")
        verify_section(app_hash, STATE_SHAPE, name, answer.value, answer.proof)
        other = SECTION_NAMES[SECTION_NAMES.index(name) - 1]
        for wrong_name, contents in ((other, answer.value), (name, answer.value + b"x"), ("none", answer.value)):
            with pytest.raises(ProofError):
                verify_section(app_hash, STATE_SHAPE, wrong_name, contents, answer.proof)
        with pytest.raises(ProofError):
            verify_section(app_hash, replace(STATE_SHAPE, version=2), name, answer.value, answer.proof)
