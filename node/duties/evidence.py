"""What the engine proved of validators, read from the replicated log: for status and API."""

from collections.abc import Callable
from dataclasses import dataclass

from node.app.evidence import EvidenceEntry, decode_evidence
from node.app.history import EVIDENCE_LOG
from node.app.state import Committed
from node.app.store import StateStore

ALARM_S = 7 * 24 * 3600
"""For so long after it was recorded evidence is an alarm: until then somebody should have changed that key."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """An entry of the log, and its place there."""

    index: int
    entry: EvidenceEntry


class EvidenceLog:
    """The log of evidence that the committed state commits to."""

    def __init__(self, store: StateStore, committed: Callable[[], Committed]) -> None:
        self._store = store
        self._committed = committed
        self._latest: Evidence | None = None

    @property
    def count(self) -> int:
        """How many entries the log has."""
        return self._committed().state.evidence_log.count

    @property
    def start(self) -> int:
        """The first entry that this node holds; above 0 only where it started from a snapshot."""
        return self._store.log_start(EVIDENCE_LOG).count

    def before(self, stop: int, limit: int) -> tuple[Evidence, ...]:
        """At most `limit` held entries before index `stop`, the newest first."""
        first = max(self.start, stop - limit)
        entries = self._store.log_entries(EVIDENCE_LOG, first, max(0, stop - first))
        found = [Evidence(first + place, decode_evidence(data)) for place, data in enumerate(entries)]
        return tuple(reversed(found))

    def alarm(self) -> str | None:
        """What to say of the latest evidence, while it is recent."""
        count = self.count
        if count and (self._latest is None or self._latest.index != count - 1):
            self._latest = next(iter(self.before(count, 1)), None)
        if not count or self._latest is None:
            return None
        entry = self._latest.entry
        if self._committed().time_s - entry.recorded_s >= ALARM_S:
            return None
        who = "a former validator" if entry.validator is None else f"validator {entry.validator}"
        return (
            f"MISBEHAVIOR: {who} (0x{entry.signer.hex()}) is proved of {entry.type.name} at block {entry.height}; "
            "two nodes sign with its key, or somebody else has it"
        )
