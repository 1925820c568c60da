"""The routes of Polygon's proof generation API, for the clients that know them: matic.js and what is built on it.

Paths, JSON, status codes and messages are that API's (1.x), the misspelt one too, because clients compare them; so
unknown query parameters are ignored, and spaces around a value. Where it answers 500 to a user's mistake, this is 400
in the form of its other refusals. Every proof was verified before it is given out, which that API does not do.
"""

import re
from collections.abc import Sequence

from aiohttp import web

from bridge.burns import errors as burn_errors
from bridge.burns.errors import BlockNotCheckpointed, BurnError
from bridge.burns.service import BurnService
from bridge.codec.hexadecimal import checksum_address, to_hex
from bridge.codec.types import BlockNumber, Hash32
from node.api.encoding import JsonValue, finished_response, json_response
from node.api.errors import ApiError, NotFoundError
from node.api.routes import Route

PREFIX = "/api/v1/"
BLOCK_NUMBER_MAX = 2**53 - 1
"""Larger ones are not exact in JavaScript."""
RANGE_BLOCKS_MAX = 1 << 15
"""Bor's limit of a checkpoint's range."""
TOKEN_INDEX_MAX = 2**16

BAD_BLOCK = "Invalid block number!"
BAD_RANGE = "Invalid start or end or block numbers!"
MISSING = "Burn tx or Event Signature missing!"
BAD_HASH = "Incorrect Burn tx or Event Signature!"
BAD_INDEX = "Incorrect token index!"
NO_BLOCK = "No block found"
NO_TRANSACTION = "Incorrect burn transaction"
NOT_CHECKPOINTED = "Burn transaction has not been checkpointed yet"
NO_LOG = "Event Signature log not found in tx receipt"
INDEX_TOO_LARGE = "Index is grater than the number of tokens in this transaction"
BUILT = "Payload generation success"

_DECIMAL = re.compile(r"[0-9]{1,32}")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


class BadQuestionError(ApiError):
    """A parameter that the proof generation API refuses, or should."""

    status = 400

    def __init__(self, message: str) -> None:
        super().__init__("BAD_PARAMETER", message)


class ProofApiRoutes:
    """Exit payloads and block proofs, at the paths of the proof generation API."""

    def __init__(self, burns: BurnService, networks: Sequence[str]) -> None:
        """`networks` are names that mean the first root chain; each root chain is served under its own name too."""
        self._burns = burns
        self._networks = tuple(networks) or burns.root_chains
        self._root_chains = dict.fromkeys(networks, burns.root_chains[0]) | {name: name for name in burns.root_chains}

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        base = PREFIX + "{network}"
        return (
            Route("/health-check", self._health),
            Route(base + "/block-included/{block_number}", self._block_included),
            Route(base + "/fast-merkle-proof", self._block_proof),
            Route(base + "/exit-payload/{burn_tx}", self._exit_payload),
            Route(base + "/all-exit-payloads/{burn_tx}", self._all_exit_payloads),
        )

    async def _health(self, _: web.Request) -> web.Response:
        """The process answers; no more is promised."""
        return json_response({"success": True, "message": "Health Check Success"})

    async def _block_included(self, request: web.Request) -> web.Response:
        """The checkpoint that holds a block."""
        text = request.match_info["block_number"].strip()
        number = _block_number(text, BAD_BLOCK)
        try:
            checkpoint = await self._burns.block_included(number, self._root_chain(request))
        except BlockNotCheckpointed as error:
            raise NotFoundError(error.code, NO_BLOCK) from error
        body: JsonValue = {
            "headerBlockNumber": hex(checkpoint.header_id),
            "blockNumber": text,
            "start": str(checkpoint.start),
            "end": str(checkpoint.end),
            "proposer": checksum_address(checkpoint.proposer),
            "root": to_hex(checkpoint.root),
            "createdAt": str(checkpoint.created_at),
            "message": "success",
        }
        return finished_response(request, body)

    async def _block_proof(self, request: web.Request) -> web.Response:
        """The Merkle proof of a block in a checkpoint; other ranges have no root that a proof could be held against."""
        start, end, number = (_block_number(_query(request, name, BAD_RANGE), BAD_RANGE) for name in _RANGE)
        if not start <= number <= end or end - start >= RANGE_BLOCKS_MAX:
            raise BadQuestionError(BAD_RANGE)
        siblings = await self._burns.block_proof(number, start, end, self._root_chain(request))
        return finished_response(request, {"proof": to_hex(b"".join(siblings))})

    async def _exit_payload(self, request: web.Request) -> web.Response:
        """The payload of the log that the event signature and the token index select."""
        transaction, signature = _transaction_and_signature(request)
        index = _token_index(request)
        try:
            proof = await self._burns.exit_payload(transaction, signature, index, self._root_chain(request))
        except BurnError as error:
            raise _refusal(error) from error
        return finished_response(request, {"message": BUILT, "result": to_hex(proof.payload)})

    async def _all_exit_payloads(self, request: web.Request) -> web.Response:
        """The payloads of all logs that the event signature selects."""
        transaction, signature = _transaction_and_signature(request)
        try:
            proofs = await self._burns.exit_payloads(transaction, signature, self._root_chain(request))
        except BurnError as error:
            raise _refusal(error) from error
        return finished_response(request, {"message": BUILT, "result": [to_hex(proof.payload) for proof in proofs]})

    def _root_chain(self, request: web.Request) -> str:
        """The root chain that the path's network means. Parameters are looked at before it, as clients know it."""
        network = request.match_info["network"]
        if network not in self._root_chains:
            *most, last = self._networks
            names = f"{', '.join(most)} or {last}" if most else last
            message = f"Invalid network {network[:64]}. Network can either be {names} for PoS v1 routes"
            raise BadQuestionError(message)
        return self._root_chains[network]


_RANGE = ("start", "end", "number")
_KNOWN_WORDS: dict[type[BurnError], str] = {
    burn_errors.BurnNotFound: NO_TRANSACTION,
    burn_errors.BurnNotReady: NOT_CHECKPOINTED,
    burn_errors.EventNotFound: NO_LOG,
    burn_errors.TokenIndexTooLarge: INDEX_TOO_LARGE,
}


def _refusal(error: BurnError) -> Exception:
    """The error in the words that clients compare, where there are such; else the error itself."""
    words = _KNOWN_WORDS.get(type(error))
    return error if words is None else NotFoundError(error.code, words)


def _query(request: web.Request, name: str, missing: str) -> str:
    values = request.query.getall(name, [])
    if len(values) != 1 or not values[0].strip():
        raise BadQuestionError(missing)
    return values[0].strip()


def _block_number(text: str, wrong: str) -> BlockNumber:
    if not _DECIMAL.fullmatch(text) or int(text) > BLOCK_NUMBER_MAX:
        raise BadQuestionError(wrong)
    return BlockNumber(int(text))


def _token_index(request: web.Request) -> int:
    if not request.query.get("tokenIndex", "").strip():
        return 0
    text = _query(request, "tokenIndex", BAD_INDEX)
    if not _DECIMAL.fullmatch(text) or int(text) > TOKEN_INDEX_MAX:
        raise BadQuestionError(BAD_INDEX)
    return int(text)


def _transaction_and_signature(request: web.Request) -> tuple[Hash32, Hash32]:
    texts = (request.match_info["burn_tx"].strip(), _query(request, "eventSignature", MISSING))
    if not all(_HASH.fullmatch(text) for text in texts):
        raise BadQuestionError(BAD_HASH)
    transaction, signature = (Hash32(bytes.fromhex(text[2:])) for text in texts)
    return transaction, signature
