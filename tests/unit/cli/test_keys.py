"""`sidewarden keys` over a real home on disk, as an operator changes a signer."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.codec.hexadecimal import checksum_address, to_hex
from bridge.codec.secp256k1 import address_of
from bridge.codec.types import PublicKey
from config.file import load_home, write_config
from config.schema import Api, Keys, NodeConfig, RootChain, SideChain
from config.table import RpcUrl
from node.app.application import Application
from node.app.genesis_file import genesis_to_json
from node.cli.main import main
from node.keys.keystore import DEVNET, open_keystore, read_password, write_keystore
from node.keys.private_key import PrivateKey
from node.store.files import write_private
from node.store.state import SqliteStateStore
from tests.unit.app import logs
from tests.unit.app.network import Network, key
from tests.unit.closing import opened

OLD = PrivateKey(key(1).private)
NOBODY_LISTENS = 1


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A validator's home, and the network whose state it holds."""

    path: Path
    network: Network

    def run(self, *arguments: str) -> Result:
        """`sidewarden keys` on this home."""
        return CliRunner().invoke(main, ["keys", "--home", str(self.path), *arguments])

    def listed(self) -> dict[str, str]:
        """The use of each key that the command lists, by address."""
        (home,) = json.loads(self.run("--json").output)
        return {signer["address"]: signer["use"] for signer in home["signers"]}


@pytest.fixture
def home(tmp_path: Path) -> OnDisk:
    network = Network()
    config = NodeConfig(
        side_chain=SideChain(rpc_urls=(RpcUrl("http://127.0.0.1:1"),)),
        root_chains=(RootChain(name="root", rpc_urls=(RpcUrl("http://127.0.0.1:1"),)),),
        api=Api(port=NOBODY_LISTENS),
        keys=Keys(signers=(OLD.address,)),
    )
    write_config(tmp_path, config)
    write_private(tmp_path / "password", b"secret\n")
    write_private(tmp_path / "genesis.json", genesis_to_json(network.genesis).encode())
    write_keystore(tmp_path / "keystore", OLD, "secret", DEVNET, secrets.token_bytes)
    return OnDisk(tmp_path, network)


def save_state(home: OnDisk) -> None:
    """Have the home's state.db hold what its network has committed."""
    stored = home.network.store.load()
    assert stored is not None
    (home.path / "state.db").unlink(missing_ok=True)
    store = SqliteStateStore(home.path / "state.db")
    store.save(stored.height, stored.time_ns, stored.app_hash, stored.sections, [])
    store.close()


def test_keys__of_a_node_that_never_ran__are_judged_by_genesis(home: OnDisk) -> None:
    ran = home.run()

    assert ran.exit_code == 0, ran.output
    assert "as of engine block 0, from state.db of" in ran.output
    assert "no node is running" in ran.output
    assert f"signer      {checksum_address(OLD.address)}  signs for validator 1, power 100" in ran.output
    assert not (home.path / "state.db").exists()


def test_signer_change__from_the_new_key_to_the_dropped_old_one__is_guarded_by_the_state(home: OnDisk) -> None:
    made = home.run("new")
    assert made.exit_code == 0, made.output
    told = dict(line.split(maxsplit=1) for line in made.output.replace("public key", "public_key").splitlines())
    address, public_key = told["address"], PublicKey(bytes.fromhex(told["public_key"][2:]))
    assert checksum_address(address_of(public_key)) == address
    assert open_keystore(Path(told["keystore"]), "secret").public_key == public_key
    assert home.listed() == {checksum_address(OLD.address): "SIGNS", address: "UNUSED"}

    refused = home.run("drop", checksum_address(OLD.address))
    assert refused.exit_code == 1
    assert "KEY_IN_USE: " in refused.output
    assert "signs for validator 1" in refused.output

    home.network.l1_block(logs.signer_change(1, 2, OLD.address, address_of(public_key), public_key))
    home.network.see_l1()
    save_state(home)
    assert home.listed() == {checksum_address(OLD.address): "UNUSED", address: "SIGNS"}

    dropped = home.run("drop", checksum_address(OLD.address).lower())
    assert dropped.exit_code == 0, dropped.output
    assert load_home(home.path).config.keys.signers == (address_of(public_key),)
    assert len(list((home.path / "keystore").iterdir())) == 2, "files are left to the person"


def test_import__of_geth_s_keystore__opens_with_the_home_s_own_password(home: OnDisk, tmp_path: Path) -> None:
    brought = PrivateKey(key(77).private)
    elsewhere = tmp_path / "geth"
    file = write_keystore(elsewhere, brought, "other", DEVNET, secrets.token_bytes)
    write_private(elsewhere / "password", b"other\n")

    ran = home.run("import", str(file), "--password-file", str(elsewhere / "password"))

    assert ran.exit_code == 0, ran.output
    assert to_hex(brought.public_key) in ran.output
    kept = home.path / "keystore" / f"{checksum_address(brought.address)}.json"
    assert open_keystore(kept, read_password(home.path / "password")).address == brought.address
    assert load_home(home.path).config.keys.signers == (OLD.address, brought.address)

    again = home.run("import", str(file), "--password-file", str(elsewhere / "password"))
    assert again.exit_code == 1
    assert "exists already and is not overwritten" in again.output


def test_import__with_a_password_that_is_asked_for_and_wrong__keeps_nothing(home: OnDisk, tmp_path: Path) -> None:
    file = write_keystore(tmp_path / "geth", PrivateKey(key(77).private), "other", DEVNET, secrets.token_bytes)

    ran = CliRunner().invoke(main, ["keys", "--home", str(home.path), "import", str(file)], input="wrong\n")

    assert ran.exit_code == 1
    assert "KEYSTORE: " in ran.output
    assert "wrong" not in ran.output.replace("wrong\n", "", 1)
    assert load_home(home.path).config.keys.signers == (OLD.address,)


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("0x12", 2, "is no address: 0x and 40 hex digits"),
        ("0x" + "12" * 20, 1, "KEY_UNKNOWN: "),
    ],
)
def test_drop__of_what_is_no_key_here__is_refused(home: OnDisk, address: str, code: int, words: str) -> None:
    ran = home.run("drop", address)

    assert ran.exit_code == code
    assert words in ran.output


def test_keys__while_the_node_has_its_state_open__are_listed_by_its_last_block(home: OnDisk) -> None:
    home.network.empty_blocks(3)
    save_state(home)
    running = opened(SqliteStateStore(home.path / "state.db"))

    (listed,) = json.loads(home.run("--json").output)

    assert listed["height"] == Application(home.network.genesis, running).committed.height == 3


def test_keys__of_a_genesis_that_cannot_be_read__say_which_key_names_it(home: OnDisk) -> None:
    (home.path / "genesis.json").unlink()

    ran = home.run()

    assert ran.exit_code == 1
    assert "GENESIS_UNREADABLE: " in ran.output
    assert "paths.genesis" in ran.output
