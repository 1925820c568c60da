"""An answer that is wrong in one place: what an endpoint with a bad disk, a bad cache or bad intent says."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Json = object
"""Plain JSON values, as a decoder gives them."""

_HEX_DIGITS = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a leaf is: the array or object that holds it, and its index or name there."""

    holder: list[Json] | dict[str, Json]
    key: int | str

    @property
    def value(self) -> Json:
        if isinstance(self.holder, list):
            return self.holder[int(self.key)]
        return self.holder[str(self.key)]

    def put(self, value: Json) -> None:
        if isinstance(self.holder, list):
            self.holder[int(self.key)] = value
        else:
            self.holder[str(self.key)] = value

    def remove(self) -> None:
        if isinstance(self.holder, list):
            del self.holder[int(self.key)]
        else:
            del self.holder[str(self.key)]


def falsified(answer: Json, source: random.Random) -> Json:
    """The answer with one leaf changed, absent or null; the answer's own arrays and objects are changed.

    An answer of null stays as it is: there is nothing in it to be wrong about.
    """
    whole: list[Json] = [answer]
    places = list(_leaves(whole))
    place = source.choice(places)
    lies: list[Callable[[_Place, random.Random], None]] = []
    if place.value is not None:
        lies = [_change, _change, _to_null]
    if place.holder is not whole:
        lies.append(_remove)
    if lies:
        source.choice(lies)(place, source)
    return whole[0]


def _leaves(holder: list[Json] | dict[str, Json]) -> Iterator[_Place]:
    keys = range(len(holder)) if isinstance(holder, list) else list(holder)
    for key in keys:
        place = _Place(holder, key)
        if isinstance(place.value, list | dict) and place.value:
            yield from _leaves(place.value)
        else:
            yield place


def _to_null(place: _Place, _source: random.Random) -> None:
    place.put(None)


def _remove(place: _Place, _source: random.Random) -> None:
    place.remove()


def _change(place: _Place, source: random.Random) -> None:
    value = place.value
    if isinstance(value, bool):
        place.put(not value)
    elif isinstance(value, int | float):
        place.put(value + source.choice((-1, 1)))
    elif isinstance(value, str):
        place.put(_changed_text(value, source))
    else:
        place.put([None] if value == [] else [])


def _changed_text(text: str, source: random.Random) -> str:
    """Another digit somewhere, or a quantity off by one."""
    if text.startswith("0x") and 2 < len(text) <= 18 and source.random() < 0.5:
        number = int(text, 16)
        return hex(number + source.choice((-1, 1) if number else (1,)))
    digits = [place for place, letter in enumerate(text) if place > 1 and letter in _HEX_DIGITS]
    if not digits:
        return text + "0"
    at = source.choice(digits)
    others = [digit for digit in _HEX_DIGITS if digit != text[at]]
    return text[:at] + source.choice(others) + text[at + 1 :]
