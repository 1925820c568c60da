"""CometBFT's JSON-RPC over its unix socket: the few calls that we make, as typed values.

Numbers of 64 bits come as strings, hashes as upper-case hex, other bytes as base64.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from node.engine.comet.sockets import socket_address
from node.engine.errors import EngineUnreachable

CALL_S = 5.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
CONNECTIONS_MAX = 16
_VOTED = re.compile(r" (\d+)/(\d+) = ")


class _SyncInfo(msgspec.Struct, frozen=True):
    latest_block_height: str
    earliest_block_height: str
    catching_up: bool


class _NodeInfo(msgspec.Struct, frozen=True):
    id: str


class Status(msgspec.Struct, frozen=True):
    """`status`."""

    sync_info: _SyncInfo
    node_info: _NodeInfo

    @property
    def height(self) -> int:
        """The last block that is stored."""
        return int(self.sync_info.latest_block_height)

    @property
    def earliest_height(self) -> int:
        """The first block that is kept."""
        return int(self.sync_info.earliest_block_height)

    @property
    def is_catching_up(self) -> bool:
        """Whether blocks of the past are still being fetched."""
        return self.sync_info.catching_up


class _PeerRound(msgspec.Struct, frozen=True):
    height: str


class _PeerState(msgspec.Struct, frozen=True):
    round_state: _PeerRound


class _Peer(msgspec.Struct, frozen=True):
    node_address: str
    peer_state: _PeerState


class _RoundVotes(msgspec.Struct, frozen=True):
    round: int
    prevotes_bit_array: str
    precommits_bit_array: str

    @property
    def permille(self) -> int:
        """The share that voted last: precommits, once there are any, for who prevoted may have gone since."""
        return _share_permille(self.precommits_bit_array) or _share_permille(self.prevotes_bit_array)


class _RoundState(msgspec.Struct, frozen=True):
    height: str
    round: int
    step: int
    votes: tuple[_RoundVotes, ...]


class ConsensusState(msgspec.Struct, frozen=True):
    """`dump_consensus_state`: what it waits for now, and how far its peers are."""

    round_state: _RoundState
    peers: tuple[_Peer, ...] | None = None

    @property
    def height(self) -> int:
        """The block that is being agreed on."""
        return int(self.round_state.height)

    @property
    def peer_heights(self) -> tuple[int, ...]:
        """The blocks that the peers are agreeing on."""
        return tuple(int(peer.peer_state.round_state.height) for peer in self.peers or ())

    @property
    def round(self) -> int:
        """The round of it that is under way, counted from 0."""
        return self.round_state.round

    def voted_permille(self, first_round: int) -> int:
        """The largest share of the power that votes in one of the rounds from this one on."""
        return max((votes.permille for votes in self.round_state.votes if votes.round >= first_round), default=0)


class _TxAnswer(msgspec.Struct, frozen=True):
    code: int
    log: str = ""


_Result = TypeVar("_Result", bound=msgspec.Struct)


class _Failure(msgspec.Struct, frozen=True):
    message: str
    data: str = ""


class _Envelope(msgspec.Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw()
    error: _Failure | None = None


class CometRpc:
    """A client of the node at one socket. Methods raise EngineUnreachable."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._session: aiohttp.ClientSession | None = None
        self._closing = ExitStack()

    async def status(self) -> Status:
        """How far the node is."""
        return await self._call("status", {}, Status)

    async def consensus_state(self) -> ConsensusState:
        """Which votes it has, and how far its peers are."""
        return await self._call("dump_consensus_state", {}, ConsensusState)

    async def broadcast_tx(self, transaction: bytes) -> str | None:
        """Hand it a transaction; None if its mempool took it, else why not."""
        envelope = await self._post("broadcast_tx_sync", {"tx": b64encode(transaction).decode()})
        if envelope.error is not None:
            return f"{envelope.error.message}: {envelope.error.data}"
        answer = _decode(envelope.result, _TxAnswer)
        return None if answer.code == 0 else f"CheckTx code {answer.code}: {answer.log}"

    async def raw(self, method: str, parameters: Mapping[str, object]) -> bytes:
        """The answer's body to any call, as it comes."""
        session, request = self._open(), {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        try:
            async with asyncio.timeout(CALL_S), session.post("http://cometbft/", json=request) as response:
                body = await response.content.read(ANSWER_BYTES_MAX + 1)
                while not response.content.at_eof() and len(body) <= ANSWER_BYTES_MAX:
                    body += await response.content.read(ANSWER_BYTES_MAX + 1 - len(body))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineUnreachable(
                f"cometbft does not answer {method}: {type(error).__name__} {error}".strip()
            ) from error
        if len(body) > ANSWER_BYTES_MAX:
            raise EngineUnreachable(f"cometbft's answer to {method} is over {ANSWER_BYTES_MAX} bytes")
        return body

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        self._closing.close()

    async def _call(self, method: str, parameters: dict[str, object], kind: type[_Result]) -> _Result:
        envelope = await self._post(method, parameters)
        if envelope.error is not None:
            raise EngineUnreachable(
                f"cometbft refuses {method}: {envelope.error.message} {envelope.error.data}".strip()
            )
        return _decode(envelope.result, kind)

    async def _post(self, method: str, parameters: dict[str, object]) -> _Envelope:
        return _decode(await self.raw(method, parameters), _Envelope)

    def _open(self) -> aiohttp.ClientSession:
        """The session; the socket's directory stays open with it, for its name may be a long one."""
        if self._session is None:
            address = self._closing.enter_context(socket_address(self._socket))
            self._session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=address, limit=CONNECTIONS_MAX))
        return self._session


def _decode(data: bytes | msgspec.Raw, kind: type[_Result]) -> _Result:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EngineUnreachable(f"cometbft answers something else than was asked: {error}") from error


def _share_permille(bit_array: str) -> int:
    """The share in `BA{4:xx_x} 270/340 = 0.79`: power that voted, of the whole."""
    found = _VOTED.search(bit_array)
    return int(found[1]) * 1_000 // int(found[2]) if found and int(found[2]) else 0
