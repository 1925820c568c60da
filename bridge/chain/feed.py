"""The next steps of a root chain's feed, each proved from headers (docs/protocol.md P3).

    builder = StepBuilder(reader, store, anchor_blocks=1024)
    scan = await builder.next_steps(position)     # position: the feed's place in the committed state
    for found in scan.steps: found.step, found.digest
    scan.cannot_tell                              # why it goes no further, if something is in the way

A step is named only over headers of the store that are linked from the cursor's hash and confirmed; a header without a
hit in its bloom has no match; a block with a hit is read whole, its receipts checked against the header's receiptsRoot.
So an endpoint that hides, delays or empties its answers can only make us say nothing. What was scanned is remembered
between calls, and the headers are in the store, so neither polling nor a restart fetches them again.
"""

from collections import deque
from dataclasses import dataclass, field

from bridge.chain.errors import ChainError
from bridge.chain.header_store import BlockPoint, HeaderStore, StoredHeader
from bridge.chain.reader import ChainReader
from bridge.codec.feed import (
    DONE_INDEX,
    Cursor,
    FeedLog,
    FilterEntry,
    Step,
    cursor_after,
    header_may_match,
    matching_logs,
    next_digest,
    steps_of_block,
)
from bridge.codec.trie import EMPTY_TRIE_ROOT
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds

STEPS_MAX = 64
HEADERS_PER_CALL = 2_000
HEADERS_PER_READ = 500
RECEIPTS_PER_CALL = 64
ANCHOR_DEPTH_BLOCKS = 256
"""An anchor that no match follows is named only this deep below the confirmed head: no reorg need conflict with it."""


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """Where a root chain's feed stands in the committed state: everything that the next step depends on."""

    root_chain: int
    generation: int
    filter: tuple[FilterEntry, ...]
    cursor: Cursor
    next_step: int
    """The number of the step that comes next."""
    digest: Hash32
    """Of the last applied step, or the genesis digest of the generation."""


@dataclass(frozen=True, slots=True)
class DigestedStep:
    """A step and the digest of the chain of steps that it ends."""

    step: Step
    digest: Hash32


@dataclass(frozen=True, slots=True)
class CannotTell:
    """Nothing may be said yet. `code` is stable; `reason` is for people."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """The steps after a position, as far as they are proved; `cannot_tell` says why there are no more, if a reason."""

    steps: tuple[DigestedStep, ...]
    scanned: BlockPoint | None
    """The last block scanned since the position, if any."""
    cannot_tell: CannotTell | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """No matching log after the cursor stands in a block up to the deadline; the confirmed head is at `head_time`."""

    head_time: UnixSeconds


@dataclass(frozen=True, slots=True)
class NotQuiet:
    """A matching log after the cursor stands in a block at or before the deadline."""

    block_number: BlockNumber


@dataclass(slots=True)
class _Progress:
    """What has been scanned from a position on. `next_number` is the first block not scanned yet."""

    position: FeedPosition
    next_number: BlockNumber
    from_index: int
    """In that block: 0, or the cursor's index if the cursor stands inside it."""
    parent_hash: Hash32
    """What that block must name as its parent."""
    steps: list[DigestedStep] = field(default_factory=list)
    anchors: deque[StoredHeader] = field(default_factory=deque)
    """Anchors since the last match: not named yet."""
    scanned: BlockPoint | None = None

    def add_block(self, header: StoredHeader, logs: tuple[FeedLog, ...], *, is_anchor: bool) -> None:
        """Append a block's steps; digests and numbers continue from the last."""
        for step in steps_of_block(
            root_chain=self.position.root_chain,
            generation=self.position.generation,
            first_number=self.position.next_step + len(self.steps),
            block_number=header.number,
            block_hash=header.hash,
            block_time=header.timestamp,
            logs=logs,
            from_index=self.from_index,
            is_anchor=is_anchor,
        ):
            previous = self.steps[-1].digest if self.steps else self.position.digest
            self.steps.append(DigestedStep(step, next_digest(previous, step)))

    def release_anchors(self, up_to: BlockNumber | None = None) -> None:
        """Name the waiting anchors, all or those up to a number."""
        while self.anchors and (up_to is None or self.anchors[0].number <= up_to):
            self.add_block(self.anchors.popleft(), (), is_anchor=True)

    def moved_to(self, position: FeedPosition) -> bool:
        """Drop the steps that the state has applied meanwhile; False if the position is not among ours."""
        if position == self.position:
            return True
        if (position.generation, position.filter) != (self.position.generation, self.position.filter):
            return False
        for count, found in enumerate(self.steps, start=1):
            if found.digest == position.digest and cursor_after(found.step) == position.cursor:
                del self.steps[:count]
                self.position = position
                return found.step.number + 1 == position.next_step
        return False


class StepBuilder:
    """Reads one root chain's feed. One builder per root chain and validator; calls must not overlap."""

    def __init__(
        self, reader: ChainReader, store: HeaderStore, anchor_blocks: int, *, blooms_are_true: bool = True
    ) -> None:
        """`store` is the header follower's, with blooms; `anchor_blocks` is the network's parameter.

        Where a chain's blooms are not true, the receipts of every block that has any are read.
        """
        self._reader = reader
        self._store = store
        self._anchor_blocks = anchor_blocks
        self._blooms_are_true = blooms_are_true
        self._progress: _Progress | None = None

    def fresh(self) -> "StepBuilder":
        """Another builder over the same headers: it can scan from elsewhere without this one's losing its place."""
        return StepBuilder(self._reader, self._store, self._anchor_blocks, blooms_are_true=self._blooms_are_true)

    async def next_steps(self, position: FeedPosition) -> Scan:
        """The steps after a position, at most 64; the same bytes on every honest node. Never raises ChainError."""
        problem = await self._scan(position)
        progress = self._progress
        if progress is None:
            return Scan((), None, problem)
        return Scan(tuple(progress.steps[:STEPS_MAX]), progress.scanned, problem)

    async def quiet_after(self, position: FeedPosition, deadline: UnixSeconds) -> Quiet | NotQuiet | CannotTell:
        """Whether our contracts were silent from the position up to `deadline`, as the confirmed chain has it."""
        confirmed = self._confirmed()
        if confirmed is None or confirmed.timestamp <= deadline:
            return CannotTell("HEAD_NOT_BEYOND_DEADLINE", f"no confirmed block is later than {deadline}")
        problem = await self._scan(position)
        progress = self._progress
        if progress is None:
            return problem or CannotTell("NOT_SCANNED", "nothing was scanned yet")
        for found in progress.steps:
            if found.step.logs and found.step.block_time <= deadline:
                return NotQuiet(found.step.block_number)
        scanned = progress.scanned
        if progress.next_number > confirmed.number or (scanned is not None and scanned.timestamp > deadline):
            return Quiet(confirmed.timestamp)
        return problem or CannotTell("NOT_SCANNED", f"scanned up to block {progress.next_number - 1} so far")

    def conflict(self, cursor: Cursor) -> Hash32 | None:
        """Our confirmed hash at the cursor's number if it is not the cursor's; None if it is, or if we do not know."""
        confirmed = self._store.confirmed()
        held = self._store.header(cursor.number)
        if confirmed is None or held is None or cursor.number > confirmed or held.hash == cursor.hash:
            return None
        return held.hash

    def _may_match(self, position: FeedPosition, header: StoredHeader) -> bool:
        if self._blooms_are_true:
            return header_may_match(position.filter, header)
        return header.receipts_root != EMPTY_TRIE_ROOT

    def _confirmed(self) -> BlockPoint | None:
        number = self._store.confirmed()
        header = None if number is None else self._store.header(number)
        return None if header is None else header.point

    async def _scan(self, position: FeedPosition) -> CannotTell | None:
        """Bring `self._progress` to the confirmed head, or as near as one call's limits allow."""
        progress = self._progress = self._resume(position)
        confirmed = self._store.confirmed()
        if progress is None or confirmed is None:
            self._progress = None
            return self._why_not_from(position.cursor)
        receipts_left = RECEIPTS_PER_CALL
        last_number = BlockNumber(min(confirmed, progress.next_number + HEADERS_PER_CALL - 1))
        while progress.next_number <= last_number and len(progress.steps) < STEPS_MAX:
            count = min(HEADERS_PER_READ, last_number + 1 - progress.next_number)
            headers = self._store.headers(progress.next_number, count)
            if not headers:
                return CannotTell("HEADERS_NOT_HELD", f"header {progress.next_number} is not held")
            for header in headers:
                if header.parent_hash != progress.parent_hash:
                    self._progress = None
                    return CannotTell("CURSOR_OFF_CHAIN", f"block {header.number} does not link back to the cursor")
                is_hit = self._may_match(position, header)
                if len(progress.steps) >= STEPS_MAX or (is_hit and receipts_left == 0):
                    return None
                receipts_left -= is_hit
                problem = await self._read_block(progress, header, is_hit=is_hit)
                if problem is not None:
                    return problem
        progress.release_anchors(BlockNumber(confirmed - ANCHOR_DEPTH_BLOCKS))
        return None

    async def _read_block(self, progress: _Progress, header: StoredHeader, *, is_hit: bool) -> CannotTell | None:
        """Scan one block: its steps if it has a match, else it may be an anchor."""
        logs: tuple[FeedLog, ...] = ()
        if is_hit:
            try:
                receipts = await self._reader.receipts(header)
            except ChainError as error:
                return CannotTell(error.code, f"receipts of block {header.number}: {error}")
            logs = matching_logs(progress.position.filter, header.number, receipts)
        if any(log.index >= progress.from_index for log in logs):
            progress.release_anchors()
            progress.add_block(header, logs, is_anchor=False)
        elif progress.from_index == 0 and header.number % self._anchor_blocks == 0:
            progress.anchors.append(header)
        progress.next_number, progress.parent_hash = BlockNumber(header.number + 1), header.hash
        progress.from_index, progress.scanned = 0, header.point
        return None

    def _resume(self, position: FeedPosition) -> _Progress | None:
        """What was scanned from this position before, else a fresh start at the cursor; None if that is not ours."""
        progress = self._progress
        if progress is not None and progress.scanned is not None:
            held = self._store.header(progress.scanned.number)
            if held is not None and held.hash == progress.scanned.hash and progress.moved_to(position):
                return progress
        if self._why_not_from(position.cursor) is not None:
            return None
        cursor = position.cursor
        if cursor.next_index == DONE_INDEX:
            return _Progress(position, BlockNumber(cursor.number + 1), 0, cursor.hash)
        held = self._store.header(cursor.number)
        return None if held is None else _Progress(position, cursor.number, cursor.next_index, held.parent_hash)

    def _why_not_from(self, cursor: Cursor) -> CannotTell | None:
        """Why no step can be named from this cursor, if so."""
        held, confirmed = self._store.header(cursor.number), self._store.confirmed()
        if held is None:
            return CannotTell("CURSOR_NOT_HELD", f"no header is held at the cursor's block {cursor.number}")
        if held.hash != cursor.hash:
            return CannotTell("CURSOR_OFF_CHAIN", f"our block {cursor.number} is another one than the cursor's")
        if confirmed is None or confirmed < cursor.number:
            return CannotTell("CURSOR_NOT_CONFIRMED", f"the cursor's block {cursor.number} is not confirmed here")
        return None
