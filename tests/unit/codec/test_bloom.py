"""The logs bloom against eth-bloom."""

from eth_bloom.bloom import BloomFilter
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec.bloom import EMPTY_BLOOM, bloom_of, may_contain
from bridge.codec.receipts import Log
from tests.unit.codec.strategies import law, logs


@law
@given(st.lists(logs, max_size=5))
def test_bloom_of__any_logs__agrees_with_the_oracle_and_has_every_item(some_logs: list[Log]) -> None:
    items = [item for log in some_logs for item in (log.address, *log.topics)]
    bloom = bloom_of(some_logs)
    assert int.from_bytes(bloom) == int(BloomFilter.from_iterable(items))
    assert all(may_contain(bloom, item) for item in items)


@law
@given(st.lists(logs, max_size=5), st.binary(min_size=20, max_size=32))
def test_may_contain__any_item__agrees_with_the_oracle(some_logs: list[Log], item: bytes) -> None:
    bloom = bloom_of(some_logs)
    assert may_contain(bloom, item) == (item in BloomFilter(int.from_bytes(bloom)))


def test_may_contain__empty_bloom__has_nothing() -> None:
    assert not may_contain(EMPTY_BLOOM, bytes(20))
