"""Proofs: which log and which root chain are meant, the payload that was verified, and what is kept of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.burns.contracts import RootContracts
from bridge.burns.doors import Door
from bridge.burns.errors import (
    BurnNotFound,
    BurnNotReady,
    EndpointFalse,
    EventNotFound,
    LogIndexNeeded,
    LogNotABurn,
    RootChainNeeded,
    RootChainUnknown,
    TokenIndexNeeded,
    TokenIndexTooLarge,
)
from bridge.burns.finished import FinishedProofs
from bridge.burns.judging import RootJudge
from bridge.burns.kinds import FoundBurn, burns_in, log_at, matching_logs
from bridge.burns.payloads import build_payload
from bridge.burns.report import BurnProof, BurnStatus
from bridge.burns.transactions import MinedBurns
from bridge.chain.header_store import BlockPoint
from bridge.codec.errors import PayloadError
from bridge.codec.exit_payload import branch_mask, exit_hash
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Hash32

RECEIPTS_AT_ONCE = 512
"""A proof over more receipts takes tens of milliseconds, so it is made in a thread."""


@dataclass(frozen=True, slots=True)
class Heads:
    """The confirmed blocks that one question is judged at: of the side chain, and of each root chain in order."""

    side: BlockPoint
    roots: tuple[BlockPoint, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """A log of a transaction on its way out through a root chain; `door` is None where nobody there pays for it."""

    log_index: int
    judge: RootJudge
    at: BlockPoint
    door: Door | None


class Prover:
    """Makes proofs of logs that were found."""

    def __init__(self, judges: Sequence[RootJudge], finished: FinishedProofs, payload_bytes_max: int) -> None:
        """`payload_bytes_max` limits the payloads of one question together."""
        self._judges = tuple(judges)
        self._finished = finished
        self._payload_bytes_max = payload_bytes_max

    async def prove_burn(
        self, found: MinedBurns, log_index: int | None, root_chain: str | None, heads: Heads
    ) -> BurnProof:
        """The proof of one burn. Raises any BurnError."""
        burns = [burn for burn in burns_in(found.receipt) if log_index is None or burn.log_index == log_index]
        doors = [await judge.doors(burns, at) for judge, at in zip(self._judges, heads.roots, strict=True)]
        exitable = [place for place in range(len(burns)) if any(of_root[place] is not None for of_root in doors)]
        place = _only(found, [burns[place] for place in exitable], exitable, log_index)
        ways = tuple(
            _Way(burns[place].log_index, judge, at, of_root[place])
            for judge, at, of_root in zip(self._judges, heads.roots, doors, strict=True)
            if of_root[place] is not None
        )
        return await self._prove(found, _chosen(ways, root_chain), heads)

    async def prove_event(
        self, found: MinedBurns, signature: Hash32, token_index: int | None, root_chain: str, heads: Heads
    ) -> tuple[BurnProof, ...]:
        """The proof of the log at `token_index` among those of an event, as matic.js counts; of all if it is None.

        Whether anybody pays for such a log is not asked. Raises any BurnError.
        """
        receipt = found.receipt
        chosen = matching_logs(receipt, signature)
        if not chosen:
            raise EventNotFound(f"{to_hex(found.transaction_hash)} has no burn log of event {to_hex(signature)}")
        if token_index is not None:
            named = log_at(receipt, signature, token_index)
            if named is None:
                raise TokenIndexTooLarge(f"there are {len(chosen)} such logs; token index {token_index} is too large")
            chosen = (named,)
        judge, at = self._judge(root_chain, heads)
        by_log = {burn.log_index: burn for burn in burns_in(receipt) if burn.log_index in chosen}
        doors = dict(zip(by_log, await judge.doors(tuple(by_log.values()), at), strict=True))
        proofs: list[BurnProof] = []
        for index in chosen:
            proofs.append(await self._prove(found, _Way(index, judge, at, doors.get(index)), heads))
            if len(chosen) > 1 and len(proofs[0].payload) * len(chosen) > self._payload_bytes_max:
                raise TokenIndexNeeded(f"{len(chosen)} payloads are too much at once; ask for each by its token index")
        return tuple(proofs)

    def _judge(self, root_chain: str, heads: Heads) -> tuple[RootJudge, BlockPoint]:
        for judge, at in zip(self._judges, heads.roots, strict=True):
            if judge.view.name == root_chain:
                return judge, at
        raise RootChainUnknown(f"there is no root chain {root_chain}")

    async def _prove(self, found: MinedBurns, way: _Way, heads: Heads) -> BurnProof:
        name = way.judge.view.name
        is_burn = way.door is not None  # so that a log that nobody pays for is not found as a burn's proof
        before = self._finished.get(found.transaction_hash, way.log_index, name) if is_burn else None
        if before is not None:
            return before
        number = found.block.number
        is_confirmed = number <= heads.side.number
        checkpoint = await way.judge.holding(number, way.at) if is_confirmed else None
        if checkpoint is None:
            status = BurnStatus.NOT_CHECKPOINTED if is_confirmed else BurnStatus.PENDING
            waits = await way.judge.to_go(number, way.at, heads.side)
            raise BurnNotReady(f"the burn is {status}; ask again when it is READY", status, waits)
        proved = await way.judge.proved(found.block, checkpoint)
        arguments = (found, way.log_index, checkpoint, proved)
        try:
            if len(found.within.values) > RECEIPTS_AT_ONCE:
                payload = await asyncio.to_thread(build_payload, *arguments)
            else:
                payload = build_payload(*arguments)
        except PayloadError as error:
            endpoint = way.judge.view.reader.pool.latest_label
            raise EndpointFalse(f"what it said does not make a proof: {error}", endpoint) from error
        proof = BurnProof(
            transaction_hash=found.transaction_hash,
            log_index=way.log_index,
            root_chain=name,
            payload=payload,
            exit_contract=None if way.door is None else way.door.contract,
            exit_function="exit(bytes)" if way.door is None else way.door.function,
            exit_hash=exit_hash(number, branch_mask(found.transaction_index), way.log_index),
            block_number=number,
            block_hash=found.within.block_hash,
            checkpoint=checkpoint,
            simulated=await _simulated(way, payload),
        )
        if is_burn:
            self._finished.put(proof)
        return proof


async def _simulated(way: _Way, payload: bytes) -> bool:
    if way.door is None or way.door.contract is None:
        return False
    contracts = RootContracts(way.judge.view, way.at)
    return await contracts.simulate(way.door.contract, way.door.function, payload, way.door.sender)


def _only(found: MinedBurns, burns: Sequence[FoundBurn], places: Sequence[int], log_index: int | None) -> int:
    """The place of the one burn that is meant."""
    if len(burns) == 1:
        return places[0]
    if log_index is not None:
        raise LogNotABurn(
            f"log {log_index} of {to_hex(found.transaction_hash)} is no burn that a root chain pays for;"
            " log_index counts the receipt's logs from 0"
        )
    if not burns:
        raise BurnNotFound("the transaction burns nothing that a root chain could pay out")
    indexes = ", ".join(str(burn.log_index) for burn in burns)
    raise LogIndexNeeded(f"the transaction has several burns; name one by log_index: {indexes}")


def _chosen(ways: Sequence[_Way], root_chain: str | None) -> _Way:
    names = ", ".join(way.judge.view.name for way in ways)
    if root_chain is None:
        if len(ways) > 1:
            raise RootChainNeeded(f"the burn can be exited on several root chains; name one by root_chain: {names}")
        return ways[0]
    for way in ways:
        if way.judge.view.name == root_chain:
            return way
    raise RootChainUnknown(f"the burn cannot be exited on {root_chain}; it can on: {names}")
