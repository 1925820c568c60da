"""Opening a validator's home: all of it, or nothing."""

import secrets
from pathlib import Path

import pytest

from config.file import Home
from config.schema import Keys, NodeConfig, RootChain, SideChain
from config.table import RpcUrl
from node.keys.errors import KeystoreError
from node.keys.record import SigningRecord
from node.validator.home import open_home
from tests.unit.app.network import Network, key


def test_open__of_a_home_without_its_keystores__lets_go_of_what_was_opened(tmp_path: Path) -> None:
    nobody = RpcUrl("http://127.0.0.1:1")
    config = NodeConfig(
        side_chain=SideChain(rpc_urls=(nobody,)),
        root_chains=(RootChain(name="root", rpc_urls=(nobody,)),),
        keys=Keys(signers=(key(1).address,)),
    )
    SigningRecord.create(tmp_path / "signing.db", secrets.token_bytes)

    with pytest.raises(KeystoreError):
        open_home(Home(tmp_path, config), Network().genesis)

    # When a file is closed SQLite removes its write-ahead log, and we the note of who holds it; a journal stays, empty.
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "burns.db",
        "local.db",
        "signing.db",
        "signing.db-journal",
        "state.db",
    ]
    assert (tmp_path / "signing.db-journal").stat().st_size == 0
