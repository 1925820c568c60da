"""A bootstrapped root chain of models for each test, on a clock that stands still."""

import pytest

from bridge.chain.clock import ManualClock
from bridge.codec.checkpoint import DataForm
from contracts.deployment import RootContracts
from node.devnet.bootstrap import deployment_plan
from node.simulation.chains.model import ModelChain
from node.simulation.chains.worlds import ChainKind, ChainOptions, World, root_world
from tests.unit.simulation.chains.script import ACCOUNTS, CONFIRMATIONS, ROOT_ID, SIDE_ID, START


@pytest.fixture
def world() -> World[RootContracts]:
    plan = deployment_plan(ACCOUNTS, SIDE_ID, DataForm.BOUND)
    options = ChainOptions(ChainKind.MODEL, ROOT_ID, START, ManualClock(START))
    return root_world(options, plan, ACCOUNTS, CONFIRMATIONS)


@pytest.fixture
def chain(world: World[RootContracts]) -> ModelChain:
    assert isinstance(world.chain, ModelChain)
    return world.chain
