"""What the RPC endpoints of a simulated chain answer: bytes to bytes, at once, with the faults that each has.

The methods are the devnet's. They pause between pieces of work only to let others run; here nobody waits.
"""

import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from bridge.chain.clock import ManualClock
from bridge.codec.types import ChainId, UnixSeconds
from node.devnet.chain import Chain, ChainGenesis
from node.devnet.rpc.documents import RpcLimits, answer_document, error_body, parse_document
from node.devnet.rpc.encoding import EncodedBlocks
from node.devnet.rpc.errors import INTERNAL_ERROR, LIMIT_EXCEEDED, JsonRpcError
from node.devnet.rpc.methods import Methods
from node.devnet.rpc.view import ChainView
from node.simulation.chains.lies import falsified
from node.simulation.chains.model import ModelChain

_Result = TypeVar("_Result")

_BLOCKS_AT_ONCE = 1_000
"""By which the other chain of an endpoint on the wrong one catches up in one go."""


@dataclass(frozen=True, slots=True)
class AnswerFaults:
    """What is wrong with the answers of an endpoint; rates are shares of the calls, from 0 to 1."""

    hidden_blocks: int = 0
    """It lags: every answer is as of so many blocks below the head. Transactions still reach the pool."""
    height_jitter_blocks: int = 0
    """Behind it are several nodes: each call is answered as of up to so many blocks further below."""
    wrong_chain: bool = False
    """It serves another chain of the same height, with another id and genesis block."""
    empty_logs: bool = False
    """eth_getLogs finds nothing; receipts are true."""
    empty_receipts: bool = False
    """Blocks seem to have no receipts."""
    error_rate: float = 0.0
    """Answered with an internal error."""
    rate_limited: bool = False
    """Every call is refused as one too many."""
    lie_rate: float = 0.0
    """Answered wrongly in one place."""
    not_found_rate: float = 0.0
    """Answered with null."""


NO_FAULTS = AnswerFaults()


class ChainRpc:
    """All endpoints of one chain; which of them is asked shows in the faults alone."""

    def __init__(self, chain: Chain, limits: RpcLimits | None = None) -> None:
        self._chain = chain
        self._limits = limits or RpcLimits()
        self._encoded_blocks = EncodedBlocks()
        self._other_chain: ModelChain | None = None

    def answer(self, body: bytes, faults: AnswerFaults, source: random.Random) -> bytes:
        """The answer to a call or a batch. `source` draws what the faults leave open, and is used for nothing else."""
        endpoint = _Endpoint(self._served(faults), self._encoded_blocks, faults, source)
        try:
            return _at_once(answer_document(parse_document(body), endpoint.call, self._limits))
        except JsonRpcError as error:
            return error_body(None, error)

    def _served(self, faults: AnswerFaults) -> Chain:
        if not faults.wrong_chain:
            return self._chain
        if self._other_chain is None:
            genesis = ChainGenesis({}, UnixSeconds(self._chain.header(0).timestamp + 1))
            self._other_chain = ModelChain(ChainId(self._chain.chain_id + 1), ManualClock(0), genesis)
        other = self._other_chain
        while (missing := self._chain.head.number - other.head.number) > 0:
            other.mine(min(missing, _BLOCKS_AT_ONCE))
        return other


class _Endpoint:
    """One endpoint during one request."""

    def __init__(
        self, chain: Chain, encoded_blocks: EncodedBlocks, faults: AnswerFaults, source: random.Random
    ) -> None:
        self._chain = chain
        self._encoded_blocks = encoded_blocks
        self._faults = faults
        self._source = source

    async def call(self, method: str, params: object) -> object:
        """The result of a call, or what its faults make of it. Raises JsonRpcError."""
        faults, source = self._faults, self._source
        if faults.rate_limited:
            raise JsonRpcError(LIMIT_EXCEEDED, "request rate exceeded")
        if faults.error_rate and source.random() < faults.error_rate:
            raise JsonRpcError(INTERNAL_ERROR, "internal error (a fault of the simulation)")
        if faults.not_found_rate and source.random() < faults.not_found_rate:
            return None
        hidden = faults.hidden_blocks
        if faults.height_jitter_blocks:
            hidden += source.randint(0, faults.height_jitter_blocks)
        methods = Methods(
            ChainView(self._chain, hidden),
            self._encoded_blocks,
            empty_logs=faults.empty_logs,
            empty_receipts=faults.empty_receipts,
        )
        result = await methods.call(method, params)
        if faults.lie_rate and source.random() < faults.lie_rate:
            return falsified(msgspec.json.decode(msgspec.json.encode(result)), source)
        return result


def _at_once(work: Coroutine[Any, Any, _Result]) -> _Result:
    """The result of work that waits for nothing: whenever it lets others run, it goes on."""
    try:
        while True:
            work.send(None)
    except StopIteration as done:
        result: _Result = done.value
        return result
