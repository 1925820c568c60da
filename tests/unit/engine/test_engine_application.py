"""The local engine with the real application: real transactions, real app hashes, real validator updates."""

from pathlib import Path

import pytest

from bridge.chain.clock import ManualClock
from bridge.codec.checkpoint import DataForm
from bridge.codec.events import STAKE_UPDATE_TOPIC
from bridge.codec.feed import FeedLog, FilterEntry, Step, genesis_digest, next_digest
from bridge.codec.secp256k1 import sign
from bridge.codec.types import (
    ZERO_ADDRESS,
    ZERO_HASH,
    Address,
    BlockNumber,
    ChainId,
    Hash32,
    UnixSeconds,
    ValidatorId,
    Wei,
)
from config.presets import RootContracts, devnet_network, devnet_root_chain
from node.app.application import Application
from node.app.errors import TransactionCode
from node.app.genesis import Genesis, GenesisValidator, RootChainGenesis, genesis_hash
from node.app.messages import (
    Attest,
    Head,
    MessageKind,
    Statement,
    Steps,
    Transaction,
    encode_body,
    encode_transaction,
    transaction_digest,
)
from node.app.opened import TransactionOpener
from node.app.store import MemoryStateStore
from node.engine.genesis import init_chain_request
from node.engine.local.block import BlockReport
from node.engine.local.block_store import BlockStore
from node.engine.local.engine import LocalEngine
from node.engine.local.node import Member
from node.engine.local.validators import PowerShare
from tests.unit.closing import opened
from tests.unit.engine.network import GENESIS_TIME_NS, address, key, private_key

TOKEN = 10**18
STAKES = (100, 90, 80, 70)
STAKING_INFO = Address(b"\x51" * 20)
GENESIS_BLOCK = BlockNumber(50)
GENESIS_BLOCK_HASH = Hash32(b"\x0b" * 32)
GENESIS_TIME_S = UnixSeconds(GENESIS_TIME_NS // 10**9)


def a_genesis() -> Genesis:
    contracts = RootContracts(Address(b"\x52" * 20), STAKING_INFO, ZERO_ADDRESS)
    root_chain = devnet_root_chain("root", ChainId(1), ChainId(2), contracts, DataForm.BOUND)
    return Genesis(
        name="test",
        time_s=GENESIS_TIME_S,
        epoch=1,
        staking_root_chain=0,
        parameters=devnet_network(ChainId(2)),
        validators=tuple(
            GenesisValidator(ValidatorId(index + 1), address(index), key(index), Wei(stake * TOKEN), 1, 0, 0)
            for index, stake in enumerate(STAKES)
        ),
        root_chains=(
            RootChainGenesis(
                parameters=root_chain,
                filter=(FilterEntry(STAKING_INFO, STAKE_UPDATE_TOPIC, BlockNumber(0)),),
                block_number=GENESIS_BLOCK,
                block_hash=GENESIS_BLOCK_HASH,
                block_time=GENESIS_TIME_S,
                last_header_id=0,
                last_end=BlockNumber(0),
                next_header_id=10_000,
                account_root=ZERO_HASH,
                state_id=0,
            ),
        ),
        parent=b"",
    ).checked()


class RealNetwork:
    """Four validators with the real application and one engine; `restart` keeps stores, engine.db and clock."""

    def __init__(self, path: Path) -> None:
        self.path = path / "engine.db"
        self.genesis = a_genesis()
        self.clock = ManualClock(GENESIS_TIME_S)
        self.stores = [MemoryStateStore() for _ in STAKES]
        self.nonces = [0] * len(STAKES)
        self.start()

    def start(self) -> None:
        opener = TransactionOpener(genesis_hash(self.genesis))
        self.applications = [Application(self.genesis, store, opener) for store in self.stores]
        self.engine = LocalEngine(
            [
                Member(f"validator {index}", (key(index),), application, self.clock)
                for index, application in enumerate(self.applications)
            ],
            opened(BlockStore(self.path)),
            self.clock,
            genesis=init_chain_request(self.genesis),
            block_interval_s=0.5,
            pulse_s=1,
        )
        self.engine.start()

    def restart(self) -> None:
        self.engine.close()
        self.start()

    def attest(self, index: int, *statements: Statement, steps: tuple[Step, ...] = ()) -> bytes:
        """A signed attestation of validator `index`, under its next nonce."""
        self.nonces[index] += 1
        nonce = self.nonces[index]
        body = encode_body(Attest(bytes(7) + bytes((index,)), nonce, statements, steps))
        digest = transaction_digest(genesis_hash(self.genesis), MessageKind.ATTEST, nonce, address(index), body)
        signature = sign(digest, private_key(index))
        return encode_transaction(Transaction(1, MessageKind.ATTEST, nonce, address(index), body, signature))

    async def block(self) -> BlockReport:
        for _ in range(20):
            self.clock.advance(1)
            report = await self.engine.step()
            if report is not None:
                return report
        raise AssertionError("no block")

    def app_hashes(self) -> set[bytes]:
        return {application.committed.app_hash for application in self.applications}


def a_head(number: int) -> Head:
    return Head(BlockNumber(number), Hash32(number.to_bytes(32)))


def stake_update(index: int, stake: int) -> Step:
    """The first step of the feed: one StakeUpdate."""
    words = (index + 1, 2, stake * TOKEN)
    topics = (STAKE_UPDATE_TOPIC, *(Hash32(word.to_bytes(32)) for word in words))
    log = FeedLog(0, 0, STAKING_INFO, topics, b"")
    return Step(0, 1, 1, BlockNumber(51), Hash32(b"\x0c" * 32), UnixSeconds(GENESIS_TIME_S + 2), True, (log,))


async def test_start__with_the_real_application__has_its_stakes_as_the_engine_s_powers(tmp_path: Path) -> None:
    network = RealNetwork(tmp_path)
    assert network.engine.power == PowerShare(340, 340)
    assert [validator.power for validator in network.engine.validators.validators] == list(STAKES)


async def test_attestations__submitted_to_one_member__reach_all_and_give_one_app_hash(tmp_path: Path) -> None:
    network = RealNetwork(tmp_path)
    await network.block()
    for index in range(4):
        assert network.engine.submit(index, network.attest(index, a_head(9))).code == TransactionCode.OK
    report = await network.block()
    assert report.transactions == 4
    assert network.app_hashes() == {report.app_hash}
    assert all(network.engine.is_caught_up(index) for index in range(4))


async def test_transaction__of_a_stranger__is_refused_and_told(tmp_path: Path) -> None:
    network = RealNetwork(tmp_path)
    network.nonces.append(0)
    response = network.engine.submit(0, network.attest(4, a_head(9)))
    assert response.code == TransactionCode.UNKNOWN_SIGNER
    assert response.log == "UNKNOWN_SIGNER"


async def test_stake_change__agreed_in_the_feed__changes_the_engine_s_power_two_heights_later(tmp_path: Path) -> None:
    network = RealNetwork(tmp_path)
    step = stake_update(0, 110)
    digest = next_digest(genesis_digest(0, 1, GENESIS_BLOCK, GENESIS_BLOCK_HASH), step)
    for index in range(4):
        network.engine.submit(0, network.attest(index, Steps(0, 1, 1, (digest,)), steps=(step,) if index == 0 else ()))
    report = await network.block()
    assert [(update.public_key, update.power) for update in report.validator_updates] == [(key(0), 110)]
    totals = [network.engine.validators.total_power]
    for _ in range(2):
        await network.block()
        totals.append(network.engine.validators.total_power)
    assert totals == [340, 350, 350]


@pytest.mark.parametrize("lost", [0, 2])
async def test_restart__with_the_last_states_or_with_a_lost_one__ends_in_one_app_hash(
    tmp_path: Path, lost: int
) -> None:
    network = RealNetwork(tmp_path)
    for number in range(9, 12):
        network.engine.submit(0, network.attest(0, a_head(number)))
        await network.block()
    before = network.app_hashes()
    for index in range(lost):
        network.stores[index] = MemoryStateStore()
    network.restart()
    await network.engine.step()
    assert network.app_hashes() == before
    network.engine.submit(0, network.attest(0, a_head(12)))
    report = await network.block()
    assert network.app_hashes() == {report.app_hash}


async def test_idle__network__has_only_the_pulse(tmp_path: Path) -> None:
    network = RealNetwork(tmp_path)
    for _ in range(6):
        await network.block()
    height = network.engine.height
    for _ in range(40):
        network.clock.advance(0.25)
        await network.engine.step()
    assert network.engine.height == height + 10
