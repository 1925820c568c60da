"""Snapshots: a copy of the state in chunks, each of which is checked alone (docs/protocol.md P9).

The metadata is a manifest that proves itself against the app hash at once: all sections' leaves, and for each log what
it commits to before the first entry that is given, and the roots of the entries given in each chunk; joined they are
the log's section. So a wrong manifest is refused when it is offered, and a wrong chunk names its sender. First come the
sections, in pieces, then the logs' entries.

Neither height nor time is in here, for the app hash proves neither. The height is the one that the engine verified the
app hash for; no block depends on the time of the one before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.codec import rlp
from bridge.codec.errors import ProofError, RlpError
from bridge.codec.hash import keccak256
from bridge.codec.mmr import MountainRange
from bridge.codec.section_tree import tree_root
from bridge.codec.state_proof import leaf_of_hash
from bridge.codec.types import Hash32
from node.app import canonical
from node.app.abci import OfferSnapshotRequest, OfferSnapshotResult
from node.app.apphash import SECTION_NAMES, SECTION_VERSION, HashedState
from node.app.errors import EncodingError
from node.app.history import LOG_NAMES

FORMAT = 1
PIECE_BYTES = 1024 * 1024
"""A section beyond it is split."""
CHUNK_ENTRIES = 64
"""Entries of a log in a chunk: a whole mountain of its range, but for the last chunk."""
HISTORY_ENTRIES_MIN = 1_024
"""The last entries of each log are in every snapshot."""
HISTORY_BYTES_MAX = 32 * 1024 * 1024
"""Older entries of a log are given as long as all that is given of it stays below."""
METADATA_BYTES_MAX = 2 * 1024 * 1024
SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024
"""Of all chunks together, which wait in memory until the last one is there."""


@dataclass(frozen=True, slots=True)
class SectionPart:
    """A section: what its leaf says, and the pieces in which it is given."""

    name: str
    version: int
    contents_hash: Hash32
    size_bytes: int
    pieces: tuple[Hash32, ...]
    """keccak256 of each PIECE_BYTES; told by the sender, and proved only by the whole."""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Some entries of a log that follow one another."""

    range: MountainRange
    """Over these entries alone."""
    size_bytes: int
    """Of the chunk: the RLP list of the entries."""


@dataclass(frozen=True, slots=True)
class LogPart:
    """The end of a log."""

    log: str
    before: MountainRange
    """Over the entries that are not given; their number is a multiple of CHUNK_ENTRIES."""
    chunks: tuple[LogChunk, ...]

    @property
    def whole(self) -> MountainRange:
        """Over all entries. Raises ProofError if the chunks do not stand behind one another."""
        joined = self.before
        for chunk in self.chunks:
            joined = joined.join(chunk.range)
        return joined


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot consists of; its canonical encoding is the metadata."""

    sections: tuple[SectionPart, ...]
    logs: tuple[LogPart, ...]

    @property
    def piece_count(self) -> int:
        """How many chunks are pieces of sections; the logs' chunks follow."""
        return sum(len(section.pieces) for section in self.sections)

    @property
    def chunk_count(self) -> int:
        """How many chunks there are."""
        return self.piece_count + sum(len(log.chunks) for log in self.logs)

    def log_chunk(self, number: int) -> tuple[LogPart, int]:
        """The log to which a chunk belongs that is no section's, and its place there."""
        place = number - self.piece_count
        for log in self.logs:
            if place < len(log.chunks):
                return log, place
            place -= len(log.chunks)
        raise IndexError(f"no chunk {number}")


class SnapshotRefused(Exception):
    """An offered snapshot will not do; the text is for our own log."""

    def __init__(self, result: OfferSnapshotResult, why: str) -> None:
        super().__init__(why)
        self.result = result


ReadEntries = Callable[[int, int], Sequence[bytes]]
"""Entries of a log from an index on, at most so many."""


def section_parts(hashed: HashedState) -> tuple[SectionPart, ...]:
    """The sections of a state as a manifest has them."""
    return tuple(
        SectionPart(
            section.name,
            section.version,
            keccak256(section.contents),
            len(section.contents),
            tuple(map(keccak256, split(section.contents))),
        )
        for section in hashed.sections
    )


def split(contents: bytes) -> tuple[bytes, ...]:
    """A section's pieces."""
    return tuple(contents[start : start + PIECE_BYTES] for start in range(0, len(contents), PIECE_BYTES))


def next_log_part(previous: LogPart, count: int, read: ReadEntries) -> LogPart:
    """The end of a log that now has `count` entries, from what an earlier snapshot gave of it.

    Whole chunks never change, so only what came since is read. The result depends on the log alone, so that the
    snapshots of all nodes with the whole log are equal.
    """
    before, chunks = previous.before, [chunk for chunk in previous.chunks if chunk.range.count == CHUNK_ENTRIES]
    for start in range(before.count + len(chunks) * CHUNK_ENTRIES, count, CHUNK_ENTRIES):
        entries = read(start, min(CHUNK_ENTRIES, count - start))
        chunks.append(LogChunk(_range_over(entries), len(encode_log_chunk(entries))))
    size = sum(chunk.size_bytes for chunk in chunks)
    while size > HISTORY_BYTES_MAX and count - before.count - CHUNK_ENTRIES >= HISTORY_ENTRIES_MIN:
        dropped = chunks.pop(0)
        before = before.join(dropped.range)
        size -= dropped.size_bytes
    return LogPart(previous.log, before, tuple(chunks))


def encode_log_chunk(entries: Sequence[bytes]) -> bytes:
    """The chunk with these entries."""
    return rlp.encode(tuple(entries))


def check_offer(offer: OfferSnapshotRequest) -> Manifest:
    """The manifest of an offered snapshot, proved against the app hash. Raises SnapshotRefused.

    What does not fit the app hash was never offered by an honest node: its senders are not asked again.
    """
    snapshot = offer.snapshot
    if snapshot.format != FORMAT:
        raise SnapshotRefused(OfferSnapshotResult.REJECT_FORMAT, f"format {snapshot.format}, not {FORMAT}")
    _require(len(snapshot.metadata) <= METADATA_BYTES_MAX, "the manifest is too large")
    _require(keccak256(snapshot.metadata) == snapshot.hash, "the hash is not that of the manifest")
    try:
        manifest = canonical.decode(Manifest, snapshot.metadata)
        _check_manifest(manifest, offer.app_hash)
    except (EncodingError, ProofError) as error:
        raise SnapshotRefused(OfferSnapshotResult.REJECT_SENDER, f"the manifest cannot be right: {error}") from error
    _require(snapshot.chunks == manifest.chunk_count, f"{snapshot.chunks} chunks instead of {manifest.chunk_count}")
    return manifest


def is_chunk(manifest: Manifest, number: int, contents: bytes) -> bool:
    """Whether these are the contents of the chunk with that number."""
    if number < manifest.piece_count:
        pieces = [(section, place) for section in manifest.sections for place in range(len(section.pieces))]
        section, place = pieces[number]
        size = min(PIECE_BYTES, section.size_bytes - place * PIECE_BYTES)
        return len(contents) == size and keccak256(contents) == section.pieces[place]
    log, place = manifest.log_chunk(number)
    chunk = log.chunks[place]
    if len(contents) != chunk.size_bytes:
        return False
    try:
        return _range_over(decode_log_chunk(contents)) == chunk.range
    except RlpError:
        return False


def decode_log_chunk(contents: bytes) -> tuple[bytes, ...]:
    """The entries in a chunk. Raises RlpError."""
    return tuple(rlp.as_bytes(entry) for entry in rlp.as_list(rlp.decode(contents)))


def _check_manifest(manifest: Manifest, app_hash: bytes) -> None:
    sections = manifest.sections
    _require(tuple(section.name for section in sections) == SECTION_NAMES, "other sections than this program's")
    leaves = [leaf_of_hash(section.name, section.version, section.contents_hash) for section in sections]
    _require(tree_root(leaves) == app_hash, "the sections do not have the app hash")
    if any(section.version != SECTION_VERSION for section in sections):
        raise SnapshotRefused(OfferSnapshotResult.REJECT, "a section of a version that this program does not know")
    for section in sections:
        count = -(-section.size_bytes // PIECE_BYTES)
        _require(len(section.pieces) == count >= 1, f"{section.name} has {len(section.pieces)} pieces")
        _require(count > 1 or section.pieces[0] == section.contents_hash, f"the piece is not {section.name}")
    _require(tuple(log.log for log in manifest.logs) == LOG_NAMES, "other logs than this program's")
    for log in manifest.logs:
        _check_log(log, next(section for section in sections if section.name == log.log))
    size = sum(section.size_bytes for section in sections)
    size += sum(chunk.size_bytes for log in manifest.logs for chunk in log.chunks)
    _require(size <= SNAPSHOT_BYTES_MAX, f"{size} bytes, over the limit of {SNAPSHOT_BYTES_MAX}")


def _check_log(log: LogPart, section: SectionPart) -> None:
    whole = log.whole
    _require(keccak256(canonical.encode(whole)) == section.contents_hash, f"the chunks do not lead to {log.log}")
    _require(log.before.count % CHUNK_ENTRIES == 0, f"{log.log} does not start at a whole chunk")
    is_full = all(chunk.range.count == CHUNK_ENTRIES for chunk in log.chunks[:-1])
    is_ended = not log.chunks or 1 <= log.chunks[-1].range.count <= CHUNK_ENTRIES
    _require(is_full and is_ended, f"{log.log} has chunks that are no whole mountains")
    given = whole.count - log.before.count
    _require(given >= min(HISTORY_ENTRIES_MIN, whole.count), f"only {given} entries of {log.log}")


def _range_over(entries: Sequence[bytes]) -> MountainRange:
    joined = MountainRange()
    for entry in entries:
        joined = joined.append(entry)
    return joined


def _require(holds: bool, why: str) -> None:
    if not holds:
        raise SnapshotRefused(OfferSnapshotResult.REJECT_SENDER, why)
