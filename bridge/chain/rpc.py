"""Several JSON-RPC URLs of one chain behind one `call`.

    pool = RpcPool("root", urls, ChainId(1), HttpTransport(session), SystemClock(), RpcLimits())
    head = await pool.call("eth_blockNumber", [])

The first URL is the primary; the next is asked when it fails, and the primary again as soon as it works. Whoever can
show that an answer was false asks again elsewhere (`second`, `demote`). Before an endpoint is used, after start and
after each pause, it must show the right chain id (and genesis hash, if given). A call ends within its budget whatever
the endpoints do. Answers are parsed JSON and nothing more: `ChainReader` types them.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.chain.breaker import BreakerRules
from bridge.chain.clock import Clock
from bridge.chain.endpoint import Endpoint, EndpointReport, EndpointState, RpcAnswer, RpcCall, label_of
from bridge.chain.errors import (
    BadAnswer,
    EndpointError,
    EndpointGarbage,
    EndpointStatus,
    EndpointTimeout,
    NoEndpoint,
    RpcRefused,
    WrongChain,
)
from bridge.chain.fields import as_quantity
from bridge.chain.transport import Transport
from bridge.codec.hexadecimal import quantity, to_hex
from bridge.codec.types import ChainId, Hash32

Result = TypeVar("Result")

ENDPOINTS_MAX = 16

# JSON-RPC errors that speak of the endpoint, not of what was asked: the next endpoint may well answer.
_ENDPOINT_REFUSALS = frozenset(
    {
        -32601,  # method not found
        -32603,  # internal error
        -32001,  # resource not found
        -32002,  # resource unavailable
        -32005,  # limit exceeded (EIP-1474)
        429,  # limit exceeded, as some providers say it
    }
)


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """What a pool may spend."""

    budget_s: float = 10.0
    """One call, over all endpoints that it tries."""
    probe_s: float = 2.0
    """Checking an endpoint's identity, within the budget."""
    response_bytes_max: int = 32 * 1024 * 1024
    batch_max: int = 100
    """Calls in one request; Bor refuses more than 100."""
    in_flight_max: int = 8
    """Requests at a time to one endpoint."""
    breaker: BreakerRules = field(default_factory=BreakerRules)


class RpcPool:
    """The endpoints of one chain. `call` and `batch` raise NoEndpoint or RpcRefused, and nothing else expected."""

    def __init__(
        self,
        name: str,
        urls: Sequence[str],
        chain_id: ChainId | None,
        transport: Transport,
        clock: Clock,
        limits: RpcLimits | None = None,
        genesis_hash: Hash32 | None = None,
    ) -> None:
        """Raises ValueError for a bad URL, without quoting it.

        Without a `chain_id`, the first endpoint that answers says which chain it is, and all others must agree.
        """
        if not 1 <= len(urls) <= ENDPOINTS_MAX:
            raise ValueError(f"{name}: give between 1 and {ENDPOINTS_MAX} RPC URLs, not {len(urls)}")
        self.name = name
        self._identity = _Identity(chain_id)
        self._genesis_hash = genesis_hash
        self._clock = clock
        self._limits = limits or RpcLimits()
        self._endpoints = tuple(
            Endpoint(
                url=url,
                label=label_of(url, position),
                transport=transport,
                response_bytes_max=self._limits.response_bytes_max,
                batch_max=self._limits.batch_max,
                gate=asyncio.Semaphore(self._limits.in_flight_max),
            )
            for position, url in enumerate(urls)
        )
        self._latest_used = self._endpoints[0]

    @property
    def chain_id(self) -> ChainId:
        """The chain; it must have been given, or an endpoint have answered."""
        if self._identity.chain_id is None:
            raise LookupError(f"{self.name}: no endpoint has said yet which chain it is")
        return self._identity.chain_id

    @property
    def endpoints(self) -> tuple[EndpointReport, ...]:
        """The health of each endpoint, primary first, for metrics and status."""
        return tuple(endpoint.report() for endpoint in self._endpoints)

    @property
    def latest_label(self) -> str:
        """The endpoint that answered last, for an error about what it said."""
        return self._latest_used.label

    @property
    def batch_max(self) -> int:
        """Calls that `batch` puts into one request; it splits longer ones by itself."""
        return self._limits.batch_max

    def second(self) -> "RpcPool | None":
        """A pool over the endpoints other than the one that answered last, for a second opinion; None without another.

        It shares the endpoints' health with this pool. To be asked for right after the answer in question, before
        anything else is awaited: other users of the pool get answers too.
        """
        others = tuple(endpoint for endpoint in self._endpoints if endpoint is not self._latest_used)
        if not others:
            return None
        return self._over(others)

    def twin(self) -> "RpcPool":
        """A pool over the same endpoints and their health, for a user who keeps an order of its own by `demote`."""
        return self._over(self._endpoints)

    def doubt(self) -> None:
        """Ask every endpoint for its chain again before it is next used: it may serve another one by now."""
        for endpoint in self._endpoints:
            if endpoint.state is EndpointState.READY:
                endpoint.state = EndpointState.UNCHECKED

    def demote(self, label: str) -> bool:
        """Ask the endpoint with this label after all others from now on; False if that gives nobody else to ask."""
        others = tuple(endpoint for endpoint in self._endpoints if endpoint.label != label)
        if not others or len(others) == len(self._endpoints):
            return False
        self._endpoints = (*others, *(endpoint for endpoint in self._endpoints if endpoint.label == label))
        return True

    def _over(self, endpoints: tuple[Endpoint, ...]) -> "RpcPool":
        pool = copy.copy(self)
        pool._endpoints, pool._latest_used = endpoints, endpoints[0]
        return pool

    async def call(self, method: str, params: Sequence[object], budget_s: float | None = None) -> object:
        """The result of one call, from the first endpoint that gives one. Raises NoEndpoint, RpcRefused."""
        call = RpcCall(method, params)
        return (await self._try_each(lambda endpoint: endpoint.post(call), budget_s)).value

    async def batch(
        self, calls: Sequence[RpcCall], budget_s: float | None = None
    ) -> tuple[RpcAnswer | RpcRefused, ...]:
        """Answers in the order of the calls, all from one endpoint; single calls may be refused within it.

        Raises NoEndpoint, and RpcRefused if even single calls are refused as batches.
        """
        if not calls:
            return ()
        return await self._try_each(lambda endpoint: _post_in_pieces(endpoint, calls), budget_s)

    async def call_on(self, label: str, method: str, params: Sequence[object], budget_s: float | None = None) -> object:
        """The result of one call from the endpoint with this label and no other. Raises as `call`, and KeyError."""
        call = RpcCall(method, params)
        named = {endpoint.label: endpoint for endpoint in self._endpoints}[label]
        return (await self._try_each(lambda endpoint: endpoint.post(call), budget_s, (named,))).value

    async def call_all(
        self, method: str, params: Sequence[object], budget_s: float | None = None
    ) -> tuple[RpcAnswer | RpcRefused | NoEndpoint, ...]:
        """The same call to every endpoint at once, each with the whole budget: for what must spread."""
        call = RpcCall(method, params)

        async def ask(endpoint: Endpoint) -> RpcAnswer | RpcRefused | NoEndpoint:
            try:
                return await self._try_each(lambda one: one.post(call), budget_s, (endpoint,))
            except (RpcRefused, NoEndpoint) as error:
                return error

        return tuple(await asyncio.gather(*(ask(endpoint) for endpoint in self._endpoints)))

    async def _try_each(
        self,
        work: Callable[[Endpoint], Awaitable[Result]],
        budget_s: float | None,
        endpoints: tuple[Endpoint, ...] | None = None,
    ) -> Result:
        """Do `work` on one endpoint after another until one succeeds; each gets an equal share of what time is left."""
        deadline_s = self._clock.monotonic() + (self._limits.budget_s if budget_s is None else budget_s)
        candidates = self._endpoints if endpoints is None else endpoints
        refusal: RpcRefused | None = None
        for position, endpoint in enumerate(candidates):
            left_s = deadline_s - self._clock.monotonic()
            if left_s <= 0:
                break
            try:
                result = await self._within(left_s / (len(candidates) - position), endpoint, work)
            except EndpointError:
                continue
            except RpcRefused as error:
                self._latest_used = endpoint
                if error.rpc_code not in _ENDPOINT_REFUSALS:
                    raise
                refusal = error
                continue
            self._latest_used = endpoint
            return result
        if refusal is not None:
            raise refusal
        raise NoEndpoint(f"{self.name}: no RPC endpoint answers ({self._why()})")

    async def _within(
        self, share_s: float, endpoint: Endpoint, work: Callable[[Endpoint], Awaitable[Result]]
    ) -> Result:
        """Check the endpoint if that is due, do the work, and keep the books of its health."""
        started_s = self._clock.monotonic()
        try:
            if endpoint.state is not EndpointState.READY:
                await self._probe(endpoint, min(share_s, self._limits.probe_s))
            share_s -= self._clock.monotonic() - started_s
            result = await with_timeout(self._clock, work(endpoint), share_s, endpoint.label)
        except RpcRefused:
            endpoint.breaker = endpoint.breaker.succeeded()
            raise
        except EndpointError as error:
            self._count_failure(endpoint, error)
            raise
        endpoint.breaker = endpoint.breaker.succeeded()
        return result

    async def _probe(self, endpoint: Endpoint, probe_s: float) -> None:
        """Ask chain id and genesis before an endpoint is used. Raises EndpointError."""
        now_s = self._clock.monotonic()
        if not endpoint.breaker.is_closed:
            if not endpoint.breaker.may_probe(now_s):
                raise _Resting(endpoint.label)
            endpoint.breaker = endpoint.breaker.probing(now_s, probe_s)
        try:
            await with_timeout(self._clock, self._check_identity(endpoint), probe_s, endpoint.label)
        except RpcRefused as error:
            raise EndpointError(
                f"{endpoint.label}: refuses to say which chain it serves: {error.rpc_message}"
            ) from None
        endpoint.state = EndpointState.READY

    async def _check_identity(self, endpoint: Endpoint) -> None:
        shown = (await endpoint.post(RpcCall("eth_chainId", []))).value
        if self._identity.chain_id is None:
            self._identity.chain_id = _chain_id(endpoint.label, shown)
        if not isinstance(shown, str) or shown.lower() != quantity(self.chain_id):
            raise WrongChain(f"{endpoint.label}: serves another chain id than {self.chain_id}, as configured")
        if self._genesis_hash is None:
            return
        block = (await endpoint.post(RpcCall("eth_getBlockByNumber", ["0x0", False]))).value
        if not isinstance(block, dict) or block.get("hash") != to_hex(self._genesis_hash):
            raise WrongChain(f"{endpoint.label}: has another genesis block than configured")

    def _count_failure(self, endpoint: Endpoint, error: EndpointError) -> None:
        if isinstance(error, _Resting):
            return
        endpoint.count_error(error)
        now_s, rules = self._clock.monotonic(), self._limits.breaker
        at_once = isinstance(error, WrongChain) or (isinstance(error, EndpointStatus) and error.status == 429)
        was_probing = not endpoint.breaker.is_closed
        opens = at_once or was_probing
        endpoint.breaker = endpoint.breaker.opened(now_s, rules) if opens else endpoint.breaker.failed(now_s, rules)
        if isinstance(error, WrongChain):
            endpoint.state = EndpointState.WRONG_CHAIN
        elif not endpoint.breaker.is_closed:
            endpoint.state = EndpointState.PAUSED

    def _why(self) -> str:
        return "; ".join(
            f"{one.label}: {one.state.value}, {one.last_error or 'no error yet'}" for one in self._endpoints
        )


@dataclass(slots=True)
class _Identity:
    """Which chain a pool and its twins are of; None until it is known."""

    chain_id: ChainId | None


def _chain_id(label: str, shown: object) -> ChainId:
    try:
        return ChainId(as_quantity(shown, "eth_chainId"))
    except BadAnswer as error:
        raise EndpointGarbage(f"{label}: {error}") from None


class _Resting(EndpointError):
    """The endpoint's breaker is open: it was not asked, so nothing is counted."""


async def with_timeout(clock: Clock, work: Awaitable[Result], timeout_s: float, label: str) -> Result:
    """The result of `work`, or EndpointTimeout when the clock gets there first; `work` is then cancelled.

    As `asyncio.timeout`, but on our clock: the task that waits is cancelled at its await, and goes on from there.
    """
    task = asyncio.current_task()
    if task is None:
        raise AssertionError("whoever awaits is a task")
    before, is_late = task.cancelling(), False

    def interrupt() -> None:
        nonlocal is_late
        is_late = True
        task.cancel()

    alarm = clock.call_later(timeout_s, interrupt)
    try:
        return await work
    except asyncio.CancelledError:
        if is_late and task.cancelling() <= before + 1:  # it was us, and nobody else
            raise EndpointTimeout(f"{label}: no answer within {timeout_s:.1f} s") from None
        raise
    finally:
        alarm.cancel()
        if is_late:
            task.uncancel()


async def _post_in_pieces(endpoint: Endpoint, calls: Sequence[RpcCall]) -> tuple[RpcAnswer | RpcRefused, ...]:
    """A batch of any length in requests that the endpoint takes: halved as often as it refuses a batch as a whole.

    Raises RpcRefused also when not one of the calls got an answer, and it was the endpoint's fault.
    """
    answers: list[RpcAnswer | RpcRefused] = []
    while len(answers) < len(calls):
        piece = calls[len(answers) : len(answers) + endpoint.batch_max]
        try:
            answers.extend(await endpoint.post_batch(piece))
        except RpcRefused:
            if len(piece) == 1:
                raise
            endpoint.batch_max = max(1, len(piece) // 2)
    refusals = [answer for answer in answers if isinstance(answer, RpcRefused)]
    if len(refusals) == len(answers) and refusals[0].rpc_code in _ENDPOINT_REFUSALS:
        raise refusals[0]
    return tuple(answers)
