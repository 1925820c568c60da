"""When to look at a burn again, and what is waited for; pure."""

from bridge.burns.errors import BurnNotFound, LogNotABurn
from bridge.burns.report import BurnsReport, BurnStatus

LOOK_EVERY_S_MIN = 2.0
LOOK_EVERY_S_MAX = 60.0
APPEARS_WITHIN_S = 120.0
"""A transaction that was just sent may not have reached the endpoints yet."""
LOOKS_UNTIL_READY = 8
"""The expected wait is looked at about this often: little is asked of the endpoints, and little time is lost."""


def look_again_s(report: BurnsReport) -> float:
    """How long to wait before the next look."""
    expected_s = 0 if report.to_go is None else report.to_go.seconds or 0
    return min(max(expected_s / LOOKS_UNTIL_READY, LOOK_EVERY_S_MIN), LOOK_EVERY_S_MAX)


def is_over(report: BurnsReport) -> bool:
    """Whether nothing more can come: everything is exited, or the transaction burns nothing."""
    return report.status is BurnStatus.EXITED or _burns_nothing(report)


def is_ready(report: BurnsReport, log_index: int | None) -> bool:
    """Whether the proof of the burn at this log, or of every burn, can be had."""
    statuses = [one.status for one in report.burns if log_index in {None, one.log_index}]
    return bool(statuses) and all(status.rank >= BurnStatus.READY.rank for status in statuses)


def refuse_hopeless(report: BurnsReport, log_index: int | None, waited_s: float) -> None:
    """Raise BurnNotFound or LogNotABurn where waiting for the burn at this log cannot help."""
    unseen = report.status is BurnStatus.NOT_FOUND and waited_s >= APPEARS_WITHIN_S
    if unseen or _burns_nothing(report):
        raise BurnNotFound(report.text)
    if report.burns and log_index is not None and log_index not in {one.log_index for one in report.burns}:
        indexes = ", ".join(str(one.log_index) for one in report.burns)
        raise LogNotABurn(f"log {log_index} of the transaction is no burn; the burns are at {indexes}")


def _burns_nothing(report: BurnsReport) -> bool:
    """Whether the transaction is there, and has nothing that could be taken out."""
    return report.status is BurnStatus.NOT_FOUND and report.block_number is not None
