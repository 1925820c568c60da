"""The burn service: status of every burn in a transaction, and proofs, each verified before it is given out.

Status and proof cannot disagree: both are judged at the same confirmed blocks, and a burn is READY only once its leaf
was found under the root that the root chain has. What was READY or EXITED stays so, for confirmed blocks do not go
back. Identical questions asked at once cost one; the number of RPC calls of each is bounded; a finished proof is kept
and costs none.

An answer that is provably false, or that an endpoint no longer holds, is asked for again from the next endpoint, so
one that lies costs time and no answer; EndpointFault leaves the service when no endpoint is left. That is why the
readers of the views must be the service's own (`ChainReader.twin`): it changes the order of their endpoints.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.burns.blocks import CheckpointedBlock
from bridge.burns.errors import (
    BlockNotCheckpointed,
    BurnNotFound,
    BurnNotReady,
    EndpointFault,
    RootChainUnknown,
)
from bridge.burns.finished import FinishedProofs
from bridge.burns.judging import RootJudge, confirmed_point, root_block
from bridge.burns.keeping import Keep, MemoryKeep
from bridge.burns.kinds import burns_in
from bridge.burns.paid import PaidExits
from bridge.burns.proving import Heads, Prover
from bridge.burns.ranges import ProvedRanges
from bridge.burns.report import BurnProof, BurnsReport, BurnStatus, CheckpointOnRoot
from bridge.burns.reporting import JudgedOnRoots, report_of, report_of_absent
from bridge.burns.sharing import SharedWork, SharingLimits
from bridge.burns.transactions import Absence, MinedBurns, TransactionFinder
from bridge.burns.views import RootView, SideView
from bridge.chain.clock import Clock
from bridge.codec import merkle
from bridge.codec.types import BlockNumber, Hash32

Answer = TypeVar("Answer")

KEEP_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What the service takes on."""

    sharing: SharingLimits = field(default_factory=SharingLimits)
    burns_max: int = 64
    """Burns of one transaction that are judged."""
    payload_bytes_max: int = 16 * 1024 * 1024
    """Of all payloads that are asked for at once; one alone may be larger."""


class BurnService:
    """Burns of one side chain, on any number of root chains."""

    def __init__(
        self,
        side: SideView,
        roots: Sequence[RootView],
        clock: Clock,
        limits: ServiceLimits | None = None,
        keep: Keep | None = None,
    ) -> None:
        """`keep` outlives a restart if it is one on disk; left out, everything is kept in memory."""
        self._limits = limits or ServiceLimits()
        keep = keep or MemoryKeep(KEEP_BYTES)
        sharing = self._limits.sharing
        self.clock = clock
        self._side = side
        self._roots = tuple(roots)
        self._pools = (side.reader.pool, *(root.reader.pool for root in roots))
        self._transactions = TransactionFinder(side, self._checkpointed, keep, sharing)
        self._ranges = ProvedRanges(side.blocks, keep, sharing)
        self._judges = tuple(RootJudge(root, side, self._ranges, PaidExits(root, keep), clock) for root in roots)
        self._finished = FinishedProofs(side, roots, keep)
        self._prover = Prover(self._judges, self._finished, self._limits.payload_bytes_max)
        self._reports: SharedWork[Hashable, BurnsReport] = SharedWork(sharing, keep=_stands_with_heads)
        self._proofs: SharedWork[Hashable, tuple[BurnProof, ...]] = SharedWork(sharing, keep=lambda _: False)

    @property
    def root_chains(self) -> tuple[str, ...]:
        """The names of the root chains."""
        return tuple(root.name for root in self._roots)

    def heads(self) -> Heads:
        """The blocks that a question is judged at now. Raises CannotTell before the first."""
        side = confirmed_point(self._side.headers, "side chain")
        return Heads(side, tuple(judge.confirmed() for judge in self._judges))

    async def burns(self, transaction: Hash32) -> BurnsReport:
        """Every burn of a transaction with its status. Raises CannotTell, EndpointFault, Busy."""
        heads = self.heads()
        return await self._from_any_endpoint(
            lambda: self._reports.result((transaction, heads), lambda: self._report(transaction, heads))
        )

    async def proof(
        self, transaction: Hash32, log_index: int | None = None, root_chain: str | None = None
    ) -> BurnProof:
        """The verified exit payload of one burn.

        `log_index` counts the logs of the receipt and may be left out if there is one burn; `root_chain` may be left
        out if only one pays for it. Raises any BurnError.
        """
        only = self.root_chains[0] if len(self.root_chains) == 1 else None
        named = root_chain or only
        if log_index is not None and named in self.root_chains:
            kept = self._finished.get(transaction, log_index, named)
            if kept is not None:
                return kept

        async def prove(found: MinedBurns, heads: Heads) -> tuple[BurnProof, ...]:
            return (await self._prover.prove_burn(found, log_index, root_chain, heads),)

        return (await self._proved(transaction, (transaction, log_index, root_chain), prove))[0]

    async def exit_payload(
        self, transaction: Hash32, signature: Hash32, token_index: int, root_chain: str
    ) -> BurnProof:
        """The proof of a log named as matic.js names it: by its event, and its place among the logs of that event.

        Raises EventNotFound, TokenIndexTooLarge, and any other BurnError.
        """

        async def prove(found: MinedBurns, heads: Heads) -> tuple[BurnProof, ...]:
            return await self._prover.prove_event(found, signature, token_index, root_chain, heads)

        return (await self._proved(transaction, (transaction, signature, token_index, root_chain), prove))[0]

    async def exit_payloads(self, transaction: Hash32, signature: Hash32, root_chain: str) -> tuple[BurnProof, ...]:
        """The proofs of all logs of an event. Raises EventNotFound, TokenIndexNeeded, and any other BurnError."""

        async def prove(found: MinedBurns, heads: Heads) -> tuple[BurnProof, ...]:
            return await self._prover.prove_event(found, signature, None, root_chain, heads)

        return await self._proved(transaction, (transaction, signature, root_chain), prove)

    async def block_included(self, number: BlockNumber, root_chain: str) -> CheckpointOnRoot:
        """The checkpoint that holds a side-chain block. Raises BlockNotCheckpointed, CannotTell, EndpointFault."""
        heads = self.heads()
        place = self._place(root_chain)
        judge, at = self._judges[place], heads.roots[place]

        async def find() -> CheckpointOnRoot:
            found = await judge.holding(number, at)
            if found is None:
                raise BlockNotCheckpointed(f"no confirmed checkpoint of {root_chain} holds block {number} yet")
            return found

        return await self._from_any_endpoint(find)

    async def block_proof(
        self, number: BlockNumber, start: BlockNumber, end: BlockNumber, root_chain: str
    ) -> tuple[Hash32, ...]:
        """The siblings of a block's leaf in the checkpoint start … end. Raises BlockNotCheckpointed as above."""
        checkpoint = await self.block_included(number, root_chain)
        if (checkpoint.start, checkpoint.end) != (start, end):
            raise BlockNotCheckpointed(
                f"block {number} is in the checkpoint of blocks {checkpoint.start} to {checkpoint.end},"
                f" not of {start} to {end}"
            )
        endpoint = self._roots[self._place(root_chain)].reader.pool.latest_label
        proved = await self._from_any_endpoint(lambda: self._ranges.proved(checkpoint, endpoint))
        siblings = proved.proof(number)
        if not merkle.verify(proved.block(number).leaf, number - start, siblings, checkpoint.root):
            raise ArithmeticError(f"the tree over blocks {start} to {end} does not prove block {number}")
        return siblings

    async def close(self) -> None:
        """Stop what is running."""
        await self._proofs.close()
        await self._reports.close()
        await self._ranges.close()
        await self._transactions.close()

    async def _proved(
        self,
        transaction: Hash32,
        question: Hashable,
        prove: Callable[[MinedBurns, Heads], Awaitable[tuple[BurnProof, ...]]],
    ) -> tuple[BurnProof, ...]:
        """The answer to a question for proofs: the one given before, or a new one."""
        before = self._finished.asked(question)
        if before is not None:
            return (before,)
        heads = self.heads()

        async def make() -> tuple[BurnProof, ...]:
            found = await self._transactions.find(transaction, heads.side)
            if isinstance(found, Absence):
                report = report_of_absent(transaction, found, self._transactions.seen_in(transaction), ())
                if report.status is BurnStatus.NOT_FOUND:
                    raise BurnNotFound(report.text)
                raise BurnNotReady(report.text, report.status, None)
            return await prove(found, heads)

        proofs = await self._from_any_endpoint(lambda: self._proofs.result((question, heads), make))
        if len(proofs) == 1:
            self._finished.answered(question, proofs[0])
        return proofs

    def _place(self, root_chain: str) -> int:
        if root_chain not in self.root_chains:
            raise RootChainUnknown(f"there is no root chain {root_chain}; there are: {', '.join(self.root_chains)}")
        return self.root_chains.index(root_chain)

    async def _checkpointed(self, number: BlockNumber) -> CheckpointedBlock | None:
        """A block under a checkpoint of a book, as its range has it."""
        for root in self._roots:
            booked = None if root.book is None else root.book.holding(number)
            if booked is not None:
                return (await self._ranges.proved(booked, root.reader.pool.latest_label)).block(number)
        return None

    async def _from_any_endpoint(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer to a question, asked again without the endpoint that was at fault while there is another."""
        for _ in range(sum(len(pool.endpoints) - 1 for pool in self._pools)):
            try:
                return await ask()
            except EndpointFault as error:
                demoted = [pool.demote(error.endpoint) for pool in self._pools]  # all: a host may serve two chains
                if not any(demoted):
                    raise
                for judge in self._judges:
                    judge.forget()
        return await ask()

    async def _report(self, transaction: Hash32, heads: Heads) -> BurnsReport:
        judged_at = tuple(root_block(judge.view.name, at) for judge, at in zip(self._judges, heads.roots, strict=True))
        found = await self._transactions.find(transaction, heads.side)
        if isinstance(found, Absence):
            return report_of_absent(transaction, found, self._transactions.seen_in(transaction), judged_at)
        burns = burns_in(found.receipt)
        chosen = burns[: self._limits.burns_max]
        judged = await asyncio.gather(
            *(judge.judge(found, chosen, at, heads.side) for judge, at in zip(self._judges, heads.roots, strict=True))
        )
        return report_of(JudgedOnRoots(found, chosen, judged, len(burns) - len(chosen)), judged_at)


def _stands_with_heads(report: BurnsReport) -> bool:
    """Only these stay as they are while the heads stand still; what is in no confirmed block may come into another."""
    return report.status in (BurnStatus.NOT_CHECKPOINTED, BurnStatus.READY, BurnStatus.EXITED)
