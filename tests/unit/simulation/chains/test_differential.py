"""Models against the compiled contracts: the same random scripts on both, compared after every step.

A few seeds by default. More: SIDEWARDEN_DIFFERENTIAL_SEEDS=200 pytest tests/unit/simulation/chains/test_differential.py
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.codec.checkpoint import DataForm
from bridge.codec.types import ZERO_ADDRESS
from tests.unit.simulation.chains import bridge_steps, checkpoint_steps, pool_steps, staking_steps
from tests.unit.simulation.chains.script import ADDRESSES, Script, new_script
from tests.unit.simulation.chains.views import View, views_of

SEEDS = int(os.environ.get("SIDEWARDEN_DIFFERENTIAL_SEEDS", "2"))
STEPS = 40
VIEWS_PER_STEP = 4
STEPS_OF_ALL_KINDS = (
    *staking_steps.STEPS,
    *checkpoint_steps.STEPS,
    *checkpoint_steps.STEPS,
    *bridge_steps.STEPS,
    *pool_steps.STEPS,
)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_models__random_script__do_what_the_contracts_do(seed: int) -> None:
    script = new_script(seed, DataForm(seed % 2))
    views = _views(script)
    with _told(script, seed):
        for _ in range(STEPS):
            step = script.source.choice(STEPS_OF_ALL_KINDS)
            script.story.append(step.__name__)
            step(script)
            _compare(script, script.source.sample(views, VIEWS_PER_STEP))
        _compare(script, views)
        _compare(script, script.source.sample(views, 20), is_older=True)
        for twins in (script.root, script.side):
            twins.compare_accounts(ADDRESSES)
            twins.at_unknown_blocks()


@contextmanager
def _told(script: Script, seed: int) -> Iterator[None]:
    """A failure tells the seed, and what was done."""
    try:
        yield
    except BaseException:
        print(f"seed {seed}, form {script.form.name}:", *script.story, sep="\n")  # noqa: T201
        raise


def _views(script: Script) -> list[View]:
    found = []
    for name, contract in script.contracts.root.by_name().items():
        found += views_of(contract, name)
    found += views_of(script.contracts.side.child_chain_manager, "ChildChainManager")
    found += views_of(script.contracts.side.demo_token, "ChildERC20")
    return found


def _compare(script: Script, views: list[View], *, is_older: bool = False) -> None:
    """The answers to these views, now or at a height that has passed."""
    on_side = script.contracts.side.by_name().values()
    addresses = [*ADDRESSES, ZERO_ADDRESS, *script.contracts.root.by_name().values(), *on_side]
    for view in views:
        twins = script.side if view.contract in on_side else script.root
        data = view.data(script.source, addresses)
        if is_older:
            twins.call_at(view.contract, data, script.source.randint(0, twins.model.head.number))
        else:
            twins.call(view.contract, data, ZERO_ADDRESS)
