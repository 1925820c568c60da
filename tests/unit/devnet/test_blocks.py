"""Blocks of an embedded chain: their times, their order, and their commitments recomputed by other libraries."""

import pytest
import rlp as other_rlp  # type: ignore[import-untyped]  # the rlp package ships no types
from eth_account import Account as EthAccount
from eth_bloom.bloom import BloomFilter
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from bridge.chain.clock import ManualClock
from bridge.codec.hash import keccak256
from bridge.codec.header import encode_header, header_hash
from bridge.codec.hexadecimal import to_hex
from bridge.codec.receipts import SUCCESS, encode_receipt, receipts_root
from bridge.codec.types import UnixSeconds
from node.devnet.chain import Block, BlockUnknown, LogFilter, TimestampRefused, TooManyLogs
from node.devnet.chain.embedded import BLOCKS_CACHED
from tests.unit.devnet.world import (
    ALICE,
    BOB,
    CHAIN_ID,
    GENESIS_TIME_S,
    GWEI,
    LOGGER,
    POOR,
    SPINNER,
    deploy,
    open_chain,
    send_and_mine,
    signed,
)


def other_trie_root(values: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for index, value in enumerate(values):
        trie[other_rlp.encode(index)] = value
    return trie.root_hash


def check_commitments(block: Block) -> None:
    """Hash, both roots and bloom of a block, computed by rlp, trie and eth-bloom."""
    header = block.header
    assert keccak256(other_rlp.encode(other_rlp.decode(encode_header(header)))) == header.hash
    assert other_trie_root([transaction.raw for transaction in block.transactions]) == header.transactions_root
    assert other_trie_root([encode_receipt(receipt) for receipt in block.receipts]) == header.receipts_root
    bloom = BloomFilter()
    for receipt in block.receipts:
        for log in receipt.logs:
            bloom.add(log.address)
            bloom.extend(log.topics)
    assert int(bloom).to_bytes(256) == header.logs_bloom
    assert not block.receipts or block.receipts[-1].cumulative_gas_used == header.gas_used


def test_genesis__new_chain__has_the_balances_and_time_it_was_given() -> None:
    chain = open_chain()
    assert (chain.head.number, chain.head.timestamp) == (0, GENESIS_TIME_S)
    assert chain.balance(ALICE.address) == 1_000 * 10**18
    assert chain.balance(POOR.address) == 0
    check_commitments(chain.block(0))


def test_mine__clock_stands_still__timestamps_still_rise_by_a_second() -> None:
    chain = open_chain()
    assert [header.timestamp - GENESIS_TIME_S for header in chain.mine(3)] == [1, 2, 3]


def test_mine__clock_is_ahead__takes_the_clocks_whole_seconds() -> None:
    clock = ManualClock(GENESIS_TIME_S)
    chain = open_chain(clock=clock)
    clock.advance(100.9)
    assert [header.timestamp - GENESIS_TIME_S for header in chain.mine(2)] == [100, 101]


def test_mine__with_a_timestamp__counts_on_from_it_whatever_the_clock_says() -> None:
    chain = open_chain(clock=ManualClock(GENESIS_TIME_S + 1_000))
    headers = chain.mine(3, timestamp=UnixSeconds(GENESIS_TIME_S + 5))
    assert [header.timestamp - GENESIS_TIME_S for header in headers] == [5, 6, 7]


def test_mine__timestamp_not_after_the_head__is_refused() -> None:
    chain = open_chain()
    with pytest.raises(TimestampRefused):
        chain.mine(timestamp=GENESIS_TIME_S)
    assert chain.head.number == 0


@pytest.mark.parametrize("count", [0, -1, 1_025])
def test_mine__impossible_count__is_a_mistake_of_the_caller(count: int) -> None:
    with pytest.raises(ValueError, match="take 1 to 1024"):
        open_chain().mine(count)


def test_mine__transfers_of_all_types_signed_by_eth_account__commitments_reproduce() -> None:
    chain = open_chain()
    common = {"to": POOR.address, "value": 7, "gas": 60_000, "chainId": CHAIN_ID}
    fees: dict[str, object] = {"maxFeePerGas": 3 * GWEI, "maxPriorityFeePerGas": GWEI}
    listed = [{"address": to_hex(BOB.address), "storageKeys": [to_hex(b"\x01" * 32)]}]
    kinds: list[dict[str, object]] = [
        {"gasPrice": 2 * GWEI},
        {"gasPrice": 2 * GWEI, "accessList": listed, "type": 1},
        {**fees, "accessList": listed, "type": 2},
    ]
    for nonce, kind in enumerate(kinds):
        chain.send_raw(
            bytes(EthAccount.sign_transaction({**common, **kind, "nonce": nonce}, ALICE.private_key).raw_transaction)
        )
    chain.mine()
    block = chain.block()
    assert [transaction.type for transaction in block.transactions] == [0, 1, 2]
    assert [receipt.type for receipt in block.receipts] == [0, 1, 2]
    assert {transaction.sender for transaction in block.transactions} == {ALICE.address}
    assert chain.balance(POOR.address) == 21
    check_commitments(block)


def test_mine__logs_and_failures__commitments_reproduce() -> None:
    chain = open_chain()
    logger, spinner = deploy(chain, LOGGER), deploy(chain, SPINNER)
    nonce = chain.nonce(ALICE.address)
    chain.send_raw(signed(ALICE, nonce, to=logger, data=b"\x05" * 40))
    chain.send_raw(signed(ALICE, nonce + 1, to=spinner))
    chain.send_raw(signed(ALICE, nonce + 2, to=None, data=b"\xfe"))
    chain.send_raw(signed(ALICE, nonce + 3, to=logger, data=b"\x06" * 100))
    chain.mine()
    block = chain.block()
    assert [receipt.status_or_root == SUCCESS for receipt in block.receipts] == [True, False, False, True]
    assert [block.first_log_index_of(index) for index in range(4)] == [0, 1, 1, 1]
    assert block.gas_used_by(1) == 100_000
    check_commitments(block)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=80)), max_size=8))
def test_mine__any_transactions__commitments_reproduce(calls: list[tuple[int, bytes]]) -> None:
    chain = open_chain()
    targets = (POOR.address, deploy(chain, LOGGER), deploy(chain, SPINNER), None)
    nonce = chain.nonce(ALICE.address)
    for position, (target, data) in enumerate(calls):
        chain.send_raw(signed(ALICE, nonce + position, to=targets[target], data=data))
    chain.mine()
    block = chain.block()
    assert len(block.transactions) == len(calls)
    assert header_hash(block.header) == chain.head.hash
    assert receipts_root(block.receipts) == block.header.receipts_root
    check_commitments(block)


def test_blocks__each_names_its_parent__and_is_found_by_number_and_hash() -> None:
    chain = open_chain()
    headers = chain.mine(5)
    for header in headers:
        assert chain.header(header.number) == chain.header(header.hash) == header
        assert header.parent_hash == chain.header(header.number - 1).hash


@pytest.mark.parametrize("block", [3, -1, 2**64, bytes(32), b"short"])
def test_header__that_is_not_there__is_unknown(block: int | bytes) -> None:
    chain = open_chain()
    chain.mine(2)
    with pytest.raises(BlockUnknown):
        chain.header(block)


def test_tags__follow_the_head_at_their_depths() -> None:
    chain = open_chain()
    assert (chain.safe_number, chain.finalized_number) == (0, 0)
    chain.mine(10)
    assert (chain.safe_number, chain.finalized_number) == (9, 8)


def test_state__at_an_older_block__is_as_it_was() -> None:
    chain = open_chain()
    for value in (5, 6):
        chain.send_raw(signed(ALICE, chain.nonce(ALICE.address), value_wei=value))
        chain.mine()
    assert [chain.balance(POOR.address, number) for number in range(3)] == [0, 5, 11]
    assert [chain.nonce(ALICE.address, number) for number in range(3)] == [0, 1, 2]


def test_logs__by_address_topic_and_range__are_found_with_their_place() -> None:
    chain = open_chain()
    logger = deploy(chain, LOGGER)
    one, two = b"\x01".rjust(32, b"\0"), b"\x02".rjust(32, b"\0")
    for topic in (one, two, one):
        send_and_mine(chain, logger, topic)
    everything = chain.logs(LogFilter(), 0, 99)
    assert [found.block_number for found in everything] == [2, 3, 4]
    by_topic = chain.logs(LogFilter(frozenset({logger}), (frozenset({one}),)), 0, 3)  # type: ignore[arg-type]  # plain bytes
    assert [(found.block_number, found.index, found.log.data) for found in by_topic] == [(2, 0, one)]
    assert not chain.logs(LogFilter(frozenset({BOB.address})), 0, 99)
    assert not chain.logs(LogFilter(topics=(frozenset(), frozenset())), 0, 99)
    with pytest.raises(TooManyLogs):
        chain.logs(LogFilter(), 0, 99, limit=2)


def test_copy__of_a_chain_in_memory__goes_its_own_way() -> None:
    chain = open_chain()
    chain.mine(3)
    chain.send_raw(signed(ALICE, 0, value_wei=9))
    twin = chain.copy()
    twin.mine()
    assert (twin.head.number, twin.balance(POOR.address), twin.waiting_count) == (4, 9, 0)
    assert (chain.head.number, chain.balance(POOR.address), chain.waiting_count) == (3, 0, 1)
    chain.mine()
    assert chain.head == twin.head


def test_block__kept_since_it_was_made__is_the_one_that_is_stored() -> None:
    chain = open_chain()
    logger = deploy(chain, LOGGER)
    for nonce in range(1, 4):
        chain.send_raw(signed(ALICE, nonce, to=logger, data=bytes(nonce)))
    chain.mine()
    kept = chain.block()
    chain.mine(BLOCKS_CACHED)
    stored = chain.block(kept.header.hash)
    assert stored is not kept
    assert stored == kept
