"""Events: exact topics, exact fields, and what is malformed."""

import eth_abi.abi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec import events
from bridge.codec.errors import AbiError
from bridge.codec.events import Event, decode_event
from bridge.codec.feed import LOG_DATA_MAX, feed_log
from bridge.codec.hash import keccak256
from bridge.codec.receipts import Log
from bridge.codec.types import Address, BlockNumber, Hash32, ValidatorId, Wei
from tests.unit.codec.strategies import hashes, law, logs

CONTRACT = Address(b"\xcc" * 20)
ALICE = Address(b"\xaa" * 20)
BOB = Address(b"\xbb" * 20)
KEY = bytes(range(64))

TOPICS = {
    events.NEW_HEADER_BLOCK_TOPIC: "ba5de06d22af2685c6c7765f60067f7d2b08c2d29f53cdf14d67f6d1c9bfb527",
    events.RESET_HEADER_BLOCK_TOPIC: "ca1d8316287f938830e225956a7bb10fd5a1a1506dd2eb3a476751a488117205",
    events.STAKED_TOPIC: "68c13e4125b983d7e2d6114246f443e567ec6c4ee5b4d4a7ef6100b1402bfd84",
    events.STAKE_UPDATE_TOPIC: "35af9eea1f0e7b300b0a14fae90139a072470e44daa3f14b5069bebbc1265bda",
    events.SIGNER_CHANGE_TOPIC: "086044c0612a8c965d4cccd907f0d588e40ad68438bd4c1274cac60f4c3a9d1f",
    events.UNSTAKE_INIT_TOPIC: "69b288bb79cd5386c9fe0af060f650e823bcdfa96a44cdc07f862db060f57120",
    events.TRANSFER_TOPIC: "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
    events.STATE_SYNCED_TOPIC: "103fed9db65eac19c4d870f49ab7520fe03b99f1838e5996caf47e9e43308392",
    events.UPGRADED_TOPIC: "bc7cd75a20ee27fd9adebab32041f755214dbc6bffa90cc0225b39da2e5c2d3b",
}


def word(value: int | Address) -> Hash32:
    """An indexed parameter as a topic."""
    return Hash32(value.to_bytes(32) if isinstance(value, int) else bytes(12) + value)


def log_of(
    topic0: Hash32, indexed: tuple[int | Address, ...], types: tuple[str, ...], values: tuple[object, ...]
) -> Log:
    """The log that Solidity emits for these parameters."""
    return Log(CONTRACT, (topic0, *map(word, indexed)), eth_abi.abi.encode(types, values))


ROOT = keccak256(b"root")
KNOWN: list[tuple[Log, Event]] = [
    (
        log_of(
            events.NEW_HEADER_BLOCK_TOPIC, (ALICE, 10_000, 5), ("uint256", "uint256", "bytes32"), (0, 255, bytes(ROOT))
        ),
        events.NewHeaderBlock(ALICE, 10_000, 5, BlockNumber(0), BlockNumber(255), ROOT),
    ),
    (log_of(events.RESET_HEADER_BLOCK_TOPIC, (ALICE, 20_000), (), ()), events.ResetHeaderBlock(ALICE, 20_000)),
    (
        log_of(
            events.STAKED_TOPIC, (ALICE, 3, 9), ("uint256", "uint256", "uint256", "bytes"), (1, 10**20, 10**21, KEY)
        ),
        events.Staked(ALICE, ValidatorId(3), 1, 9, Wei(10**20), Wei(10**21), KEY),
    ),
    (
        log_of(events.STAKE_UPDATE_TOPIC, (3, 2, 10**20), (), ()),
        events.StakeUpdate(ValidatorId(3), 2, Wei(10**20)),
    ),
    (
        log_of(events.SIGNER_CHANGE_TOPIC, (3, ALICE, BOB), ("uint256", "bytes"), (3, KEY)),
        events.SignerChange(ValidatorId(3), 3, ALICE, BOB, KEY),
    ),
    (
        log_of(events.UNSTAKE_INIT_TOPIC, (ALICE, 3, 10**20), ("uint256", "uint256"), (4, 11)),
        events.UnstakeInit(ALICE, ValidatorId(3), 4, 11, Wei(10**20)),
    ),
    (log_of(events.TRANSFER_TOPIC, (ALICE, BOB), ("uint256",), (5,)), events.Transfer(ALICE, BOB, 5)),
    (
        log_of(events.STATE_SYNCED_TOPIC, (7, BOB), ("bytes",), (b"x" * 33,)),
        events.StateSynced(7, BOB, b"x" * 33),
    ),
    (log_of(events.UPGRADED_TOPIC, (BOB,), (), ()), events.ProxyUpgraded(BOB)),
    (log_of(events.PROXY_UPDATED_TOPIC, (BOB, ALICE), (), ()), events.ProxyUpgraded(BOB)),
]


@pytest.mark.parametrize(("topic", "expected"), TOPICS.items())
def test_topics__of_polygons_contracts__are_exact(topic: Hash32, expected: str) -> None:
    assert topic.hex() == expected


@pytest.mark.parametrize(("log", "event"), KNOWN, ids=lambda value: type(value).__name__)
def test_decode_event__as_solidity_emits_it__gives_every_field(log: Log, event: Event) -> None:
    assert decode_event(log) == event
    assert decode_event(feed_log(0, 0, log)) == event


@pytest.mark.parametrize(("log", "event"), KNOWN, ids=lambda value: type(value).__name__)
def test_decode_event__topics_or_data_that_do_not_fit__are_malformed(log: Log, event: Event) -> None:
    spoilt = [
        Log(CONTRACT, log.topics[:-1], log.data),
        Log(CONTRACT, log.topics, log.data + bytes(32)),
        Log(CONTRACT, log.topics, log.data + b"\x00"),
        Log(CONTRACT, log.topics, log.data[:-1] if log.data else b"\x00"),
    ]
    if not isinstance(event, events.Transfer):
        spoilt.append(Log(CONTRACT, (*log.topics, word(1)), log.data))
    for bad in spoilt:
        with pytest.raises(AbiError):
            decode_event(bad)


@pytest.mark.parametrize(
    ("topic", "words_before"),
    [(events.STAKED_TOPIC, 3), (events.SIGNER_CHANGE_TOPIC, 1), (events.STATE_SYNCED_TOPIC, 0)],
)
@pytest.mark.parametrize("change", [1, 32, 2**64, 2**255])
def test_decode_event__another_offset_or_length__is_malformed(topic: Hash32, words_before: int, change: int) -> None:
    log = next(log for log, _ in KNOWN if log.topics[0] == topic)
    for place in (32 * words_before, 32 * words_before + 32):
        changed = int.from_bytes(log.data[place : place + 32]) ^ change
        data = log.data[:place] + changed.to_bytes(32) + log.data[place + 32 :]
        with pytest.raises(AbiError):
            decode_event(Log(CONTRACT, log.topics, data))


def test_decode_event__padding_that_is_not_zero__is_malformed() -> None:
    log = log_of(events.STATE_SYNCED_TOPIC, (7, BOB), ("bytes",), (b"x",))
    with pytest.raises(AbiError, match="canonical"):
        decode_event(Log(CONTRACT, log.topics, log.data[:-1] + b"\x01"))


def test_decode_event__indexed_address_with_dirty_high_bytes__is_malformed() -> None:
    topics = (events.TRANSFER_TOPIC, Hash32(b"\x01" * 32), word(BOB))
    with pytest.raises(AbiError, match="not an address"):
        decode_event(Log(CONTRACT, topics, bytes(32)))


def test_decode_event__key_of_any_length__is_given_as_it_is() -> None:
    log = log_of(events.SIGNER_CHANGE_TOPIC, (3, ALICE, BOB), ("uint256", "bytes"), (3, b""))
    event = decode_event(log)
    assert isinstance(event, events.SignerChange)
    assert event.public_key == b""


def test_decode_event__unknown_or_no_topic__is_none() -> None:
    assert decode_event(Log(CONTRACT, (), b"")) is None
    assert decode_event(Log(CONTRACT, (keccak256(b"Other()"),), b"")) is None


def test_decode_event__erc721_transfer__is_none() -> None:
    assert decode_event(Log(CONTRACT, (events.TRANSFER_TOPIC, word(ALICE), word(BOB), word(1)), b"")) is None


def test_decode_event__elided_data__is_malformed_and_says_so() -> None:
    log = log_of(events.STATE_SYNCED_TOPIC, (7, BOB), ("bytes",), (bytes(LOG_DATA_MAX),))
    assert isinstance(decode_event(log), events.StateSynced)
    with pytest.raises(AbiError, match="elided"):
        decode_event(feed_log(0, 0, log))


@law
@given(st.sampled_from([log.topics[0] for log, _ in KNOWN]), st.lists(hashes, max_size=3), logs)
def test_decode_event__anything_under_a_known_topic__is_an_event_or_malformed(
    topic0: Hash32, topics: list[Hash32], log: Log
) -> None:
    try:
        decode_event(Log(log.address, (topic0, *topics), log.data))
    except AbiError:
        return
