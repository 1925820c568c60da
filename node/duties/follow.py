"""The follow duties: one chain's headers into the store, and a root chain's confirmed logs into steps.

Trouble with a chain is a value here (`trouble`), shown by status; a duty that cannot see says nothing.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bridge.chain.clock import Clock
from bridge.chain.errors import ChainError
from bridge.chain.feed import FeedPosition, Quiet, Scan, StepBuilder
from bridge.chain.header_store import BlockPoint
from bridge.chain.headers import HeaderFollower, ReorgBelowConfirmed
from bridge.chain.reader import ChainReader
from bridge.codec.errors import AbiError
from bridge.codec.events import Event, decode_event
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds
from node.app.state import Committed, State
from node.duties.roots import RangeRoots

SKIPPED_MIN = 50_000
"""A node that got its state from a snapshot leaves out the headers before it, if there are more than these."""
ROOT_HEADERS_KEPT = 8_192
"""Headers of a root chain kept below the oldest step that a re-anchoring may go back to."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LookRhythm:
    """How often a chain is asked for its head: a block of the engine is a reason to think anew, not to ask anew."""

    clock: Clock
    every_s: float


class FollowHeaders:
    """Keeps the headers of one chain; also through a reorg below the confirmed block, if two endpoints show it."""

    def __init__(self, chain: str, follower: HeaderFollower, reader: ChainReader, rhythm: LookRhythm) -> None:
        self.chain = chain
        self.name = f"follow {chain}"
        self.follower = follower
        self.reader = reader
        self.trouble: str | None = None
        """Why the chain could not be read last time: an error's code and words."""
        self.deep_reorgs = 0
        """How often confirmed blocks were replaced since the start."""
        self._rhythm = rhythm
        self._next_look_s = rhythm.clock.monotonic()

    @property
    def head(self) -> BlockPoint | None:
        """The newest block."""
        return self.follower.head

    @property
    def confirmed(self) -> BlockPoint | None:
        """The highest confirmed block."""
        return self.follower.confirmed

    async def run_once(self) -> bool:
        """Take in the next headers, once it is time to look again."""
        now_s = self._rhythm.clock.monotonic()
        if now_s < self._next_look_s:
            return False
        more = await self._look()
        if not more:
            self._next_look_s = now_s + self._rhythm.every_s
        return more

    def needed_from(self) -> BlockNumber | None:
        """The first block that the committed state still needs, if it needs any."""
        return None

    def _leave_out(self) -> None:
        """Skip what came before a state that was not made by following, but fetched."""
        needed = self.needed_from()
        if needed is not None and needed - self.follower.next_number > SKIPPED_MIN:
            log.info("older headers are left out", extra={"chain": self.chain, "from": needed})
            self.follower.begin_at(needed)

    async def _look(self) -> bool:
        self._leave_out()
        try:
            report = await self.follower.advance()
            if report.below_confirmed is not None:
                await self._follow_deep_reorg(report.below_confirmed)
        except ChainError as error:
            self.trouble = f"{error.code}: {error}"
            return False
        self.trouble = None
        return report.more

    async def _follow_deep_reorg(self, reorg: ReorgBelowConfirmed) -> None:
        """Accept another confirmed chain, unless a second endpoint still has ours: then one of the two lies or lags.

        Both are asked afresh through a twin of the reader: which endpoint showed the reorg may be long ago. And each
        has to show first that it still serves this chain: what looks like a deep reorg may be another network.
        """
        self.reader.pool.doubt()
        first = self.reader.twin()
        seen = await first.header(reorg.number)
        second = first.second()
        seconded = seen if second is None else await second.header(reorg.number)
        if seen is None or seconded is None or not seen.hash == seconded.hash == reorg.new_hash:
            raise ChainError(f"two endpoints of {self.chain} differ about confirmed block {reorg.number}")
        self.deep_reorgs += 1
        log.warning("confirmed block replaced", extra={"chain": self.chain, "number": reorg.number})
        await self.follower.accept_reorg()


class FollowSide(FollowHeaders):
    """The side chain: headers into leaves, and the roots of the ranges under way."""

    def __init__(
        self,
        follower: HeaderFollower,
        reader: ChainReader,
        committed: Callable[[], Committed],
        blocks_max: int,
        rhythm: LookRhythm,
    ) -> None:
        """`blocks_max` is the longest range that any root chain allows."""
        super().__init__("side", follower, reader, rhythm)
        self.roots = RangeRoots(follower.store, blocks_max)
        self._committed = committed

    async def run_once(self) -> bool:
        """Take in headers, and hash what is confirmed of the next ranges."""
        more = await super().run_once()
        for start in next_starts(self._committed().state):
            self.roots.warm(start)
        return more

    def needed_from(self) -> BlockNumber | None:
        """The start of the earliest next checkpoint: every block before it is on all root chains."""
        return min(next_starts(self._committed().state), default=None)

    def hash_at(self, number: BlockNumber) -> Hash32 | None:
        """The hash of a confirmed block, or None where this node cannot tell."""
        confirmed = self.follower.store.confirmed()
        header = self.follower.store.header(number)
        return None if confirmed is None or header is None or number > confirmed else header.hash


@dataclass(frozen=True, slots=True)
class RootView:
    """What this node can prove about a root chain beyond the committed cursor, for the position that it names."""

    position: FeedPosition
    scan: Scan
    quiet: Quiet | None
    """Set while this node may say that the chain was quiet up to `deadline`."""
    deadline: UnixSeconds | None
    conflict: Hash32 | None
    """This node's confirmed hash at the cursor's block, if it is another one than the state's."""

    def coming_events(self) -> Iterator[Event]:
        """What the proved steps say, in order; logs that are no event of ours, or malformed, are passed over."""
        for found in self.scan.steps:
            for feed_log in found.step.logs:
                try:
                    event = decode_event(feed_log)
                except AbiError:
                    continue
                if event is not None:
                    yield event


class FollowRoot(FollowHeaders):
    """A root chain: headers, and from them the steps, the quiet and the conflict that this node may speak of."""

    def __init__(
        self,
        index: int,
        name: str,
        follower: HeaderFollower,
        reader: ChainReader,
        builder: StepBuilder,
        committed: Callable[[], Committed],
        rhythm: LookRhythm,
    ) -> None:
        """`builder` reads the feed over the follower's headers."""
        super().__init__(name, follower, reader, rhythm)
        self.index = index
        self.view: RootView | None = None
        self.contract_seen = False
        """Whether the contracts' code was looked at since the start; nothing is signed for them before."""
        self.contract_changed: str | None = None
        """What changed in the contracts behind our backs: nothing is signed for them until the operator confirms it."""
        self._builder = builder
        self._committed = committed

    async def run_once(self) -> bool:
        """Take in headers, then bring the view up to the committed position."""
        more = await super().run_once()
        state = self._committed().state
        position = feed_position(state, self.index)
        scan = await self._builder.next_steps(position)
        deadline = state.turns[self.index].deadline
        quiet = None if deadline is None else await self._builder.quiet_after(position, deadline)
        self.view = RootView(
            position=position,
            scan=scan,
            quiet=quiet if isinstance(quiet, Quiet) else None,
            deadline=deadline,
            conflict=self._builder.conflict(position.cursor),
        )
        self._prune()
        return more

    async def steps_from(self, position: FeedPosition) -> Scan:
        """The steps after another position than the feed's own, which keeps its place."""
        return await self._builder.fresh().next_steps(position)

    def needed_from(self) -> BlockNumber | None:
        """The oldest step that a re-anchoring may go back to."""
        feed = self._committed().state.feeds[self.index]
        return feed.applied[0].block_number if feed.applied else feed.cursor.number

    def _prune(self) -> None:
        oldest, first = self.needed_from(), self.follower.store.first()
        if oldest is not None and first is not None and oldest - first.number > 2 * ROOT_HEADERS_KEPT:
            self.follower.store.prune_below(BlockNumber(oldest - ROOT_HEADERS_KEPT))


def feed_position(state: State, root_chain: int) -> FeedPosition:
    """Where a root chain's feed stands in a state."""
    feed = state.feeds[root_chain]
    return FeedPosition(
        root_chain=root_chain,
        generation=feed.generation,
        filter=feed.filter,
        cursor=feed.cursor,
        next_step=feed.step_number,
        digest=feed.digest,
    )


def next_starts(state: State) -> tuple[BlockNumber, ...]:
    """The first block of each root chain's next checkpoint, without repetitions."""
    return tuple(dict.fromkeys(turn.next_start for turn in state.turns if turn.next_start is not None))
