"""What the devnet and the child process with its chains say to each other: lines of JSON over the child's pipes.

The devnet first writes its `ChainsSettings`, the child answers `Started` or `Failed`. Then each `Request` gets a
`Reply` with the same id. Only the parent holds the pipes, so that no token or further port is needed.
"""

from pathlib import Path
from typing import TypeVar

import msgspec

from bridge.codec.types import UnixSeconds
from node.devnet.chains import ChainStatus, SubmittedTransaction
from node.devnet.rpc.faults import ChainFaults

LINE_BYTES_MAX = 256 * 1024 * 1024
"""Room for a full bulk submission: 1,000 transactions of 128 KiB in base64."""

Message = TypeVar("Message")


class Started(msgspec.Struct, frozen=True, tag=True):
    """All chains listen: RPC URL by chain name."""

    rpc_urls: dict[str, str]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The child cannot start, and ends; `code` is that of the error."""

    code: str
    message: str


class Status(msgspec.Struct, frozen=True, tag=True):
    """Only look."""

    chain: str


class Pause(msgspec.Struct, frozen=True, tag=True):
    """See `Chains.pause`."""

    chain: str


class Resume(msgspec.Struct, frozen=True, tag=True):
    """See `Chains.resume`."""

    chain: str


class Mine(msgspec.Struct, frozen=True, tag=True):
    """See `Chains.mine`."""

    chain: str
    blocks: int
    timestamp: UnixSeconds | None


class Reorg(msgspec.Struct, frozen=True, tag=True):
    """See `Chains.reorg`."""

    chain: str
    depth: int


class SetFaults(msgspec.Struct, frozen=True, tag=True):
    """See `Chains.set_faults`."""

    chain: str
    faults: ChainFaults


class Submit(msgspec.Struct, frozen=True, tag=True):
    """See `Chains.submit`."""

    chain: str
    raw_transactions: tuple[bytes, ...]
    timestamp: UnixSeconds | None


class Close(msgspec.Struct, frozen=True, tag=True):
    """Close the files and end."""


Command = Status | Pause | Resume | Mine | Reorg | SetFaults | Submit | Close


class Request(msgspec.Struct, frozen=True):
    """A command."""

    id: int
    command: Command


class Reply(msgspec.Struct, frozen=True):
    """What became of a command: the chain's status, or the words of a refusal."""

    id: int
    status: ChainStatus | None = None
    submitted: tuple[SubmittedTransaction, ...] = ()
    refusal: str | None = None


def to_line(message: object) -> bytes:
    """A message as one line."""
    return msgspec.json.encode(message, enc_hook=str) + b"\n"  # str: paths


def from_line(line: bytes, message_type: type[Message]) -> Message:
    """The message of a line. Raises msgspec's DecodeError: the other side is of another version."""
    return msgspec.json.decode(line, type=message_type, dec_hook=_path)


def _path(_: type[Path], text: str) -> Path:
    return Path(text)
