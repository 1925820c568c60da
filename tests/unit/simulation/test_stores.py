"""The databases of a home, cut off whenever something becomes durable: the same outcome after a restart."""

from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from bridge.chain.header_store import HeaderChange, StoredHeader
from bridge.chain.outbox_store import EntryState, OutboxEntry
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, PublicKey
from node.app.abci import FinalizeBlockRequest, FinalizeBlockResponse
from node.app.store import LogEntry, StoredSection, StoredState
from node.engine.local.block import Block, Commit, Precommit
from node.engine.local.block_store import BlockStore, StoredGenesis
from node.engine.local.validators import Validator, ValidatorSet
from node.keys.entries import AttestId, SignedEnd, SignedRange
from node.keys.errors import RecordError, SlotTaken
from node.keys.record import SigningRecord
from node.keys.slots import Slot, transaction_slot
from node.simulation.disk.disk import ProcessDisk, SimulatedDisk
from node.simulation.disk.storage import Faults
from node.store.errors import StoreError
from node.store.local import LocalStore
from node.store.state import SqliteStateStore
from tests.unit.keys.helpers import ALICE, GENESIS, SIDE_CHAIN, counting_bytes
from tests.unit.simulation.killing import Killed, Killer, end
from tests.unit.simulation.test_disk_faults import Switch
from tests.unit.store.test_local import SENDER, entry, run

HOME = Path("/home/alice")
HEIGHTS = 3
CHAIN = ChainId(1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that the databases hold in the end."""

    state: StoredState | None
    log: tuple[bytes, ...]
    blocks: tuple[Block, ...]
    results: tuple[FinalizeBlockResponse, ...]
    next_validators: ValidatorSet
    digests: tuple[Hash32 | None, ...]
    signed_ends: tuple[SignedEnd, ...]
    headers: tuple[StoredHeader, ...]
    outbox: tuple[OutboxEntry, ...]
    fact: bytes | None


class World:
    """What others have seen of the home: it cannot be taken back."""

    def __init__(self) -> None:
        self.signed: dict[Slot, Hash32] = {}
        self.attest_ids: list[AttestId] = []
        self.blocks: dict[int, Block] = {}

    def live(self, disk: ProcessDisk) -> Outcome:
        """A process of the home: it opens its databases, and goes on from what they hold to the last height."""
        if not disk.exists(HOME / "signing.db"):
            assert not self.signed
            SigningRecord.create(HOME / "signing.db", counting_bytes, disk=disk)
        with (
            closing(BlockStore(HOME / "engine.db", disk=disk)) as engine,
            closing(LocalStore(HOME / "local.db", disk=disk)) as local,
            closing(SigningRecord.open(HOME / "signing.db", local, disk=disk)) as record,
            closing(SqliteStateStore(HOME / "state.db", disk=disk)) as state,
        ):
            self._check(record, engine)
            if engine.genesis() is None:
                engine.begin(StoredGenesis(GENESIS, b"hash"), _validators(1), _validators(2))
            for height in range(1, HEIGHTS + 1):
                self._decide(engine, state, height)
                self._sign(record, height)
                _look(local, height)
            return _outcome(engine, local, record, state)

    def _check(self, record: SigningRecord, engine: BlockStore) -> None:
        """Nothing is forgotten that others have seen."""
        for slot, digest in self.signed.items():
            assert record.digest(slot) == digest
            with pytest.raises(SlotTaken):
                record.admit(slot, keccak256(b"another"))
        assert len(set(self.attest_ids)) == len(self.attest_ids)
        assert all(record.has_issued(attest_id) for attest_id in self.attest_ids)
        assert all(engine.block(height) == block for height, block in self.blocks.items())

    def _decide(self, engine: BlockStore, state: SqliteStateStore, height: int) -> None:
        if engine.block_height < height:
            engine.save_block(_block(height))
        self.blocks[height] = engine.block(height)
        if engine.result_height < height:
            engine.save_result(height, _result(height), _validators(height + 2))
        stored = state.load()
        if stored is None or stored.height < height:
            section = StoredSection("turns", 1, b"contents" * 100 * height)
            state.save(height, height, keccak256(b"app"), [section], [LogEntry("logs/records", height - 1, b"entry")])

    def _sign(self, record: SigningRecord, height: int) -> None:
        slot, digest = _slot(height), keccak256(f"{height}".encode())
        end = BlockNumber(10 * height)
        permit = record.admit(slot, digest, SignedRange(SIDE_CHAIN, BlockNumber(end - 9), end, digest, None))
        self.signed[permit.slot] = permit.digest
        self.attest_ids.append(record.next_attest_id())


def _look(local: LocalStore, height: int) -> None:
    side, outbox = local.headers("side"), local.outbox(CHAIN, SENDER)
    last = side.last()
    if last is None or last.number < 5 * height - 1:
        side.apply(HeaderChange(append=run(5 * (height - 1), 5), confirmed=BlockNumber(5 * height - 3)))
    outbox.save(entry(f"key {height}"))
    outbox.save(entry(f"key {height}", EntryState.FINAL))
    outbox.remove(f"key {height - 1}")
    local.save_fact("seen", f"{height}".encode())


def _outcome(engine: BlockStore, local: LocalStore, record: SigningRecord, state: SqliteStateStore) -> Outcome:
    heights = range(1, HEIGHTS + 1)
    return Outcome(
        state=state.load(),
        log=state.log_entries("logs/records", 0, 100),
        blocks=tuple(engine.block(height) for height in heights),
        results=tuple(engine.result(height) for height in heights),
        next_validators=engine.validators(HEIGHTS + 2),
        digests=tuple(record.digest(_slot(height)) for height in heights),
        signed_ends=record.signed_ends(SIDE_CHAIN),
        headers=local.headers("side").headers(BlockNumber(0), 100),
        outbox=local.outbox(CHAIN, SENDER).entries(),
        fact=local.fact("seen"),
    )


def _slot(height: int) -> Slot:
    return transaction_slot(GENESIS, ALICE.address, height)


def _validators(height: int) -> ValidatorSet:
    return ValidatorSet((Validator(PublicKey(bytes(64)), ALICE.address, 10, height),), ALICE.address)


def _block(height: int) -> Block:
    request = FinalizeBlockRequest((b"transaction" * height,), height, height, b"hash", ALICE.address)
    return Block(request, Commit(0, (Precommit(Address(ALICE.address), 10, height),)))


def _result(height: int) -> FinalizeBlockResponse:
    return FinalizeBlockResponse((), (), keccak256(f"app {height}".encode()), ())


def test_home__killed_at_every_moment__comes_to_the_same_outcome_and_forgets_nothing() -> None:
    expected = World().live(SimulatedDisk(Random(0)).attach())
    for kills_at in range(1, 1_000):
        random = Random(kills_at)
        disk, world, killer = SimulatedDisk(random), World(), Killer(kills_at)
        with suppress(Killed):
            world.live(disk.attach(killer))
        end(disk, random)
        with suppress(Killed):
            world.live(disk.attach(Killer(random.randint(1, 60))))
        end(disk, random)

        assert world.live(disk.attach()) == expected
        if len(killer.moments) < kills_at:
            break
    assert kills_at > 200


@pytest.mark.parametrize("faults", [Faults(is_full=True), Faults(fails_sync=True)], ids=repr)
def test_home__disk_fails_from_any_moment_on__comes_to_the_same_outcome_after_a_restart(faults: Faults) -> None:
    expected = World().live(SimulatedDisk(Random(0)).attach())
    for fails_at in range(1, 1_000):
        random = Random(fails_at)
        disk, world = SimulatedDisk(random), World()
        switch = Switch(disk, fails_at, faults)
        with suppress(StoreError, RecordError, OSError):
            world.live(disk.attach(switch))
        disk.faults = Faults()
        end(disk, random)

        assert world.live(disk.attach()) == expected
        if switch.moments < fails_at:
            break
    assert fails_at > 200
