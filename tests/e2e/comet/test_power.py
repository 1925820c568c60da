"""Seven validators on real CometBFT: less than a third of the power goes, then the quorum; all come back."""

from collections.abc import Sequence
from itertools import chain, combinations
from pathlib import Path

import pytest

from node.engine.comet.files import CometFiles
from tests.e2e.comet.invariants import check_invariants
from tests.e2e.comet.network import API, CometNetwork, Manifest, running_network
from tests.e2e.comet.wal import votes_in
from tests.e2e.process import TEST_S

pytestmark = [pytest.mark.xdist_group("power"), pytest.mark.timeout(TEST_S)]

TOLD_WITHIN_S = 30.0


def test_power__less_than_a_third_gone__goes_on_and_without_quorum_all_say_so(tmp_path: Path) -> None:
    with running_network(tmp_path, Manifest(validators=7)) as network:
        network.until(lambda: network.acks() >= 1)
        powers = _powers(network)
        gone = _largest_minority(powers)
        left = [index for index in network.everybody if index not in gone]

        for index in gone:
            network.kill(index)
        acks = network.acks(left[0])
        network.until(lambda: network.acks(left[0]) > acks)
        network.until_blocks(3, left[0])

        one_more = min(left, key=lambda index: powers[index])
        left.remove(one_more)
        network.kill(one_more)
        took_s = network.until(lambda: {network.reason(index) for index in left} == {"ENGINE_NO_QUORUM"})
        assert took_s < TOLD_WITHIN_S
        stuck = max(map(network.height, left))
        assert {network.status(index)["engine_quorum"] for index in left} == {False}

        # One that is left loses all but its record: asked again for what it voted, it says the same or nothing.
        _vote_again(network, left[-1], stuck + 1)

        network.start(one_more)
        network.until(lambda: all(network.height(index) > stuck + 1 for index in left))
        for index in gone:
            network.start(index)
        network.until_converged()
        check_invariants(network)


def _vote_again(network: CometNetwork, index: int, height: int) -> None:
    data = CometFiles(network.files.validator(index) / "comet").data
    log = network.files.node(index).log

    def has_voted() -> bool:
        own = bytes.fromhex(network.signer(index))
        return any((vote.slot.validator, vote.slot.height) == (own, height) for vote in votes_in(data))

    network.until(has_voted)
    network.kill(index)
    network.lose(index, "state.db", "local.db", "comet/data")
    written = len(log.read_text())
    network.start(index)
    refused = f'code=DOUBLE_SIGN_REFUSED text="vote {height}/'
    network.until(lambda: has_voted() or refused in log.read_text()[written:])


def _powers(network: CometNetwork) -> list[int]:
    """Of each validator, in the engine."""
    answer = network.get(0, f"{API}/engine/rpc/validators?per_page=100")
    assert answer is not None
    by_signer = {one["address"]: int(one["voting_power"]) for one in answer["result"]["validators"]}
    return [by_signer[network.signer(index)] for index in network.everybody]


def _largest_minority(powers: Sequence[int]) -> tuple[int, ...]:
    """Those who together have the most below a third."""
    sets = chain.from_iterable(combinations(range(len(powers)), size) for size in range(1, len(powers)))
    below = (some for some in sets if 3 * sum(powers[index] for index in some) < sum(powers))
    return max(below, key=lambda some: (sum(powers[index] for index in some), len(some)))
