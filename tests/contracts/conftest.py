"""Networks for the tests: each kind is deployed once a session, and every test gets its own copy of the chain."""

from collections.abc import Callable, Sequence

import pytest

from bridge.codec.checkpoint import DataForm
from tests.contracts.crossing import Crossing, join_chains
from tests.contracts.network import DEVNET_STAKES, Network, deploy
from tests.contracts.plasma import Plasma, add_plasma
from tests.contracts.tokens import Tokens, add_tokens

NetworkFactory = Callable[[DataForm, Sequence[int]], Network]


@pytest.fixture(scope="session")
def deployed() -> dict[tuple[DataForm, tuple[int, ...]], Network]:
    """The networks deployed so far, by data form and stakes; tests only copy them."""
    return {}


@pytest.fixture
def make_network(deployed: dict[tuple[DataForm, tuple[int, ...]], Network]) -> NetworkFactory:
    """Gives a network of its own with these stakes in wei."""

    def make(form: DataForm, stakes_wei: Sequence[int]) -> Network:
        key = (form, tuple(stakes_wei))
        if key not in deployed:
            deployed[key] = deploy(form, stakes_wei)
        return deployed[key].copy()

    return make


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


@pytest.fixture(scope="session")
def joined_chains() -> Crossing:
    """Both chains with the bridge; tests only copy them."""
    return join_chains()


@pytest.fixture
def crossing(joined_chains: Crossing) -> Crossing:
    """Both chains with the bridge, and demo tokens on the side chain."""
    return joined_chains.copy()


@pytest.fixture(scope="session")
def plasma_once(joined_chains: Crossing) -> Plasma:
    """Both chains with the plasma bridge and a tunnel; tests only copy them."""
    return add_plasma(joined_chains.copy())


@pytest.fixture
def plasma(plasma_once: Plasma) -> Plasma:
    """Both chains with the plasma bridge and a tunnel, and plasma tokens on the side chain."""
    return plasma_once.copy()


@pytest.fixture(scope="session")
def tokens_once(joined_chains: Crossing) -> Tokens:
    """Both chains with every type of token; tests only copy them."""
    return add_tokens(joined_chains.copy())


@pytest.fixture
def tokens(tokens_once: Tokens) -> Tokens:
    """Both chains with every type of token, some of each held by the burner on the side chain."""
    return tokens_once.copy()
