"""Our own routes about the node and its checkpoints."""

from aiohttp import web

from bridge.codec.checkpoint import HEADER_ID_STEP
from node.api.archive import history_not_held
from node.api.checkpoints import CheckpointDetails, acknowledged_details, open_details
from node.api.encoding import json_response, to_fields, to_json
from node.api.errors import BadParameterError, NotFoundError
from node.api.parameters import path_integer, query_integer, query_name, refuse_unknown_query
from node.api.routes import Route
from node.api.settings import ApiSettings
from node.api.view import NodeView
from node.app.state import Proposal, State


class SidewardenRoutes:
    """Status and checkpoints."""

    def __init__(self, view: NodeView, settings: ApiSettings) -> None:
        self._view = view
        self._settings = settings

    def routes(self) -> tuple[Route, ...]:
        """All of them."""
        return (
            Route("/sidewarden/v1/status", self._status),
            Route("/sidewarden/v1/checkpoints", self._checkpoints),
            Route("/sidewarden/v1/checkpoints/{number}", self._checkpoint),
            Route("/sidewarden/v1/evidence", self._evidence),
        )

    async def _status(self, request: web.Request) -> web.Response:
        """The node, its chains, and per root chain the one reason why the next checkpoint has not happened yet."""
        refuse_unknown_query(request)
        return json_response(to_json(self._view.status()))

    async def _checkpoints(self, request: web.Request) -> web.Response:
        """A page of acknowledged checkpoints, newest first."""
        refuse_unknown_query(request, "root_chain", "before", "limit")
        state = self._view.committed.state
        index = root_chain_index(request, state)
        limit = query_integer(request, "limit", 1, self._settings.page_size_max) or self._settings.page_size_default
        before = query_integer(request, "before", 1)
        archive = self._view.archive
        archive.catch_up()
        stop = archive.count(index) if before is None else archive.position(index, before)
        if stop == 0 and archive.is_partial:
            raise history_not_held()
        first = max(0, stop - limit)
        page = archive.page(index, first, stop - first)
        return json_response(
            {
                "root_chain": state.params.root_chains[index].name,
                "checkpoints": to_json(page[::-1]),
                "next_before": page[0].number if first > 0 or archive.is_partial else None,
                "total": None if archive.is_partial else archive.count(index),
            }
        )

    async def _checkpoint(self, request: web.Request) -> web.Response:
        """One checkpoint with its signatures: the one that is being signed, or an acknowledged one."""
        refuse_unknown_query(request, "root_chain")
        number = path_integer(request, "number", 1)
        state = self._view.committed.state
        return json_response(to_json(self._details(state, root_chain_index(request, state), number)))

    def _details(self, state: State, index: int, number: int) -> CheckpointDetails:
        name = state.params.root_chains[index].name
        proposal = _in_progress(state, index, number)
        if proposal is not None:
            return open_details(name, proposal, state)
        self._view.archive.catch_up()
        return acknowledged_details(name, self._view.archive.record(index, number))

    async def _evidence(self, request: web.Request) -> web.Response:
        """A page of what the engine proved of validators, newest first."""
        refuse_unknown_query(request, "before", "limit")
        limit = query_integer(request, "limit", 1, self._settings.page_size_max) or self._settings.page_size_default
        before = query_integer(request, "before", 1)
        evidence = self._view.evidence
        stop = evidence.count if before is None else min(before, evidence.count)
        if 0 < stop <= evidence.start:
            raise history_not_held()
        page = evidence.before(stop, limit)
        return json_response(
            {
                "evidence": [{"index": one.index, **to_fields(one.entry)} for one in page],
                "next_before": page[-1].index if page and page[-1].index > 0 else None,
                "total": evidence.count,
            }
        )


def root_chain_index(request: web.Request, state: State) -> int:
    """The index of the root chain that the query names; the first where it names none. Raises ApiError."""
    name = query_name(request, "root_chain")
    names = [root_chain.name for root_chain in state.params.root_chains]
    if name is None:
        if not names:
            raise BadParameterError("root_chain", "this network has no root chain")
        return 0
    if name not in names:
        raise NotFoundError("ROOT_CHAIN_UNKNOWN", f"root_chain: {name} is none of this network's: {', '.join(names)}")
    return names.index(name)


def _in_progress(state: State, index: int, number: int) -> Proposal | None:
    """The current proposal, if it is the one that would become this checkpoint."""
    current = state.proposals[index].current
    return current if current is not None and current.header_id == number * HEADER_ID_STEP else None
