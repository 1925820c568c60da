"""The history of a state: against copies of it all."""

import random

from node.simulation.chains.state import Key, StateHistory


def test_history__random_pushes_and_pops__is_what_copies_are() -> None:
    seed = 4
    source = random.Random(seed)
    history, copies, pushed = StateHistory(), [dict[Key, object]()], list[dict[Key, object]]()
    keys: list[Key] = [("account", number) for number in range(12)]
    for _ in range(2_000):
        if pushed and source.random() < 0.4:
            history.pop(pushed.pop())
            copies.pop()
        else:
            changes: dict[Key, object] = {source.choice(keys): source.randrange(9) for _ in range(source.randint(0, 4))}
            history.push(len(copies), changes)
            pushed.append(changes)
            copies.append({**copies[-1], **changes})
        for number in source.sample(range(len(copies)), min(3, len(copies))):
            state = history.at(number)
            assert [state.get(key) for key in keys] == [copies[number].get(key) for key in keys], f"seed {seed}"
        assert [history.get(key) for key in keys] == [copies[-1].get(key) for key in keys], f"seed {seed}"
