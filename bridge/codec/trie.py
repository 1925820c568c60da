"""The Merkle-Patricia trie over a block's ordered values (receipts, transactions), whose keys are rlp(0), rlp(1), …

The trie is built in one pass over sorted keys instead of by insertion, because it is needed once, whole. No key is a
prefix of another, so branches hold no values here; the verifier knows them all the same. Format: yellow paper,
appendix D.
"""

from collections.abc import Sequence

from bridge.codec import rlp
from bridge.codec.errors import ProofError, RlpError
from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32

EMPTY_TRIE_ROOT = keccak256(rlp.encode(b""))

_EMPTY_REFERENCE = rlp.encode(b"")
_HASH_PREFIX = b"\xa0"
_BRANCH_ITEMS = 17
_NIBBLES_OF_BYTE = tuple(bytes((byte >> 4, byte & 15)) for byte in range(256))


def ordered_trie_root(values: Sequence[bytes]) -> Hash32:
    """The root over `values`, where value i has the key rlp(i)."""
    if not values:
        return EMPTY_TRIE_ROOT
    return keccak256(_Builder(values).node(0, len(values), 0))


def ordered_trie_proof(values: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The encoded nodes from the root to the value at `index`; nodes embedded in their parent do not stand alone."""
    if not 0 <= index < len(values):
        raise ProofError(f"index {index} is not among {len(values)} values")
    builder = _Builder(values, index)
    builder.proof.append(builder.node(0, len(values), 0))
    return tuple(reversed(builder.proof))


def verify_trie_proof(root: Hash32, key: bytes, nodes: Sequence[bytes]) -> bytes:
    """The value that the nodes prove for `key` under `root`.

    Every node must be used, in order, and the path must be consumed exactly. Raises ProofError, also where the nodes
    would prove that the key is absent.
    """
    path: bytes | None = _nibbles(key)
    reference: rlp.RlpItem = root
    for position, node in enumerate(nodes):
        if path is None:
            raise ProofError(f"{len(nodes) - position} nodes stand after the value")
        if keccak256(node) != reference:
            raise ProofError(f"node {position} does not have the hash that its parent names")
        try:
            reference, path = _descend(rlp.decode(node), path)
        except RlpError as error:
            raise ProofError(f"node {position}: {error}") from error
    if path is not None or not isinstance(reference, bytes):
        raise ProofError("the nodes end before the value")
    return reference


def _descend(node: rlp.RlpItem, path: bytes) -> tuple[rlp.RlpItem, bytes | None]:
    """From a node through those embedded in it: the next reference and the rest of the path, or the value and None."""
    while True:
        items = rlp.as_list(node, None, "trie node")
        rest: bytes | None
        if len(items) == _BRANCH_ITEMS:
            child, rest = (items[path[0]], path[1:]) if path else (items[-1], None)
        elif len(items) == 2:
            partial, is_leaf = _decode_hex_prefix(rlp.as_bytes(items[0], None, "node path"))
            if not path.startswith(partial) or (is_leaf and partial != path):
                raise ProofError("the key is not in the trie: the paths part")
            child, rest = items[1], None if is_leaf else path[len(partial) :]
        else:
            raise ProofError(f"a trie node has 2 or {_BRANCH_ITEMS} items, not {len(items)}")
        if child == b"":
            raise ProofError("the key is not in the trie: there is no child")
        if rest is None or isinstance(child, bytes):
            return child, rest
        node, path = child, rest


class _Builder:
    """Encodes nodes bottom-up over the sorted keys, keeping those on the way to one index."""

    def __init__(self, values: Sequence[bytes], target: int | None = None) -> None:
        order = sorted((_nibbles(rlp.encode(rlp.uint(index))), index) for index in range(len(values)))
        self.paths = [path for path, _ in order]
        self.values = [values[index] for _, index in order]
        self.target = None if target is None else [index for _, index in order].index(target)
        self.proof: list[bytes] = []
        """Encoded nodes above 31 bytes on the way to the target, deepest first, without the root."""

    def node(self, first: int, last: int, depth: int) -> bytes:
        """The encoded node over the entries first..last−1, whose paths agree on their first `depth` nibbles."""
        if last - first == 1:
            return rlp.encode((_hex_prefix(self.paths[first][depth:], is_leaf=True), self.values[first]))
        fork = depth
        # In sorted order the common prefix of all is that of the first and the last.
        while self.paths[first][fork] == self.paths[last - 1][fork]:
            fork += 1
        if fork > depth:
            partial = _hex_prefix(self.paths[first][depth:fork], is_leaf=False)
            return rlp.encode_list([rlp.encode(partial), self._reference(first, last, fork)])
        children = [_EMPTY_REFERENCE] * _BRANCH_ITEMS
        while first < last:
            nibble = self.paths[first][depth]
            end = first + 1
            while end < last and self.paths[end][depth] == nibble:
                end += 1
            children[nibble] = self._reference(first, end, depth + 1)
            first = end
        return rlp.encode_list(children)

    def _reference(self, first: int, last: int, depth: int) -> bytes:
        node = self.node(first, last, depth)
        if len(node) < 32:
            return node
        if self.target is not None and first <= self.target < last:
            self.proof.append(node)
        return _HASH_PREFIX + keccak256(node)


def _nibbles(key: bytes) -> bytes:
    """The key's nibbles, one byte each."""
    return b"".join([_NIBBLES_OF_BYTE[byte] for byte in key])


def _hex_prefix(nibbles: bytes, *, is_leaf: bool) -> bytes:
    """Yellow paper's HP: a flag nibble (2 for a leaf, 1 for an odd length), then the nibbles packed."""
    flag = 2 if is_leaf else 0
    padded = bytes((flag + 1,)) + nibbles if len(nibbles) % 2 else bytes((flag, 0)) + nibbles
    return bytes([high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=True)])


def _decode_hex_prefix(data: bytes) -> tuple[bytes, bool]:
    nibbles = _nibbles(data)
    if not nibbles or nibbles[0] > 3 or (nibbles[0] % 2 == 0 and nibbles[1] != 0):
        raise ProofError("node path has no valid hex prefix")
    return nibbles[1 if nibbles[0] % 2 else 2 :], nibbles[0] >= 2
