"""Close at the end of a test what it opened: Python 3.13 warns of a database that is left to the garbage collector."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import pytest


class Closeable(Protocol):
    """Anything with a `close` that may be called twice."""

    def close(self) -> None:
        """Let go."""
        ...


T = TypeVar("T", bound=Closeable)
_OPENED: list[Closeable] = []


def opened(thing: T) -> T:
    """Have a thing closed when the test is over."""
    _OPENED.append(thing)
    return thing


@pytest.fixture(autouse=True)
def close_opened() -> Iterator[None]:
    """For every unit test."""
    yield
    while _OPENED:
        _OPENED.pop().close()
