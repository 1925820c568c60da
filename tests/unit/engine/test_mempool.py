"""One mempool: order, limits, rechecks."""

import pytest

from node.app.abci import CheckTxResponse
from node.engine.errors import MempoolFullError, TransactionSeenError, TransactionTooLargeError
from node.engine.local.mempool import Mempool, MempoolLimits, size_in_block
from node.engine.proto.abci_pb2 import ResponsePrepareProposal


class Gate:
    """A CheckTx that refuses what the test names, and remembers what it was asked."""

    def __init__(self) -> None:
        self.refused: set[bytes] = set()
        self.asked: list[tuple[bytes, bool]] = []

    def __call__(self, transaction: bytes, is_recheck: bool) -> CheckTxResponse:
        self.asked.append((transaction, is_recheck))
        return CheckTxResponse(int(transaction in self.refused))


def waiting(mempool: Mempool) -> list[bytes]:
    return [entry.transaction for entry in mempool.after(0)]


def test_add__of_accepted_transactions__keeps_their_order() -> None:
    mempool = Mempool(Gate(), MempoolLimits())
    for transaction in (b"b", b"a", b"c"):
        assert mempool.add(transaction).code == 0
    assert waiting(mempool) == [b"b", b"a", b"c"]
    assert mempool.total_bytes == 3


def test_add__of_a_refused_transaction__leaves_nothing_behind_and_may_come_again() -> None:
    gate = Gate()
    mempool = Mempool(gate, MempoolLimits())
    gate.refused = {b"a"}
    assert mempool.add(b"a").code == 1
    assert not len(mempool)
    gate.refused = set()
    assert mempool.add(b"a").code == 0


def test_add__of_the_same_bytes__is_refused_before_the_application_is_asked() -> None:
    gate = Gate()
    mempool = Mempool(gate, MempoolLimits())
    mempool.add(b"a")
    with pytest.raises(TransactionSeenError):
        mempool.add(b"a")
    assert gate.asked == [(b"a", False)]


def test_add__at_each_limit__takes_the_last_that_fits_and_no_more() -> None:
    by_count = Mempool(Gate(), MempoolLimits(transactions=2))
    by_count.add(b"1")
    by_count.add(b"2")
    with pytest.raises(MempoolFullError):
        by_count.add(b"3")
    by_bytes = Mempool(Gate(), MempoolLimits(total_bytes=10))
    by_bytes.add(b"1" * 10)
    with pytest.raises(MempoolFullError):
        by_bytes.add(b"2")
    by_size = Mempool(Gate(), MempoolLimits(transaction_bytes=10))
    by_size.add(b"1" * 10)
    with pytest.raises(TransactionTooLargeError):
        by_size.add(b"1" * 11)


def test_update__with_a_block__makes_room_and_remembers_its_bytes() -> None:
    mempool = Mempool(Gate(), MempoolLimits(transactions=2))
    mempool.add(b"1")
    mempool.add(b"2")
    mempool.update(1, [b"1"])
    assert waiting(mempool) == [b"2"]
    with pytest.raises(TransactionSeenError):
        mempool.add(b"1", sender=3)
    mempool.add(b"3")


def test_update__when_the_application_changed_its_mind__drops_what_it_refuses_now() -> None:
    gate = Gate()
    mempool = Mempool(gate, MempoolLimits())
    mempool.add(b"a")
    mempool.add(b"b")
    gate.refused = {b"a"}
    mempool.update(1, [])
    assert waiting(mempool) == [b"b"]
    assert mempool.total_bytes == 1
    assert gate.asked[2:] == [(b"a", True), (b"b", True)]


def test_update__after_the_time_to_live__drops_the_transaction_and_lets_it_come_again() -> None:
    mempool = Mempool(Gate(), MempoolLimits(ttl_blocks=3))
    mempool.update(10, [])
    mempool.add(b"a")
    mempool.update(12, [])
    assert waiting(mempool) == [b"a"]
    mempool.update(13, [])
    assert not len(mempool)
    assert mempool.add(b"a").code == 0


def test_seen__beyond_its_limit__forgets_the_oldest_but_never_one_that_waits() -> None:
    mempool = Mempool(Gate(), MempoolLimits(transactions=2, seen_transactions=2))
    mempool.add(b"waits")
    mempool.update(1, [b"1", b"2", b"3"])
    with pytest.raises(TransactionSeenError):
        mempool.add(b"waits")
    assert mempool.add(b"1").code == 0
    assert mempool.total_bytes == 6


def test_limits__with_less_memory_than_room__are_refused() -> None:
    with pytest.raises(ValueError, match="seen_transactions"):
        MempoolLimits(transactions=10, seen_transactions=9)


def test_reap__up_to_exactly_what_fits__counts_the_framing_of_a_block() -> None:
    mempool = Mempool(Gate(), MempoolLimits())
    transactions = (b"x" * 127, b"y" * 128, b"z")
    for transaction in transactions:
        mempool.add(transaction)
    size = sum(map(size_in_block, transactions[:2]))
    assert size == ResponsePrepareProposal(txs=transactions[:2]).ByteSize()
    assert mempool.reap(size) == transactions[:2]
    assert mempool.reap(size - 1) == transactions[:1]


def test_after__a_sequence__gives_what_came_later() -> None:
    mempool = Mempool(Gate(), MempoolLimits())
    for transaction in (b"a", b"b", b"c"):
        mempool.add(transaction)
    first = next(mempool.after(0))
    assert [entry.transaction for entry in mempool.after(first.sequence)] == [b"b", b"c"]
