"""SQLite's locks on one file (https://sqlite.org/lockingv3.html): many read, or one writes."""

from typing import Protocol

UNLOCKED, SHARED, RESERVED, PENDING, EXCLUSIVE = range(5)


class Holder(Protocol):
    """Who may hold a lock: an open file of a process."""

    @property
    def is_dead(self) -> bool:
        """Whether the kernel has released its locks."""
        ...


class Locks:
    """Who holds which lock."""

    def __init__(self) -> None:
        self._levels: dict[Holder, int] = {}

    def rise(self, holder: Holder, level: int) -> bool:
        """Take a higher lock, unless others are in the way."""
        highest = self._highest_but(holder)
        if level == SHARED:
            is_free = highest < PENDING
        elif level == RESERVED:
            is_free = highest < RESERVED
        else:
            is_free = highest < SHARED
            if highest == SHARED:
                self._levels[holder] = PENDING  # no new readers come in
        if is_free:
            self._levels[holder] = max(level, self._levels.get(holder, UNLOCKED))
        return is_free

    def fall(self, holder: Holder, level: int) -> None:
        """Go back to a lower lock, or to none."""
        if level == UNLOCKED:
            self._levels.pop(holder, None)
        else:
            self._levels[holder] = min(level, self._levels.get(holder, UNLOCKED))

    @property
    def is_reserved(self) -> bool:
        """Whether somebody writes or prepares to."""
        return self._highest_but(None) >= RESERVED

    def _highest_but(self, holder: Holder | None) -> int:
        self._levels = {other: level for other, level in self._levels.items() if not other.is_dead}
        return max((level for other, level in self._levels.items() if other is not holder), default=UNLOCKED)
