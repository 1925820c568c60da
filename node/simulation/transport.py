"""RPC without sockets: each validator has two endpoints a chain, and each endpoint has its own troubles."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.chain.transport import ConnectionFailed, HttpReply, ReplyTooLarge
from node.simulation.chains.rpc import NO_FAULTS, AnswerFaults, ChainRpc
from node.simulation.loop import SimulationLoop

ENDPOINTS = ("a", "b")
LATENCY_S = (0.002, 0.04)
"""Of an endpoint in order: half of a round trip, from and to."""
NEVER_S = 3_600.0
"""How long a silent endpoint keeps a connection open."""


@dataclass(frozen=True, slots=True)
class EndpointFaults:
    """What is wrong with one endpoint at a moment; several faults may overlap."""

    answers: AnswerFaults = NO_FAULTS
    delay_s: float = 0.0
    """On top of the usual latency, at most."""
    is_silent: bool = False
    cut_rate: float = 0.0
    """Share of requests whose connection breaks, before the request arrives or before the reply does."""
    busy_rate: float = 0.0
    """Share of requests answered by HTTP status 429."""


NO_ENDPOINT_FAULTS = EndpointFaults()


@dataclass(frozen=True, slots=True)
class EndpointPlace:
    """Which endpoint: of which chain, of which validator, the first or the second."""

    chain: str
    validator: int
    endpoint: str

    @property
    def url(self) -> str:
        """A URL that only a simulated transport understands."""
        return f"http://{self.chain}-{self.endpoint}.simulated/{self.validator}"


class SimulatedTransport:
    """The network between validators and their endpoints, a `bridge.chain.transport.Transport`."""

    def __init__(self, chains: Mapping[str, ChainRpc], validators: int, loop: SimulationLoop, seed: int) -> None:
        self._chains = chains
        self._loop = loop
        self._places = {
            place.url: place
            for chain in chains
            for validator in range(validators)
            for endpoint in ENDPOINTS
            for place in [EndpointPlace(chain, validator, endpoint)]
        }
        self._faults: dict[EndpointPlace, EndpointFaults] = {}
        self._sources = {place: random.Random(f"{seed} endpoint {place.url}") for place in self._places.values()}
        self.requests = 0

    def set_faults(self, place: EndpointPlace, faults: EndpointFaults) -> None:
        """From now on let an endpoint misbehave so."""
        self._faults[place] = faults

    def faults_of(self, place: EndpointPlace) -> EndpointFaults:
        """How an endpoint misbehaves now."""
        return self._faults.get(place, NO_ENDPOINT_FAULTS)

    async def post(self, url: str, body: bytes, reply_bytes_max: int) -> HttpReply:
        """The reply of an endpoint, if it gives one. Raises ConnectionFailed, ReplyTooLarge."""
        self.requests += 1
        place = self._places[url]
        source = self._sources[place]
        await asyncio.sleep(source.uniform(*LATENCY_S) + source.random() * self.faults_of(place).delay_s)
        faults = self.faults_of(place)
        is_cut = faults.cut_rate > 0 and source.random() < faults.cut_rate
        if is_cut and source.random() < 0.5:
            raise ConnectionFailed("cut before the request arrived")
        if faults.busy_rate and source.random() < faults.busy_rate:
            return HttpReply(429)
        reply = self._chains[place.chain].answer(body, faults.answers, source)
        if faults.is_silent:
            await asyncio.sleep(NEVER_S)
        if is_cut:
            raise ConnectionFailed("cut before the reply arrived")
        await asyncio.sleep(source.uniform(*LATENCY_S) + source.random() * faults.delay_s)
        if len(reply) > reply_bytes_max:
            raise ReplyTooLarge
        return HttpReply(200, reply)
