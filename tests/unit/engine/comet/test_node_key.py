"""The node key: in the form that CometBFT reads, private, and with the id that peers know it by."""

import json
import stat
from base64 import b64encode
from pathlib import Path

import pytest

from node.engine.comet.node_key import make_node_key, read_node_id
from node.engine.errors import NodeKeyError

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC_KEY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""RFC 8032, 7.1, test 1."""
NODE_ID = "21fe31dfa154a261626bf854046fd2271b7bed4b"
"""sha256(PUBLIC_KEY)[:20]."""


def test_node_key__made__holds_seed_and_public_key_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "config" / "node_key.json"

    assert make_node_key(path, lambda _: SEED) == NODE_ID

    value = json.loads(path.read_text())["priv_key"]
    assert value == {"type": "tendermint/PrivKeyEd25519", "value": b64encode(SEED + PUBLIC_KEY).decode()}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_node_key__that_is_there__stays(tmp_path: Path) -> None:
    path = tmp_path / "node_key.json"
    make_node_key(path, lambda _: SEED)

    assert make_node_key(path, bytes) == NODE_ID == read_node_id(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"priv_key": {"value": "?"}}',
        '{"priv_key": {"value": "AAAA"}}',
        json.dumps({"priv_key": {"value": b64encode(SEED + bytes(32)).decode()}}),
    ],
)
def test_node_key__damaged__is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "node_key.json"
    path.touch(mode=0o600)
    path.write_text(text)

    with pytest.raises(NodeKeyError, match="remove it"):
        read_node_id(path)
