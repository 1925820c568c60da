"""Transactions between mempools: once per peer, whatever happens to them."""

from dataclasses import dataclass, field

from node.app.abci import CheckTxResponse
from node.engine.local.gossip import DELIVERIES_PER_ROUND, Gossip
from node.engine.local.mempool import Mempool, MempoolLimits

EVERYBODY = (0, 1, 2)


@dataclass(slots=True)
class WatchedNetwork:
    """Writes down every offer, and drops those on the links that the test has cut."""

    cut: set[tuple[int, int]] = field(default_factory=set)
    offers: list[tuple[int, int, bytes]] = field(default_factory=list)

    def delivers_transaction(self, sender: int, receiver: int, transaction: bytes) -> bool:
        self.offers.append((sender, receiver, transaction))
        return (sender, receiver) not in self.cut

    def delivers_proposal(self, proposer: int, receiver: int, height: int, round_number: int) -> bool:
        raise AssertionError("no proposals here")

    def delivers_block(self, receiver: int, height: int) -> bool:
        return True


def accept(transaction: bytes, is_recheck: bool) -> CheckTxResponse:
    return CheckTxResponse(0)


def refuse(transaction: bytes, is_recheck: bool) -> CheckTxResponse:
    return CheckTxResponse(1)


def pools(*checks: object) -> list[Mempool]:
    return [Mempool(refuse if check is refuse else accept, MempoolLimits()) for check in checks or (accept,) * 3]


def test_gossip__of_a_transaction__offers_it_to_each_peer_once() -> None:
    mempools, network = pools(), WatchedNetwork()
    gossip = Gossip(mempools, network)
    mempools[0].add(b"a")
    for _ in range(3):
        assert not gossip.advance(EVERYBODY)
    assert all(len(mempool) == 1 for mempool in mempools)
    # The two that got it from 0 offer it to each other, not back.
    assert sorted(network.offers) == [(0, 1, b"a"), (0, 2, b"a"), (1, 2, b"a")]


def test_gossip__of_a_dropped_transaction__comes_by_another_peer_and_not_again_by_the_same() -> None:
    mempools, network = pools(), WatchedNetwork(cut={(0, 2), (1, 2)})
    gossip = Gossip(mempools, network)
    mempools[0].add(b"a")
    gossip.advance(EVERYBODY)
    network.cut.clear()
    gossip.advance(EVERYBODY)
    assert [len(mempool) for mempool in mempools] == [1, 1, 0]
    assert len(network.offers) == len(set(network.offers))


def test_gossip__to_a_peer_that_refuses__is_not_repeated() -> None:
    mempools, network = pools(accept, refuse, accept), WatchedNetwork()
    gossip = Gossip(mempools, network)
    mempools[0].add(b"a")
    for _ in range(3):
        gossip.advance(EVERYBODY)
    assert [len(mempool) for mempool in mempools] == [1, 0, 1]
    assert sorted(network.offers) == [(0, 1, b"a"), (0, 2, b"a"), (2, 1, b"a")]


def test_gossip__to_a_member_that_is_away__waits_until_it_is_back() -> None:
    mempools, network = pools(), WatchedNetwork()
    gossip = Gossip(mempools, network)
    mempools[0].add(b"a")
    gossip.advance((0, 1))
    mempools[0].add(b"b")
    assert len(mempools[2]) == 0
    gossip.advance(EVERYBODY)
    assert [entry.transaction for entry in mempools[2].after(0)] == [b"a", b"b"]


def test_gossip__of_more_than_one_round_holds__goes_on_in_the_next() -> None:
    mempools = pools()[:2]
    gossip = Gossip(mempools, WatchedNetwork())
    for number in range(DELIVERIES_PER_ROUND + 1):
        mempools[0].add(b"%d" % number)
    assert gossip.advance((0, 1))
    assert len(mempools[1]) == DELIVERIES_PER_ROUND
    assert not gossip.advance((0, 1))
    assert len(mempools[1]) == DELIVERIES_PER_ROUND + 1
