"""Reorgs: other blocks in the place of the newest ones, and what becomes of their transactions."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.devnet.chain import BlockUnknown
from tests.unit.devnet.world import ALICE, POOR, open_chain, signed


def test_reorg__three_blocks__gives_four_new_ones_on_the_same_parent() -> None:
    chain = open_chain()
    old = chain.mine(5)
    new = chain.reorg(3)
    assert [header.number for header in new] == [3, 4, 5, 6]
    assert new[0].parent_hash == old[1].hash
    assert chain.head == new[-1]
    assert [chain.header(number) for number in range(1, 7)] == [*old[:2], *new]


def test_reorg__replaced_blocks__stay_readable_by_hash_and_are_not_canonical() -> None:
    chain = open_chain()
    old = chain.mine(4)
    chain.reorg(2)
    assert [chain.is_canonical(header) for header in old] == [True, True, False, False]
    assert chain.header(old[3].hash) == old[3]


def test_reorg__timestamps__are_those_of_the_replaced_blocks() -> None:
    chain = open_chain()
    old = chain.mine(4)
    new = chain.reorg(2)
    assert [header.timestamp for header in new[:2]] == [header.timestamp for header in old[2:]]
    assert new[2].timestamp == new[1].timestamp + 1


def test_reorg__transactions__are_mined_again_in_the_new_blocks() -> None:
    chain = open_chain()
    sent = []
    for nonce in range(3):
        sent.append(chain.send_raw(signed(ALICE, nonce, value_wei=1)))
        chain.mine()
    old_places = [chain.mined(each) for each in sent]
    chain.reorg(2)
    places = [chain.mined(each) for each in sent]
    assert all(place is not None and chain.is_canonical(place.block.header) for place in places)
    assert places[0] == old_places[0]
    assert places[1] != old_places[1]
    assert (chain.balance(POOR.address), chain.waiting_count) == (3, 0)


def test_reorg__without_transactions__they_wait_for_a_later_block() -> None:
    chain = open_chain()
    chain.mine()
    sent = chain.send_raw(signed(ALICE, 0, value_wei=1))
    chain.mine()
    chain.reorg(1, with_transactions=False)
    assert chain.mined(sent) is None
    assert chain.waiting(sent) is not None
    assert (chain.nonce(ALICE.address), chain.balance(POOR.address)) == (0, 0)
    chain.mine()
    assert chain.mined(sent) is not None


def test_reorg__waiting_transactions__are_kept_or_mined() -> None:
    chain = open_chain()
    chain.mine(2)
    sent = chain.send_raw(signed(ALICE, 0))
    behind_a_gap = chain.send_raw(signed(ALICE, 2))
    chain.reorg(1)
    assert chain.mined(sent) is not None
    assert chain.waiting(behind_a_gap) is not None


@pytest.mark.parametrize("depth", [4, 1_000])
def test_reorg__of_the_genesis_block__is_refused(depth: int) -> None:
    chain = open_chain()
    chain.mine(3)
    with pytest.raises(BlockUnknown, match="genesis"):
        chain.reorg(depth)
    assert chain.head.number == 3


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6))
def test_reorg__any_history__chain_stays_linked_and_every_hash_is_new(steps: list[tuple[int, int]]) -> None:
    chain = open_chain()
    seen = {chain.head.hash}
    nonce = 0
    for depth, transactions in steps:
        for _ in range(transactions):
            chain.send_raw(signed(ALICE, nonce, value_wei=1))
            nonce += 1
        made = chain.reorg(depth) if 0 < depth <= chain.head.number else chain.mine()
        assert not seen & {header.hash for header in made}
        seen |= {header.hash for header in made}
    headers = [chain.header(number) for number in range(chain.head.number + 1)]
    assert all(child.parent_hash == parent.hash for parent, child in pairwise(headers))
    chain.mine()
    assert (chain.nonce(ALICE.address), chain.balance(POOR.address)) == (nonce, nonce)
