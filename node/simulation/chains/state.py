"""Values by key, as of every block: what a chain without an EVM has for a state trie.

Only changes are kept, so that a block costs what it changed. A block that a reorg replaced keeps its changes itself.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Protocol

Key = tuple[object, ...]
"""An account's address, a name, and keys within it."""


class State(Protocol):
    """Something to read values from."""

    def get(self, key: Key) -> object:
        """The value, or None."""
        ...


class Overlay:
    """Changes over a state that stays as it is; `changes` are the newest values."""

    __slots__ = ("_below", "changes")

    def __init__(self, below: State) -> None:
        self._below = below
        self.changes: dict[Key, object] = {}

    def get(self, key: Key) -> object:
        """The value, or None."""
        return self.changes[key] if key in self.changes else self._below.get(key)

    def set(self, key: Key, value: object) -> None:
        """Change a value, here alone."""
        self.changes[key] = value

    def take(self, changes: Mapping[Key, object]) -> None:
        """Change several."""
        self.changes.update(changes)


class Layered:
    """A state that differs from another by some changes."""

    __slots__ = ("_below", "_changes")

    def __init__(self, below: State, changes: Mapping[Key, object]) -> None:
        self._below = below
        self._changes = changes

    def get(self, key: Key) -> object:
        """The value, or None."""
        return self._changes[key] if key in self._changes else self._below.get(key)


class StateHistory:
    """The state after each block of a chain; itself the state after the newest."""

    def __init__(self) -> None:
        self._latest: dict[Key, object] = {}
        self._numbers: dict[Key, list[int]] = {}
        """The blocks that changed a key, ascending."""
        self._values: dict[Key, list[object]] = {}

    def get(self, key: Key) -> object:
        """The newest value, or None."""
        return self._latest.get(key)

    def push(self, number: int, changes: Mapping[Key, object]) -> None:
        """Add what a block changed, which comes after all others."""
        for key, value in changes.items():
            self._latest[key] = value
            self._numbers.setdefault(key, []).append(number)
            self._values.setdefault(key, []).append(value)

    def pop(self, changes: Mapping[Key, object]) -> None:
        """Take back the changes of the newest block."""
        for key in changes:
            values = self._values[key]
            self._numbers[key].pop()
            values.pop()
            if values:
                self._latest[key] = values[-1]
            else:
                del self._latest[key]

    def at(self, number: int) -> State:
        """The state after a block, for as long as that block stands."""
        return _StateAt(self, number)

    def get_at(self, key: Key, number: int) -> object:
        """The value after a block, or None."""
        numbers = self._numbers.get(key)
        place = bisect_right(numbers, number) if numbers else 0
        return self._values[key][place - 1] if place else None


class _StateAt:
    __slots__ = ("_history", "_number")

    def __init__(self, history: StateHistory, number: int) -> None:
        self._history = history
        self._number = number

    def get(self, key: Key) -> object:
        return self._history.get_at(key, self._number)
