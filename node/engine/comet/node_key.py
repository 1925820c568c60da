"""A CometBFT node's own key, ed25519: it names the node among its peers and signs nothing that counts.

Validators' keys never lie in a file of CometBFT's; this one does, in the form that CometBFT reads.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from pathlib import Path
from typing import NewType

from Crypto.PublicKey import ECC

from node.engine.errors import NodeKeyError
from node.store.files import require_private, write_private

NodeId = NewType("NodeId", str)
"""40 hex digits: the first 20 bytes of the SHA-256 of the public key. Peers are named ID@HOST:PORT."""

_SEED_BYTES = 32
_FILE_BYTES_MAX = 4_096


def make_node_key(path: Path, random_bytes: Callable[[int], bytes]) -> NodeId:
    """Write a new key, mode 0600, and tell the id; a key that is there stays. Raises NodeKeyError."""
    if not path.exists():
        seed = random_bytes(_SEED_BYTES)
        value = b64encode(seed + _public_key(seed)).decode()
        document = {"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": value}}
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, json.dumps(document).encode())
    return read_node_id(path)


def read_node_id(path: Path) -> NodeId:
    """The id of the key in a file. Raises NodeKeyError."""
    try:
        require_private(path)
        document = json.loads(path.read_bytes()[:_FILE_BYTES_MAX])
        key = b64decode(document["priv_key"]["value"], validate=True)
    except (OSError, ValueError, KeyError, TypeError, Base64Error) as error:
        raise NodeKeyError(
            f"{path} is no node key of CometBFT ({type(error).__name__}): restore it, or remove it to get a new one "
            "and tell its id to the peers"
        ) from error
    if len(key) != 2 * _SEED_BYTES or _public_key(key[:_SEED_BYTES]) != key[_SEED_BYTES:]:
        raise NodeKeyError(f"{path} holds no ed25519 key: remove it to get a new one, and tell its id to the peers")
    return NodeId(hashlib.sha256(key[_SEED_BYTES:]).hexdigest()[:40])


def _public_key(seed: bytes) -> bytes:
    key = ECC.construct(curve="Ed25519", seed=seed)  # type: ignore[arg-type]  # a seed is bytes; the stub says text
    public: bytes = key.public_key().export_key(format="raw")
    return public
