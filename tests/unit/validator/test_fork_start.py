"""A fork starts only when nothing of the network before it can land any more, or its operator accepts that."""

import pytest

from bridge.codec.checkpoint import DataForm
from node.validator.errors import ForkMayLand, ForkTooEarly
from node.validator.fork_start import refuse_early_start
from tests.unit.app.network import Network
from tests.unit.app.test_fork import fork, in_collection


def test_start__of_a_bound_fork__waits_for_the_last_valid_time_and_its_confirmations() -> None:
    network = in_collection()
    genesis = fork(network)
    last_s = network.proposal.valid_until + network.state.params.root_chains[0].confirmation_lag_s
    with pytest.raises(ForkTooEarly, match="for another 1 s"):
        refuse_early_start(genesis, last_s - 1, accepts_risk=True)
    with pytest.raises(ForkTooEarly):
        refuse_early_start(genesis, last_s, accepts_risk=False)
    refuse_early_start(genesis, last_s + 1, accepts_risk=False)


def test_start__of_a_polygon_fork__needs_the_operator_s_word_for_ever() -> None:
    genesis = fork(in_collection(data_form=DataForm.POLYGON))
    with pytest.raises(ForkMayLand, match=r"\(8 to 15\).*--accept-risk"):
        refuse_early_start(genesis, 2e9, accepts_risk=False)
    refuse_early_start(genesis, 0, accepts_risk=True)


def test_start__of_a_network_with_nothing_under_way__is_free() -> None:
    network = Network()
    refuse_early_start(network.genesis, 0, accepts_risk=False)
    network.checkpoint()
    refuse_early_start(fork(network), 0, accepts_risk=False)
