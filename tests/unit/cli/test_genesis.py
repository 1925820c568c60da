"""`sidewarden genesis`: each operator's own home gives the same fork."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.codec.hexadecimal import to_hex
from config.file import write_config
from config.schema import Keys, NodeConfig, RootChain, SideChain
from config.table import RpcUrl
from node.app.application import Application
from node.app.genesis import genesis_hash
from node.app.genesis_file import genesis_from_json, genesis_to_json
from node.app.state_sync import SnapshotPolicy
from node.cli.main import main
from node.store.files import write_private
from node.store.state import SqliteStateStore
from tests.unit.app.network import Network
from tests.unit.app.test_fork import in_collection

NOWHERE = RpcUrl("http://127.0.0.1:1")
SNAPSHOTS = SnapshotPolicy(interval_blocks=4, kept=2)


def genesis(*arguments: object) -> Result:
    """`sidewarden genesis …`."""
    return CliRunner().invoke(main, ["genesis", *map(str, arguments)])


@pytest.fixture(scope="module")
def network() -> Network:
    """A network with a proposal under way."""
    return in_collection()


def home_of(path: Path, network: Network, blocks: int) -> Path:
    """A home whose node stopped after so many blocks."""
    path.mkdir()
    sides = SideChain(rpc_urls=(NOWHERE,)), (RootChain(name="root", rpc_urls=(NOWHERE,)),)
    write_config(path, NodeConfig(*sides, keys=Keys(signers=())))
    write_private(path / "genesis.json", genesis_to_json(network.genesis).encode())
    store = SqliteStateStore(path / "state.db")
    application = Application(network.genesis, store, snapshots=SNAPSHOTS)
    for request in network.blocks[:blocks]:
        application.finalize_block(request)
        application.commit()
    store.close()
    return path


def test_fork__of_two_homes_one_of_which_went_on__is_the_same_file_and_lists_its_changes(
    tmp_path: Path, network: Network
) -> None:
    height = len(network.blocks) // 4 * 4
    network.empty_blocks(1)
    homes = [home_of(tmp_path / str(blocks), network, blocks) for blocks in (height, height + 1)]
    changes = tmp_path / "changes.toml"
    changes.write_text('name = "second"\ntime_s = 1700100000\n[root_chains.root.parameters]\ninterval_s = 11\n')
    for home in homes:
        ran = genesis(
            *("fork", "--home", home, "--height", height), *("--changes", changes, "--output", home / "new.json")
        )
        assert ran.exit_code == 0, ran.output
        assert 'change   name: "test-network" -> "second"' in ran.output
        assert "change   root_chains.root.parameters.interval_s: 10 -> 11" in ran.output
    first, second = ((home / "new.json").read_bytes() for home in homes)
    assert first == second
    made = genesis_hash(genesis_from_json(first))
    assert to_hex(made) in ran.output
    assert genesis("hash", homes[0] / "new.json").output.strip() == to_hex(made)
    shown = genesis("show", homes[0] / "new.json").output
    assert f"fork of  {to_hex(genesis_hash(network.genesis))}" in shown


def test_fork__at_a_height_that_is_not_held__names_those_that_are(tmp_path: Path, network: Network) -> None:
    home = home_of(tmp_path / "home", network, 10)
    changes = tmp_path / "changes.toml"
    changes.write_text('name = "second"\ntime_s = 1700100000\n')
    output = tmp_path / "new.json"
    ran = genesis("fork", "--home", home, "--height", 9, "--changes", changes, "--output", output)
    assert ran.exit_code == 1
    assert "HEIGHT_NOT_HELD" in ran.output
    assert "at 4, 8, 10, not at 9" in ran.output
    assert not output.exists()


def test_fork__onto_a_file_that_is_there__leaves_it(tmp_path: Path, network: Network) -> None:
    home = home_of(tmp_path / "home", network, 10)
    there = home / "genesis.json"
    before = there.read_bytes()
    assert genesis("fork", "--home", home, "--height", 10, "--changes", there, "--output", there).exit_code == 1
    assert there.read_bytes() == before


@pytest.mark.parametrize("text", ["name =", '"\\ud800"', "x" * 2_000_000])
def test_fork__with_changes_that_are_no_toml__says_so(tmp_path: Path, network: Network, text: str) -> None:
    home = home_of(tmp_path / "home", network, 10)
    changes = tmp_path / "changes.toml"
    changes.write_text(text)
    ran = genesis("fork", "--home", home, "--height", 10, "--changes", changes, "--output", tmp_path / "new.json")
    assert ran.exit_code == 1
    assert "GENESIS_INVALID" in ran.output


def test_hash__of_a_file_that_is_no_genesis__says_where(tmp_path: Path) -> None:
    (tmp_path / "genesis.json").write_text("{}")
    ran = genesis("hash", tmp_path / "genesis.json")
    assert ran.exit_code == 1
    assert "GENESIS_INVALID" in ran.output
