"""Signs for CometBFT, with the keys and under the record of this node: no validator key lies in a file of CometBFT's.

CometBFT listens on a unix socket (`priv_validator_laddr`), waits for its signer to dial, and asks one thing at a time:
which key votes from the next height on, a vote, a proposal. A refusal is an answer, too. While nobody answers, CometBFT
stands still, and goes on by itself afterwards.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from bridge.chain.clock import Bell, Clock
from bridge.codec.types import Address, PublicKey
from node.engine.comet import privval
from node.engine.comet.framing import FrameReader, encode_frame
from node.engine.comet.sockets import socket_address
from node.engine.errors import WireError
from node.engine.proto import privval_pb2 as pb
from node.engine.proto import types_pb2 as types
from node.keys.errors import KeyNotHeld, KeysError
from node.keys.signer import Signer

REDIAL_PAUSE_S = 0.01
REDIAL_PAUSE_MAX_S = 0.5
"""CometBFT gives up its start after 3 s without a signer."""
REQUEST_BYTES_MAX = 16 * 1024
"""A request for a vote has some 250 bytes."""

log = logging.getLogger(__name__)


class RemoteSigner:
    """The connection to one CometBFT node, dialled again whenever it ends."""

    def __init__(
        self,
        signer: Signer,
        socket: Path,
        clock: Clock,
        key_for_next_height: Callable[[], Address | None],
        stand_in: PublicKey,
    ) -> None:
        """`key_for_next_height`: which of our keys the engine's set has at the height after the last committed one.

        `stand_in` is the key that CometBFT is told where this node holds none: it must have one, and never gets a vote
        signed with this one.
        """
        self.is_connected = False
        self.last_refusal: str | None = None
        """What was refused last, since the last signature."""
        self._signer = signer
        self._socket = socket
        self._clock = clock
        self._key_for_next_height = key_for_next_height
        self._stand_in = stand_in
        self._named: Address | None = None
        self._bell = Bell(clock)

    def dial(self) -> None:
        """Dial now: CometBFT was started."""
        self._bell.ring()

    async def run(self) -> None:
        """Dial and answer until cancelled."""
        pause_s = REDIAL_PAUSE_S
        while True:
            self._bell.silence()
            if await self._was_asked():
                pause_s = REDIAL_PAUSE_S
            await self._bell.wait(pause_s)
            pause_s = min(2 * pause_s, REDIAL_PAUSE_MAX_S)

    async def _was_asked(self) -> bool:
        """Dial, and answer until the connection ends; whether anything was asked."""
        try:
            with socket_address(self._socket) as address:
                stream, writer = await asyncio.open_unix_connection(address)
        except OSError:  # CometBFT does not run yet, or its last run left a socket that nobody listens on
            return False
        self.is_connected = True
        log.info("signing for the engine")
        was_asked = False
        try:
            frames = FrameReader(stream, REQUEST_BYTES_MAX)
            while requests := await frames.read():
                was_asked = True
                for request in requests:
                    writer.write(encode_frame(self.answer(request)))
                await writer.drain()
        except (OSError, WireError) as error:
            log.warning("the engine's connection to its signer was cut", extra={"cause": str(error)})
        finally:
            self.is_connected = False
            writer.close()
        return was_asked

    def answer(self, data: bytes) -> bytes:
        """The answer to a request. Raises WireError for what is none, after which nothing more is to be read."""
        request = privval.request_of(data)
        try:
            answer = self._answer(request)
        except (KeysError, WireError) as error:
            self.last_refusal = f"{error.code}: {error}"
            log.warning("refused to sign for the engine", extra={"code": error.code, "text": str(error)})
            answer = privval.refusal(request, self.last_refusal)
        return answer.SerializeToString()

    def _answer(self, request: pb.Message) -> pb.Message:
        match request.WhichOneof("sum"):
            case "pub_key_request":
                self._require_network(request.pub_key_request.chain_id)
                return privval.key_answer(self._key_to_name())
            case "sign_vote_request":
                self._require_network(request.sign_vote_request.chain_id)
                return self._sign_vote(request.sign_vote_request.vote)
            case "sign_proposal_request":
                self._require_network(request.sign_proposal_request.chain_id)
                return self._sign_proposal(request.sign_proposal_request.proposal)
            case _:
                return pb.Message(ping_response=pb.PingResponse())

    def _require_network(self, chain_id: str) -> None:
        if chain_id != self._signer.chain_id:
            raise WireError(f"the node is of the network {chain_id!r}, and this signer of {self._signer.chain_id!r}")

    def _key_to_name(self) -> PublicKey:
        ring = self._signer.ring
        self._named = self._key_for_next_height() or next(iter(ring.addresses), None)
        return self._stand_in if self._named is None else ring.public_key(self._named)

    def _sign_vote(self, message: types.Vote) -> pb.Message:
        asked = privval.vote_of(message)
        signed = self._signer.sign_vote(asked.vote, asked.validator)
        self.last_refusal = None
        return privval.vote_answer(message, signed)

    def _sign_proposal(self, message: types.Proposal) -> pb.Message:
        """A proposal does not say whose it is: it is of the key that the node was told last."""
        signer = self._named or self._key_for_next_height()
        if signer is None:
            raise KeyNotHeld("no key of this home is in the engine's set, and a proposal was asked for")
        signed = self._signer.sign_vote(privval.proposal_of(message), signer)
        self.last_refusal = None
        return privval.proposal_answer(message, signed)
