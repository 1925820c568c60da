"""EIP-712: the digest of a typed structure under a domain, as contracts recompute it.

Only atomic types and `bytes`/`string` members; our structures have no nested ones.
"""

from collections.abc import Sequence
from functools import lru_cache

from bridge.codec.errors import AbiError
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, Hash32

_PREFIX = b"\x19\x01"


def domain_separator(
    *,
    name: str | None = None,
    version: str | None = None,
    chain_id: int | None = None,
    verifying_contract: Address | None = None,
    salt: Hash32 | None = None,
) -> Hash32:
    """The hash of the domain made of those fields that are given, in the standard's order."""
    members: tuple[tuple[str, int | bytes | str | None], ...] = (
        ("string name", name),
        ("string version", version),
        ("uint256 chainId", chain_id),
        ("address verifyingContract", verifying_contract),
        ("bytes32 salt", salt),
    )
    given = [(member, value) for member, value in members if value is not None]
    type_text = f"EIP712Domain({','.join(member for member, _ in given)})"
    return struct_hash(type_text, [value for _, value in given])


def struct_hash(type_text: str, values: Sequence[int | bytes | str]) -> Hash32:
    """The hash of a structure, given its type as "Mail(address to,string body)" and its members' values.

    Raises AbiError if the values do not fit the type.
    """
    types = _member_types(type_text)
    if len(values) != len(types):
        raise AbiError(f"{type_text} has {len(types)} members, got {len(values)} values")
    words = [_word(member_type, value) for member_type, value in zip(types, values, strict=True)]
    return keccak256(_type_hash(type_text) + b"".join(words))


def typed_digest(domain_separator: Hash32, struct_hash: Hash32) -> Hash32:
    """What is signed: keccak256(0x19 0x01 ‖ domain separator ‖ structure hash)."""
    return keccak256(_PREFIX + domain_separator + struct_hash)


def _word(member_type: str, value: int | bytes | str) -> bytes:
    """A member's 32 bytes: hashed if it is of dynamic size, else padded."""
    match member_type, value:
        case "string", str():
            return keccak256(value.encode())
        case "bytes", bytes():
            return keccak256(value)
        case "bytes32", bytes() if len(value) == 32:
            return value
        case "address", bytes() if len(value) == 20:
            return value.rjust(32, b"\x00")
        case str(), int() if member_type.startswith("uint") and 0 <= value < 1 << int(member_type[4:]):
            return value.to_bytes(32)
        case _:
            raise AbiError(f"EIP-712 member of type {member_type} cannot hold this {type(value).__name__}")


@lru_cache(maxsize=256)
def _type_hash(type_text: str) -> Hash32:
    return keccak256(type_text.encode())


@lru_cache(maxsize=256)
def _member_types(type_text: str) -> tuple[str, ...]:
    members = type_text[type_text.index("(") + 1 : -1]
    return tuple(member.split(" ")[0] for member in members.split(",") if member)
