"""Why an engine does not work, as a value that status, API and metrics share."""

from dataclasses import dataclass
from enum import StrEnum


class TroubleCode(StrEnum):
    """The kinds of trouble; each is a reason of the same name in status."""

    UPGRADE_NEEDED = "UPGRADE_NEEDED"
    """The network agreed on a version that this program does not have."""
    ENGINE_DOWN = "ENGINE_DOWN"
    """The engine's process or the application behind it has ended."""
    ENGINE_STRANDED = "ENGINE_STRANDED"
    """Peers have gone on, and keep no block that this node lacks."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The trouble, and its cause in words."""

    code: TroubleCode
    text: str
