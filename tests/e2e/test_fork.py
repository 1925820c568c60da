"""A network that stands still goes on under a new genesis, on the same contracts and with the same signing records."""

from pathlib import Path

import pytest

from config.file import load_home
from node.app.genesis import genesis_hash
from node.app.genesis_file import genesis_from_json, genesis_to_json
from node.app.state import Stage
from node.devnet.homes import DevnetFiles
from node.devnet.settings import DataForm
from node.store.files import write_private
from node.validator.fork import fork_network
from tests.e2e.harness import Network, running_network


@pytest.mark.parametrize("data_form", ["bound", "polygon"])
async def test_fork__of_a_network_with_an_open_checkpoint__lands_the_next_one_on_the_same_contracts(
    data_form: DataForm, tmp_path: Path
) -> None:
    async with running_network(data_form=data_form) as network:
        await network.until_acks(1)
        await network.until(lambda: network.proposal is not None and network.proposal.stage is Stage.COLLECTING)
        turn = network.turn.number
        await network.close()
        genesis_before = network.devnet.genesis

        _fork_all(network, tmp_path / "changes.toml")
        await network.start()

        assert network.devnet.genesis.parent[:32] == genesis_hash(genesis_before)
        assert network.turn.number == turn + 1
        await network.until_acks(3)
        assert all(validator.status().stopped_signing is None for validator in network.validators)
        network.devnet.genesis = genesis_before  # the invariants are over all that the contracts have seen


def _fork_all(network: Network, changes: Path) -> None:
    """What each operator does, in the directory of the devnet."""
    files = DevnetFiles(network.settings.home)
    homes = [load_home(files.validator(index)) for index in range(network.settings.validators)]
    (height,) = {validator.committed.height for validator in network.validators}
    changes.write_text(f'name = "second"\ntime_s = {int(network.clock.now()) + 1}\n')
    (genesis,) = {genesis_to_json(fork_network(home, height, changes).genesis) for home in homes}
    files.genesis.unlink()
    write_private(files.genesis, genesis.encode())
    assert genesis_from_json(genesis).name == "second"
    files.engine.unlink()
    for home in homes:
        state_db = home.locate(home.config.paths.state_db)
        for path in state_db.parent.glob("state.db*"):
            path.unlink()
