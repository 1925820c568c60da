"""The JSON file that moves what a validator has signed to another machine (docs/signing-record.md).

Its idea is EIP-3076's, for other slots. One record has one file, byte for byte: entries are sorted, and a digest covers
all of it, so that a changed or cut file is refused as a whole.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec.structs import astuple, replace

from bridge.codec.errors import HexError
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_hex, to_hex
from bridge.codec.types import BlockNumber, ChainId, Hash32, UnixSeconds
from node.keys.entries import (
    Anchor,
    AttestId,
    Contents,
    LastVote,
    SignedEnd,
    SignedEntry,
    SignedRange,
    TakenNonces,
    VoteBytes,
)
from node.keys.errors import InterchangeTooLarge, InterchangeUnusable
from node.keys.slots import Purpose, Slot, VoteStep
from node.store.errors import FileTooOpen
from node.store.files import require_private, write_private

FILE_BYTES_MAX = 64 << 20
"""Enough for the most checkpoints that a record gives out, and the transactions of 20 keys."""
VERSION = 2
FORMAT = "sidewarden signing record"
_DOMAIN_CHARACTERS_MAX = 200
_POSITIONS = {Purpose.CHECKPOINT: 2, Purpose.TRANSACTION: 1}
_StepName = Literal["proposal", "prevote", "precommit"]
_STEPS: dict[VoteStep, _StepName] = {
    VoteStep.PROPOSAL: "proposal",
    VoteStep.PREVOTE: "prevote",
    VoteStep.PRECOMMIT: "precommit",
}

_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Domain = Annotated[str, msgspec.Meta(min_length=1, max_length=_DOMAIN_CHARACTERS_MAX)]


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """No field may be added, left out or of another type."""


class _Block(_Strict):
    side_chain_id: _Number
    number: _Number
    hash: str


class _Range(_Strict):
    side_chain_id: _Number
    start: _Number
    end: _Number
    end_hash: str
    valid_until: _Number | None


class _Signed(_Strict):
    purpose: Literal["checkpoint", "transaction"]
    domain: _Domain
    position: tuple[_Number, ...]
    digest: str
    range: _Range | None


class _Taken(_Strict):
    domain: _Domain
    nonce: _Number


class _Issued(_Strict):
    node_id: str
    counter: _Number


class _VoteBytes(_Strict):
    digest: str
    time_ns: _Number
    timeless: str


class _Vote(_Strict):
    domain: _Domain
    height: _Number
    round: _Number
    step: _StepName
    signed: _VoteBytes | None


class _File(_Strict):
    format: str
    version: int
    genesis_hash: str
    node_id: str
    is_move: bool
    signed: tuple[_Signed, ...]
    taken: tuple[_Taken, ...]
    anchors: tuple[_Block, ...]
    issued: tuple[_Issued, ...]
    votes: tuple[_Vote, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Interchange:
    """One exported record."""

    genesis_hash: Hash32
    """Of the network whose home it was exported from."""
    node_id: bytes
    """Of the record."""
    is_move: bool
    """Whether the record was retired, so that whoever imports this may sign in its place."""
    contents: Contents


def encode(interchange: Interchange) -> bytes:
    """The file's bytes."""
    contents = interchange.contents
    file = _File(
        format=FORMAT,
        version=VERSION,
        genesis_hash=to_hex(interchange.genesis_hash),
        node_id=to_hex(interchange.node_id),
        is_move=interchange.is_move,
        signed=tuple(_signed(entry) for entry in sorted(contents.signed, key=_place)),
        taken=tuple(sorted((_Taken(one.domain, one.nonce) for one in contents.taken), key=astuple)),
        anchors=tuple(sorted(map(_block, contents.anchors), key=astuple)),
        issued=tuple(sorted((_Issued(to_hex(one.node_id), one.counter) for one in contents.issued), key=astuple)),
        votes=tuple(map(_vote, sorted(contents.votes, key=lambda vote: vote.slot.domain))),
        digest="",
    )
    return _layout(replace(file, digest=_digest(file)))


def decode(data: bytes) -> Interchange:
    """What a file says. Raises InterchangeUnusable unless it is, byte for byte, what `encode` writes."""
    try:
        kind = msgspec.json.decode(data, type=_Kind)
        if kind.format != FORMAT:
            raise InterchangeUnusable(f"it is no export of a signing record: its format is {kind.format!r}")
        if kind.version != VERSION:
            raise InterchangeUnusable(
                f"it has version {kind.version}, this program knows {VERSION}: use the program version that wrote it"
            )
        file = msgspec.json.decode(data, type=_File)
        interchange = _interchange(file)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, HexError, ValueError) as error:
        raise InterchangeUnusable(f"it is no export of a signing record: {error}") from error
    if _digest(file) != file.digest or encode(interchange) != data:
        raise InterchangeUnusable("it was changed or cut since it was written: export it again")
    return interchange


def check_size(interchange: Interchange) -> None:
    """Raise InterchangeTooLarge for what could not be imported again."""
    size_bytes = len(encode(interchange))
    if size_bytes > FILE_BYTES_MAX:
        raise InterchangeTooLarge(f"the export would have {size_bytes:,} bytes, and an import takes {FILE_BYTES_MAX:,}")


def write(path: Path, interchange: Interchange) -> None:
    """Write the file with mode 0600; it is on disk on return. Raises InterchangeUnusable."""
    try:
        write_private(path, encode(interchange))
    except OSError as error:
        raise InterchangeUnusable(f"{path} cannot be written: {error.strerror}; export it to another place") from error


def read(path: Path) -> Interchange:
    """Read a file. Raises InterchangeUnusable, which names it."""
    try:
        require_private(path)
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise InterchangeUnusable(f"it is larger than {FILE_BYTES_MAX:,} bytes")
        return decode(data)
    except OSError as error:
        raise InterchangeUnusable(f"{path} cannot be read: {error.strerror}") from error
    except FileTooOpen as error:
        raise InterchangeUnusable(f"{error}, once you are sure that nobody has changed it") from error
    except InterchangeUnusable as error:
        raise InterchangeUnusable(f"{path}: {error}") from error


class _Kind(msgspec.Struct):
    """What every version of the file begins with."""

    format: str
    version: int


def _place(entry: SignedEntry) -> tuple[Purpose, str, tuple[int, ...]]:
    return entry.slot.purpose, entry.slot.domain, entry.slot.position


def _signed(entry: SignedEntry) -> _Signed:
    slot, blocks = entry.slot, entry.signed_range
    return _Signed(
        purpose="checkpoint" if slot.purpose is Purpose.CHECKPOINT else "transaction",
        domain=slot.domain,
        position=slot.position,
        digest=to_hex(entry.digest),
        range=None
        if blocks is None
        else _Range(blocks.side_chain_id, blocks.start, blocks.end, to_hex(blocks.end_hash), blocks.valid_until),
    )


def _vote(vote: LastVote) -> _Vote:
    height, round_number, step = vote.slot.position
    signed = vote.signed
    return _Vote(
        vote.slot.domain,
        height,
        round_number,
        _STEPS[VoteStep(step)],
        None if signed is None else _VoteBytes(to_hex(signed.digest), signed.time_ns, to_hex(signed.timeless)),
    )


def _block(anchor: Anchor) -> _Block:
    return _Block(anchor.side_chain_id, anchor.block.number, to_hex(anchor.block.hash))


def _interchange(file: _File) -> Interchange:
    contents = Contents(
        signed=tuple(_entry(one) for one in file.signed),
        taken=tuple(TakenNonces(one.domain, one.nonce) for one in file.taken),
        anchors=tuple(_anchor(one) for one in file.anchors),
        issued=tuple(AttestId(from_hex(one.node_id, 8), one.counter) for one in file.issued),
        votes=tuple(_last_vote(one) for one in file.votes),
    )
    if len({vote.slot.domain for vote in contents.votes}) != len(contents.votes):
        raise InterchangeUnusable("it has two last votes of one signer")
    return Interchange(Hash32(from_hex(file.genesis_hash, 32)), from_hex(file.node_id, 8), file.is_move, contents)


def _entry(signed: _Signed) -> SignedEntry:
    purpose, blocks = Purpose[signed.purpose.upper()], signed.range
    if len(signed.position) != _POSITIONS[purpose]:
        raise InterchangeUnusable(f"a {signed.purpose}'s position has {_POSITIONS[purpose]} numbers")
    slot = Slot(purpose, signed.domain, signed.position)
    signed_range = None
    if blocks is not None:
        until = None if blocks.valid_until is None else UnixSeconds(blocks.valid_until)
        signed_range = SignedRange(
            ChainId(blocks.side_chain_id),
            BlockNumber(blocks.start),
            BlockNumber(blocks.end),
            Hash32(from_hex(blocks.end_hash, 32)),
            until,
        )
    return SignedEntry(slot, Hash32(from_hex(signed.digest, 32)), signed_range)


def _last_vote(vote: _Vote) -> LastVote:
    signed = vote.signed
    return LastVote(
        Slot(Purpose.VOTE, vote.domain, (vote.height, vote.round, VoteStep[vote.step.upper()])),
        None
        if signed is None
        else VoteBytes(Hash32(from_hex(signed.digest, 32)), signed.time_ns, Hash32(from_hex(signed.timeless, 32))),
    )


def _anchor(block: _Block) -> Anchor:
    return Anchor(ChainId(block.side_chain_id), SignedEnd(BlockNumber(block.number), Hash32(from_hex(block.hash, 32))))


def _digest(file: _File) -> str:
    return to_hex(keccak256(_layout(replace(file, digest=""))))


def _layout(file: _File) -> bytes:
    """Readable, and always the same for the same values."""
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"
