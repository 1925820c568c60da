"""Everything between two chains that needs no validator: bytes (codec), I/O with a chain (chain), burns (burns).

    from bridge import Bridge, verify_exit_payload

What programs need of it is named here (client; docs/python.md) and imported when it is first used, so that who only
wants a codec pays for nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.burns.errors import BurnError, BurnNotReady
    from bridge.burns.report import BurnProof, BurnsReport, BurnStatus
    from bridge.client.bridge import Bridge
    from bridge.client.verification import verify_exit_payload

__all__ = ["Bridge", "BurnError", "BurnNotReady", "BurnProof", "BurnStatus", "BurnsReport", "verify_exit_payload"]

_PLACES = {
    "Bridge": "bridge.client.bridge",
    "BurnError": "bridge.burns.errors",
    "BurnNotReady": "bridge.burns.errors",
    "BurnProof": "bridge.burns.report",
    "BurnStatus": "bridge.burns.report",
    "BurnsReport": "bridge.burns.report",
    "verify_exit_payload": "bridge.client.verification",
}

if not TYPE_CHECKING:  # a type checker is to know these names alone

    def __getattr__(name: str) -> object:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_PLACES[name]), name)
