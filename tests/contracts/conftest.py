"""Networks for the tests: each kind is deployed once a session, and every test gets its own copy of the chain."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.chain.clock import ManualClock
from contracts.deployment import DataForm
from tests.contracts.network import DEVNET_STAKES, GENESIS_TIME_S, Network, deploy, open_root_chain

NetworkFactory = Callable[[DataForm, Sequence[int]], Network]


@dataclass(frozen=True, slots=True)
class _Template:
    path: Path
    time_s: float
    network: Network


@pytest.fixture(scope="session")
def templates() -> dict[tuple[DataForm, tuple[int, ...]], _Template]:
    """The networks deployed so far, by data form and stakes."""
    return {}


@pytest.fixture
def make_network(
    templates: dict[tuple[DataForm, tuple[int, ...]], _Template],
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
) -> Iterator[NetworkFactory]:
    """Gives a fresh network with these stakes (wei); its chain is closed after the test."""
    opened: list[Network] = []

    def make(form: DataForm, stakes_wei: Sequence[int]) -> Network:
        key = (form, tuple(stakes_wei))
        if key not in templates:
            templates[key] = _deploy_template(tmp_path_factory.mktemp("template") / "root.db", form, stakes_wei)
        template = templates[key]
        path = tmp_path / f"root-{len(opened)}.db"
        shutil.copyfile(template.path, path)
        chain = open_root_chain(path, ManualClock(template.time_s))
        opened.append(Network(chain, template.network.contracts, form, list(template.network.validators)))
        return opened[-1]

    yield make
    for network in opened:
        network.chain.embedded.close()


def _deploy_template(path: Path, form: DataForm, stakes_wei: Sequence[int]) -> _Template:
    chain = open_root_chain(path, ManualClock(GENESIS_TIME_S))
    network = deploy(chain, form, stakes_wei)
    chain.embedded.close()
    return _Template(path, chain.clock.now(), network)


@pytest.fixture
def bound(make_network: NetworkFactory) -> Network:
    """Four validators as on the devnet; checkpoints in the bound form."""
    return make_network(DataForm.BOUND, DEVNET_STAKES)


@pytest.fixture
def polygon(make_network: NetworkFactory) -> Network:
    """Four validators as on the devnet; checkpoints in the polygon form."""
    return make_network(DataForm.POLYGON, DEVNET_STAKES)


@pytest.fixture(params=list(DataForm), ids=lambda form: form.name.lower())
def either(make_network: NetworkFactory, request: pytest.FixtureRequest) -> Network:
    """Four validators as on the devnet; once in each form."""
    return make_network(request.param, DEVNET_STAKES)
