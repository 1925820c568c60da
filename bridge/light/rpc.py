"""A node's commits, validators and state over CometBFT's JSON-RPC: whatever it says is only a claim.

The URL is CometBFT's RPC, or the part of it that a validator's API passes on (/sidewarden/v1/engine/rpc). Every answer
has a limit of size and of time; sets of validators come in pages.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.chain.endpoint import Endpoint, RpcCall, label_of
from bridge.chain.errors import ChainError
from bridge.chain.transport import Transport
from bridge.codec.light_block import Commit, EngineValidator, Header, LightBlock
from bridge.codec.types import Hash32
from bridge.light.errors import SourceFailed
from bridge.light.values import (
    VALIDATORS_MAX,
    as_base64,
    as_items,
    as_number,
    as_object,
    as_small,
    as_text,
    commit_of,
    header_of,
    validator_of,
)

REPLY_BYTES_MAX = 8 * 1024 * 1024
TIMEOUT_S = 15.0
PAGE_VALIDATORS = 100
"""CometBFT's own limit."""
VALUE_BYTES_MAX = 4 * 1024 * 1024
SIBLINGS_MAX = 64
QUERY_LOG_CHARACTERS_MAX = 300

ENGINE_RPC_PATH = "/sidewarden/v1/engine/rpc"
STATE_PROOF_TYPE = "sidewarden:section"
"""The one kind of proof operation that our application gives: siblings, one after another."""


@dataclass(frozen=True, slots=True)
class StateAnswer:
    """A node's answer to a query of the state. Nothing is verified."""

    code: int
    """0, or 1 with the reason in `log`, or 2: ask again."""
    log: str
    height: int
    """The block after which the state is like that, as the node says."""
    value: bytes
    siblings: tuple[Hash32, ...]


def engine_rpc(url: str) -> str:
    """Where a node passes CometBFT's reading calls on: an API's URL gets that path, one with a path is as it is."""
    return url if urlsplit(url).path else url + ENGINE_RPC_PATH


class NodeRpc:
    """One node. Raises SourceFailed whenever it gives no answer of the right form."""

    def __init__(self, url: str, position: int, transport: Transport, timeout_s: float = TIMEOUT_S) -> None:
        """`position` tells nodes of one host apart. Raises ValueError if the URL is none of HTTP."""
        self.label = label_of(url, position)
        self._timeout_s = timeout_s
        self._endpoint = Endpoint(url, self.label, transport, REPLY_BYTES_MAX, 1, asyncio.Semaphore(1))

    async def light_block(self, height: int | None = None) -> LightBlock:
        """The block of a height, or the newest."""
        header, commit = await self._signed_header(height)
        return LightBlock(header, commit, await self._validators(header.height))

    async def header(self, height: int) -> Header:
        """The header of a height, for comparing."""
        return (await self._signed_header(height))[0]

    async def query(self, path: str) -> StateAnswer:
        """What the node says of its application's state, with a proof where there is one."""
        result = as_object(
            await self._ask("abci_query", {"path": path, "data": "", "height": "0", "prove": True}), "abci_query"
        )
        response = as_object(result.get("response"), "response")
        log = response.get("log") or ""
        return StateAnswer(
            code=as_small(response.get("code", 0), "response.code"),
            log=as_text(log, "response.log", QUERY_LOG_CHARACTERS_MAX),
            height=as_number(response.get("height"), "response.height"),
            value=as_base64(response.get("value"), "response.value", VALUE_BYTES_MAX),
            siblings=_siblings_of(response.get("proofOps")),
        )

    async def _signed_header(self, height: int | None) -> tuple[Header, Commit]:
        result = await self._ask("commit", {} if height is None else {"height": str(height)})
        signed = as_object(as_object(result, "commit").get("signed_header"), "signed_header")
        header, commit = header_of(signed.get("header")), commit_of(signed.get("commit"))
        if height is not None and header.height != height:
            raise SourceFailed(f"{self.label}: asked for header {height}, it shows {header.height}")
        return header, commit

    async def _validators(self, height: int) -> tuple[EngineValidator, ...]:
        found: list[EngineValidator] = []
        total, page = 1, 1
        while len(found) < total:
            parameters = {"height": str(height), "page": str(page), "per_page": str(PAGE_VALIDATORS)}
            result = await self._ask("validators", parameters)
            fields = as_object(result, "validators")
            items = as_items(fields.get("validators"), "validators", PAGE_VALIDATORS)
            total = as_number(fields.get("total"), "validators.total")
            if not items or total > VALIDATORS_MAX or len(found) + len(items) > total:
                raise SourceFailed(f"{self.label}: its pages of validators make no set")
            found += [validator_of(item, f"validators[{len(found) + place}]") for place, item in enumerate(items)]
            page += 1
        return tuple(found)

    async def _ask(self, method: str, params: Mapping[str, object]) -> object:
        try:
            async with asyncio.timeout(self._timeout_s):
                return (await self._endpoint.post(RpcCall(method, params))).value
        except TimeoutError:
            raise SourceFailed(f"{self.label}: no answer to {method} in {self._timeout_s:g} s") from None
        except ChainError as error:
            raise SourceFailed(f"{method}: {error}") from error


def _siblings_of(value: object) -> tuple[Hash32, ...]:
    ops = as_items(as_object(value or {}, "proofOps").get("ops") or [], "proofOps.ops", 1)
    if not ops:
        return ()
    op = as_object(ops[0], "proofOps.ops[0]")
    if op.get("type") != STATE_PROOF_TYPE:
        raise SourceFailed(f"proofOps.ops[0].type: expected {STATE_PROOF_TYPE}")
    data = as_base64(op.get("data"), "proofOps.ops[0].data", 32 * SIBLINGS_MAX)
    if len(data) % 32:
        raise SourceFailed("proofOps.ops[0].data: expected hashes of 32 bytes, one after another")
    return tuple(Hash32(data[start : start + 32]) for start in range(0, len(data), 32))
