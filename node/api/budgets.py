"""How fast each client may ask for new work: a token bucket for each.

A bucket holds `burst` tokens at most and gets `per_s` of them a second; a question takes one. Buckets that nobody has
taken from for longest are forgotten beyond `clients_max`, so memory is bounded; a forgotten one starts full.
"""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Budgets:
    """The buckets of all clients."""

    def __init__(self, per_s: float, burst: int, clients_max: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clients_max = clients_max
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Clients that are remembered."""
        return len(self._buckets)

    def take(self, client: str, now_s: float) -> float:
        """Take a token: zero, or the seconds until there is one. `now_s` is of a clock that never goes back."""
        bucket = self._buckets.pop(client, None) or _Bucket(self._burst, now_s)
        self._buckets[client] = bucket
        if len(self._buckets) > self._clients_max:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now_s - bucket.at_s) * self._per_s)
        bucket.at_s = now_s
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_s
        bucket.tokens -= 1
        return 0.0
