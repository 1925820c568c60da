"""One of four validators dies by kill -9 at each moment of a block: its node, its CometBFT, or both at once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from node.localnet.nodes import Part
from tests.e2e.comet.faulty import MOMENTS, Fault, FaultFile
from tests.e2e.comet.invariants import check_invariants
from tests.e2e.comet.network import CometNetwork, Manifest, running_network
from tests.e2e.process import TEST_S

pytestmark = [pytest.mark.xdist_group("crashes"), pytest.mark.timeout(TEST_S)]

VICTIM = 0
"""It has 100 of 340 tokens, so that it proposes most often, and the others go on without it."""
ONE_PART_EACH: tuple[Part, ...] = (
    *("engine", "node", "both"),  # propose
    *("node", "both", "engine"),  # prevote
    *("both", "engine"),  # precommit
    *("node", "both"),  # finalize
    *("engine", "node"),  # commit
)
PARTS: tuple[Part, ...] = ("engine", "node", "both")


def test_kill__at_each_moment_of_a_block__the_victim_returns_and_signs_nothing_twice(tmp_path: Path) -> None:
    _die_of(tmp_path, [Fault(moment, part) for moment, part in zip(MOMENTS, ONE_PART_EACH, strict=True)])


@pytest.mark.soak
def test_kill__of_each_part_at_each_moment_of_a_block__the_victim_returns_and_signs_nothing_twice(
    tmp_path: Path,
) -> None:
    _die_of(tmp_path, [Fault(moment, part) for moment in MOMENTS for part in PARTS])


def _die_of(home: Path, faults: Sequence[Fault]) -> None:
    with running_network(home, Manifest(faulty=frozenset({VICTIM}))) as network:
        network.until(lambda: network.acks() >= 1)
        for fault in faults:
            _die(network, fault)
        network.until_converged()
        check_invariants(network)


def _die(network: CometNetwork, fault: Fault) -> None:
    file = FaultFile(network.files.validator(VICTIM))
    file.set(fault)
    network.until(lambda: not file.is_set)
    if fault.part != "engine":
        assert network.files.node(VICTIM).wait(5.0)
        network.start(VICTIM)
    died_at = network.height(1)
    network.until(lambda: network.height(VICTIM) > died_at)
