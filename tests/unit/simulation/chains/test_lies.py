"""An answer with one lie in it."""

import random

import pytest

from node.simulation.chains.lies import falsified

ANSWER = {
    "number": "0x10",
    "hash": "0x" + "ab" * 32,
    "flag": False,
    "ratio": 0.5,
    "count": 3,
    "text": "5",
    "nothing": None,
    "empty": [],
    "list": ["0x1", {"deep": "0x00"}],
}


def copy_of(value: object) -> object:
    if isinstance(value, dict):
        return {name: copy_of(each) for name, each in value.items()}
    return [copy_of(each) for each in value] if isinstance(value, list) else value


def differences(ours: object, theirs: object) -> int:
    """In how many places two answers differ; a missing one counts as one."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return sum(
            differences(ours[name], theirs[name]) if name in ours and name in theirs else 1
            for name in ours.keys() | theirs.keys()
        )
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return sum(differences(a, b) for a, b in zip(ours, theirs, strict=True))
    return int(ours != theirs or type(ours) is not type(theirs))


def test_lie__about_an_object__changes_one_place_and_every_place_in_time() -> None:
    changed: set[str] = set()
    for seed in range(800):
        lie = falsified(copy_of(ANSWER), random.Random(seed))
        assert isinstance(lie, dict)
        assert differences(ANSWER, lie) == 1, f"seed {seed}: {lie}"
        changed |= {name for name in ANSWER if lie.get(name, ...) != ANSWER[name]}
    assert changed == set(ANSWER)


@pytest.mark.parametrize("value", ["0x0", "0x1", "0x" + "00" * 32, True, 7, "137", []])
def test_lie__about_one_value__is_another_value(value: object) -> None:
    told = [falsified(copy_of([value]), random.Random(seed)) for seed in range(50)]
    assert all(each != [value] for each in told)
    assert any(isinstance(each, list) and each and type(each[0]) is type(value) for each in told) or value == []


def test_lie__about_null__is_null() -> None:
    assert falsified(None, random.Random(0)) is None
