"""Whether whoever asks may have new work begun for it: the seam where a server limits each client's share.

Only the service knows whether a question costs RPC calls or has its answer at hand, and only a server knows who asks.
So the server sets `admit` around a question, and it is called once before work is begun; it raises to refuse. Who
joins work that runs already, or takes a kept result, is not asked.
"""

from collections.abc import Callable
from contextvars import ContextVar


def everybody() -> None:
    """Let the work begin."""


admit: ContextVar[Callable[[], None]] = ContextVar("admit", default=everybody)
