"""Heimdall v2's GET routes for checkpoints and stake, so that Bor and tools made for Heimdall work.

They show the first root chain. Paths, field names and types are Heimdall's; query parameters that a route does not
know are let pass, as its gateway does.
"""

import asyncio
from base64 import b64decode
from binascii import Error as Base64Error

from aiohttp import web

from bridge.codec import merkle
from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import ValidatorId
from node.api import heimdall_values as values
from node.api.archive import CheckpointArchive, history_not_held
from node.api.encoding import JsonValue, json_response
from node.api.errors import BadParameterError, NotFoundError, UnavailableError
from node.api.parameters import UINT64_MAX, path_address, path_integer, query_integer
from node.api.routes import Route
from node.api.view import NodeView
from node.app import queries
from node.app.proposers import rotated
from node.app.state import PriorityVector, Proposal, Stage, State

ROOT_CHAIN = 0
LIST_LIMIT_MAX = 10_000
_IN_BUFFER = (Stage.COLLECTING, Stage.GRACE, Stage.OPEN)


class HeimdallRoutes:
    """What Heimdall's gateway answers, from the replicated state."""

    def __init__(self, view: NodeView) -> None:
        self._view = view

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            Route("/checkpoints/params", self._params),
            Route("/checkpoints/overview", self._overview),
            Route("/checkpoints/count", self._count),
            Route("/checkpoints/latest", self._latest),
            Route("/checkpoints/buffer", self._buffer),
            Route("/checkpoints/last-no-ack", self._last_no_ack),
            Route("/checkpoints/prepare-next", self._prepare_next),
            Route("/checkpoints/list", self._list),
            Route("/checkpoints/{number}", self._checkpoint),
            Route("/stake/validators-set", self._validators_set),
            Route("/stake/signer/{val_address}", self._signer),
            Route("/stake/validator/{id}", self._validator),
            Route("/stake/validator-status/{val_address}", self._validator_status),
            Route("/stake/total-power", self._total_power),
            Route("/stake/proposers/current", self._current_proposer),
            Route("/stake/proposers/{times}", self._proposers),
        )

    # Checkpoints.

    async def _params(self, _: web.Request) -> web.Response:
        rules = self._state.params.root_chains[ROOT_CHAIN]
        return json_response(
            {
                "params": {
                    "checkpoint_buffer_time": f"{rules.no_ack_buffer_s}s",
                    "avg_checkpoint_length": str(rules.minimum_blocks),
                    "max_checkpoint_length": str(rules.maximum_blocks),
                    "child_chain_block_interval": str(HEADER_ID_STEP),
                }
            }
        )

    async def _overview(self, _: web.Request) -> web.Response:
        state = self._state
        vector = state.priorities[ROOT_CHAIN]
        return json_response(
            {
                "ack_count": str(_ack_count(state)),
                "last_no_ack_id": _last_no_ack(state),
                "buffer_checkpoint": values.buffered_checkpoint(_buffered(state), _side_chain_id(state)),
                "validator_count": str(len(vector.members)),
                "validator_set": values.validator_set(state, vector),
            }
        )

    async def _count(self, _: web.Request) -> web.Response:
        return json_response({"ack_count": str(_ack_count(self._state))})

    async def _latest(self, _: web.Request) -> web.Response:
        """The last checkpoint. 503 before there is one: Bor then asks again later; anything untrue would rewind it."""
        last = self._archive.last(ROOT_CHAIN)
        if last is None:
            raise UnavailableError("NO_CHECKPOINT_YET", "no checkpoint has been acknowledged yet")
        return json_response({"checkpoint": values.checkpoint(last, _side_chain_id(self._state))})

    async def _buffer(self, _: web.Request) -> web.Response:
        state = self._state
        return json_response({"checkpoint": values.buffered_checkpoint(_buffered(state), _side_chain_id(state))})

    async def _last_no_ack(self, _: web.Request) -> web.Response:
        return json_response({"last_no_ack_id": _last_no_ack(self._state)})

    async def _prepare_next(self, _: web.Request) -> web.Response:
        """What the proposer would propose now, by the rule of ranges and over this node's own headers."""
        committed = self._view.committed
        state = committed.state
        wanted = queries.next_range(state, ROOT_CHAIN, committed.time_s)
        if wanted is None:
            raise UnavailableError(
                "NO_RANGE_YET", "no checkpoint is due yet; /sidewarden/v1/status says what is missing"
            )
        blocks = await self._view.blocks.blocks(wanted.start, wanted.end)
        if blocks is None:
            raise UnavailableError("HEADERS_NOT_HELD", f"blocks {wanted.start} to {wanted.end} are not all held yet")
        root = await asyncio.to_thread(merkle.root, blocks.leaves())
        proposer = state.priorities[ROOT_CHAIN].proposer
        account_root = queries.account_root_for(state, ROOT_CHAIN, proposer, wanted, root)
        return json_response(
            {
                "checkpoint": {
                    "proposer": to_hex(proposer),
                    "start_block": str(wanted.start),
                    "end_block": str(wanted.end),
                    "root_hash": values.base64(root),
                    "account_root_hash": values.base64(account_root),
                    "bor_chain_id": str(_side_chain_id(state)),
                }
            }
        )

    async def _checkpoint(self, request: web.Request) -> web.Response:
        number = path_integer(request, "number", 1)
        found = self._archive.summary(ROOT_CHAIN, number)
        return json_response({"checkpoint": values.checkpoint(found, _side_chain_id(self._state))})

    async def _list(self, request: web.Request) -> web.Response:
        """A page of checkpoints, ascending, in the Cosmos SDK's pagination: a key or an offset, and a limit."""
        limit = query_integer(request, "pagination.limit", 1, LIST_LIMIT_MAX)
        if limit is None:
            raise BadParameterError("pagination.limit", f"is needed, from 1 to {LIST_LIMIT_MAX}")
        archive = self._archive
        if archive.is_partial:
            raise history_not_held()
        offset = query_integer(request, "pagination.offset", 0, UINT64_MAX)
        key = request.query.get("pagination.key")
        if key and offset:
            raise BadParameterError("pagination.offset", "either offset or key is given, not both")
        first = archive.position(ROOT_CHAIN, _page_key(key)) if key else offset or 0
        page = archive.page(ROOT_CHAIN, first, limit)
        following = archive.page(ROOT_CHAIN, first + limit, 1)
        side_chain_id = _side_chain_id(self._state)
        return json_response(
            {
                "checkpoint_list": [values.checkpoint(one, side_chain_id) for one in page],
                "pagination": {
                    "next_key": values.base64(following[0].number.to_bytes(8)) if following else None,
                    "total": str(archive.count(ROOT_CHAIN)),
                },
            }
        )

    # Stake.

    async def _validators_set(self, _: web.Request) -> web.Response:
        state = self._state
        return json_response({"validator_set": values.validator_set(state, state.priorities[ROOT_CHAIN])})

    async def _signer(self, request: web.Request) -> web.Response:
        signer = path_address(request, "val_address")
        found = values.validator_by_signer(self._state, signer, self._state.priorities[ROOT_CHAIN])
        if found is None:
            raise _no_validator()
        return json_response({"validator": found})

    async def _validator(self, request: web.Request) -> web.Response:
        state = self._state
        record = queries.member_by_id(state, ValidatorId(path_integer(request, "id", 1)))
        if record is None:
            raise _no_validator()
        return json_response({"validator": values.validator(record, state.priorities[ROOT_CHAIN])})

    async def _validator_status(self, request: web.Request) -> web.Response:
        """Whether this is the signer of a current validator; Heimdall's name for the field says the opposite."""
        signer = path_address(request, "val_address")
        vector = self._state.priorities[ROOT_CHAIN]
        return json_response({"is_old": any(member.signer == signer for member in vector.members)})

    async def _total_power(self, _: web.Request) -> web.Response:
        return json_response({"total_power": str(values.total_power(self._state.priorities[ROOT_CHAIN]))})

    async def _current_proposer(self, _: web.Request) -> web.Response:
        vector = self._state.priorities[ROOT_CHAIN]
        return json_response({"validator": values.validator_by_signer(self._state, vector.proposer, vector)})

    async def _proposers(self, request: web.Request) -> web.Response:
        """The proposer and the next ones if each turn just ends; one may stand there more than once."""
        times = path_integer(request, "times", 1)
        state = self._state
        vector = state.priorities[ROOT_CHAIN]
        return json_response({"proposers": _next_proposers(state, vector, min(times, len(vector.members)))})

    @property
    def _state(self) -> State:
        return self._view.committed.state

    @property
    def _archive(self) -> CheckpointArchive:
        self._view.archive.catch_up()
        return self._view.archive


def _next_proposers(state: State, vector: PriorityVector, count: int) -> list[JsonValue]:
    proposers: list[JsonValue] = []
    for _ in range(count):
        proposers.append(values.validator_by_signer(state, vector.proposer, vector))
        vector = rotated(vector)
    return proposers


def _ack_count(state: State) -> int:
    """Checkpoints on the root chain, as Heimdall counts acks; those before our genesis included."""
    return state.turns[ROOT_CHAIN].next_header_id // HEADER_ID_STEP - 1


def _last_no_ack(state: State) -> str:
    return str(state.turns[ROOT_CHAIN].last_no_ack_s or 0)


def _buffered(state: State) -> Proposal | None:
    current = state.proposals[ROOT_CHAIN].current
    return current if current is not None and current.stage in _IN_BUFFER else None


def _side_chain_id(state: State) -> int:
    return state.params.network.side_chain_id


def _page_key(text: str) -> int:
    """The checkpoint number that a `next_key` stands for."""
    try:
        key = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        key = b""
    if len(key) != 8:
        raise BadParameterError("pagination.key", "is not a next_key of this list")
    return int.from_bytes(key)


def _no_validator() -> NotFoundError:
    return NotFoundError("VALIDATOR_NOT_FOUND", "there is no such validator")
