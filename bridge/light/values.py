"""From the JSON of CometBFT's RPC to typed values, and back for the trusted header's file: strict, and bounded.

64-bit numbers are decimal strings, hashes and addresses hex without 0x, keys and signatures base64, times RFC 3339 with
up to nine digits of a second. Formats: RPC of CometBFT v0.40.0. Everything raises SourceFailed for anything else.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bridge.codec.consensus import BlockId, BlockIdFlag
from bridge.codec.errors import ConsensusError, SignatureError
from bridge.codec.light_block import CHAIN_ID_CHARACTERS_MAX, Commit, CommitSig, EngineValidator, Header
from bridge.codec.secp256k1 import compressed, decompressed
from bridge.codec.types import Address, Hash32
from bridge.light.errors import SourceFailed

VALIDATORS_MAX = 10_000
"""CometBFT's own limit on the entries of a commit."""
KEY_TYPE = "tendermint/PubKeySecp256k1eth"

_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,18})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS_PER_SECOND = 1_000_000_000


def header_of(value: object) -> Header:
    """A header."""
    fields = as_object(value, "header")
    version = as_object(fields.get("version"), "header.version")
    return Header(
        block_version=as_number(version.get("block"), "header.version.block"),
        app_version=as_number(version.get("app", "0"), "header.version.app"),
        chain_id=as_text(fields.get("chain_id"), "header.chain_id", CHAIN_ID_CHARACTERS_MAX),
        height=as_number(fields.get("height"), "header.height"),
        time_ns=as_time_ns(fields.get("time"), "header.time"),
        last_block_id=_block_id_of(fields.get("last_block_id"), "header.last_block_id"),
        last_commit_hash=_hash_or_none(fields, "last_commit_hash"),
        data_hash=_hash_or_none(fields, "data_hash"),
        validators_hash=_hash(fields, "validators_hash"),
        next_validators_hash=_hash(fields, "next_validators_hash"),
        consensus_hash=_hash_or_none(fields, "consensus_hash"),
        app_hash=as_hex(fields.get("app_hash"), "header.app_hash", range(65)),
        last_results_hash=_hash_or_none(fields, "last_results_hash"),
        evidence_hash=_hash_or_none(fields, "evidence_hash"),
        proposer=Address(as_hex(fields.get("proposer_address"), "header.proposer_address", (20,))),
    )


def commit_of(value: object) -> Commit:
    """A commit."""
    fields = as_object(value, "commit")
    block_id = _block_id_of(fields.get("block_id"), "commit.block_id")
    if block_id is None:
        raise SourceFailed("commit.block_id: a commit is for a block")
    entries = as_items(fields.get("signatures"), "commit.signatures", VALIDATORS_MAX)
    return Commit(
        height=as_number(fields.get("height"), "commit.height"),
        round=as_small(fields.get("round"), "commit.round"),
        block_id=block_id,
        signatures=tuple(_commit_sig_of(entry, f"commit.signatures[{place}]") for place, entry in enumerate(entries)),
    )


def validator_of(value: object, what: str) -> EngineValidator:
    """A validator of a set."""
    fields = as_object(value, what)
    key = as_object(fields.get("pub_key"), f"{what}.pub_key")
    if key.get("type") != KEY_TYPE:
        raise SourceFailed(f"{what}.pub_key: only keys of type {KEY_TYPE} are known")
    try:
        public_key = decompressed(as_base64(key.get("value"), f"{what}.pub_key.value"))
    except SignatureError as error:
        raise SourceFailed(f"{what}.pub_key: {error}") from error
    return EngineValidator(public_key, as_number(fields.get("voting_power"), f"{what}.voting_power"))


def validator_json(validator: EngineValidator) -> dict[str, object]:
    """What `validator_of` reads."""
    key = base64.b64encode(compressed(validator.public_key)).decode()
    return {"pub_key": {"type": KEY_TYPE, "value": key}, "voting_power": str(validator.power)}


def as_object(value: object, what: str) -> Mapping[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise SourceFailed(f"{what}: expected an object, got {type(value).__name__}")
    return value


def as_items(value: object, what: str, length_max: int) -> list[object]:
    """A list of at most `length_max` items."""
    if not isinstance(value, list) or len(value) > length_max:
        raise SourceFailed(f"{what}: expected a list of at most {length_max} items")
    return value


def as_text(value: object, what: str, length_max: int) -> str:
    """Printable text."""
    if not isinstance(value, str) or len(value) > length_max or not value.isprintable():
        raise SourceFailed(f"{what}: expected printable text of at most {length_max} characters")
    return value


def as_number(value: object, what: str) -> int:
    """A signed 64-bit number, as a decimal string."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None or not -(2**63) <= int(value) < 2**63:
        raise SourceFailed(f"{what}: expected a 64-bit number as a decimal string")
    return int(value)


def as_small(value: object, what: str) -> int:
    """A number from 0 below 2^31, as a JSON number."""
    if type(value) is not int or not 0 <= value < 2**31:
        raise SourceFailed(f"{what}: expected a number from 0 below 2^31")
    return value


def as_hex(value: object, what: str, lengths: range | tuple[int, ...]) -> bytes:
    """Bytes of hex without 0x, of one of these lengths."""
    if not isinstance(value, str) or len(value) > 2 * max(lengths):
        raise SourceFailed(f"{what}: expected hex of {_shown(lengths)} bytes")
    try:
        data = binascii.unhexlify(value)
    except ValueError as error:
        raise SourceFailed(f"{what}: not hex") from error
    if len(data) not in lengths:
        raise SourceFailed(f"{what}: expected hex of {_shown(lengths)} bytes")
    return data


def as_base64(value: object, what: str, length_max: int = 128) -> bytes:
    """Bytes of base64; null, as Go writes empty bytes, is none."""
    if value is None:
        return b""
    if not isinstance(value, str) or len(value) > (length_max + 2) // 3 * 4:
        raise SourceFailed(f"{what}: expected base64 of at most {length_max} bytes")
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise SourceFailed(f"{what}: not base64") from error


def as_time_ns(value: object, what: str) -> int:
    """Nanoseconds since 1970 of a time in UTC."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise SourceFailed(f"{what}: expected a time of RFC 3339 in UTC")
    try:
        moment = datetime.fromisoformat(match[1] + "+00:00")
    except ValueError as error:
        raise SourceFailed(f"{what}: no time: {match[1]}") from error
    whole_s = (moment - _EPOCH) // timedelta(seconds=1)
    return whole_s * _NANOSECONDS_PER_SECOND + int((match[2] or "0").ljust(9, "0"))


def _commit_sig_of(value: object, what: str) -> CommitSig:
    fields = as_object(value, what)
    flag = fields.get("block_id_flag")
    if type(flag) is not int or flag not in (1, 2, 3):
        raise SourceFailed(f"{what}.block_id_flag: expected 1, 2 or 3")
    address = as_hex(fields.get("validator_address"), f"{what}.validator_address", (0, 20))
    return CommitSig(
        flag=BlockIdFlag(flag),
        validator=Address(address) if address else None,
        time_ns=as_time_ns(fields.get("timestamp"), f"{what}.timestamp"),
        signature=as_base64(fields.get("signature"), f"{what}.signature"),
    )


def _block_id_of(value: object, what: str) -> BlockId | None:
    fields = as_object(value, what)
    parts = as_object(fields.get("parts"), f"{what}.parts")
    total = as_small(parts.get("total"), f"{what}.parts.total")
    digest = as_hex(fields.get("hash"), f"{what}.hash", (0, 32))
    parts_hash = as_hex(parts.get("hash"), f"{what}.parts.hash", (0, 32))
    if not digest and not total and not parts_hash:
        return None
    try:
        return BlockId(Hash32(digest), total, Hash32(parts_hash))
    except ConsensusError as error:
        raise SourceFailed(f"{what}: {error}") from error


def _hash(fields: Mapping[str, object], name: str) -> Hash32:
    return Hash32(as_hex(fields.get(name), f"header.{name}", (32,)))


def _hash_or_none(fields: Mapping[str, object], name: str) -> bytes:
    return as_hex(fields.get(name), f"header.{name}", (0, 32))


def _shown(lengths: range | tuple[int, ...]) -> str:
    return f"up to {max(lengths)}" if isinstance(lengths, range) else " or ".join(map(str, lengths))
