"""From a trusted header to the newest, and from there to the state, with one node asked and others as witnesses.

The primary node is believed nothing: a header must follow from the trusted one, and a value from the header's app hash.
Witnesses show whether the validators told others a different story.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.chain.clock import Clock
from bridge.codec.errors import ProofError
from bridge.codec.hexadecimal import to_hex
from bridge.codec.light_block import LightBlock, SignedPower
from bridge.codec.state_proof import (
    LogProof,
    StateShape,
    decode_log_proof,
    verify_log_entry,
    verify_section,
)
from bridge.codec.types import Hash32
from bridge.light.errors import (
    HeadersDiffer,
    NodeBehind,
    NotShown,
    ProofForged,
    SourceFailed,
    TooManySteps,
    WitnessesSilent,
)
from bridge.light.rpc import NodeRpc, StateAnswer
from bridge.light.trust import NANOSECONDS_PER_SECOND, Trusted, TrustRules, trust_in
from bridge.light.verifier import OverlapTooSmall, verified_commit, verify

HEADERS_MAX = 256
"""Fetched on the way to one header; a set that keeps changing so fast that they are not enough needs a newer start."""
ATTEMPTS_MAX = 10
"""Looks for the header after a state that has just been committed."""
ATTEMPT_INTERVAL_S = 1.0
WITNESS_ATTEMPTS_MAX = 3
UNREADY_MAX = 200
"""Queries while a node reads its log for the first proof."""
_ASK_AGAIN = 2


@dataclass(frozen=True, slots=True)
class Agreed:
    """A header that the validators agreed on."""

    header: Trusted
    signed: SignedPower
    witnesses: int
    """How many witnesses show the same header."""


@dataclass(frozen=True, slots=True)
class ProvenSection:
    """A section of the state, and the header whose app hash it leads to."""

    agreed: Agreed
    name: str
    contents: bytes


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry of a log of the state, and the header whose app hash it leads to."""

    agreed: Agreed
    log: str
    index: int
    entry: bytes


class LightClient:
    """What the validators agreed on. Raises LightError's leaves from every method.

    `trusted` moves forward only to headers that were verified and that no witness contradicts; the caller keeps it.
    """

    def __init__(
        self,
        trusted: Trusted,
        primary: NodeRpc,
        witnesses: tuple[NodeRpc, ...],
        shape: StateShape,
        rules: TrustRules,
        clock: Clock,
    ) -> None:
        """`shape` is that of the application's state."""
        self.trusted = trusted
        self._primary = primary
        self._witnesses = witnesses
        self._shape = shape
        self._rules = rules
        self._clock = clock

    async def newest(self) -> Agreed:
        """The primary's newest header."""
        return await self._advance(await self._primary.light_block())

    async def section(self, name: str) -> ProvenSection:
        """A section of the newest state."""
        answer = await self._query(f"/section/{name}")

        def check(app_hash: bytes) -> None:
            verify_section(app_hash, self._shape, name, answer.value, answer.siblings)

        return ProvenSection(await self._agree(answer, check), name, answer.value)

    async def log_entry(self, log: str, index: int) -> ProvenEntry:
        """The entry of a log at an index."""
        found = await self._log_entry(f"/{log}/{index}", log)
        if found.index != index:
            raise ProofForged(f"asked for entry {index} of {log}, the node shows {found.index}")
        return found

    async def checkpoint_entry(self, log: str, root_chain: int, header_id: int) -> ProvenEntry:
        """The entry that the node gives for a checkpoint: what it says is for the caller to read."""
        return await self._log_entry(f"/checkpoint/{root_chain}/{header_id}", log)

    async def _log_entry(self, path: str, log: str) -> ProvenEntry:
        answer = await self._query(path)
        proof = _log_proof_of(answer)

        def check(app_hash: bytes) -> None:
            verify_log_entry(app_hash, self._shape, log, proof, answer.siblings)

        return ProvenEntry(await self._agree(answer, check), log, proof.index, proof.entry)

    async def _query(self, path: str) -> StateAnswer:
        for _ in range(UNREADY_MAX):
            answer = await self._primary.query(path)
            if answer.code == 0:
                return answer
            if answer.code != _ASK_AGAIN:
                break
        raise NotShown(f"{self._primary.label} does not show {path}: {answer.log}")

    async def _agree(self, answer: StateAnswer, check: Callable[[bytes], None]) -> Agreed:
        """The header to whose app hash an answer leads: that of the next block, or, where none follows, the newest."""
        problem: ProofError | None = None
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                await self._clock.sleep(ATTEMPT_INTERVAL_S)
            block = await self._primary.light_block()
            if block.header.height > answer.height + 1:
                block = await self._primary.light_block(answer.height + 1)
            agreed = await self._advance(block)
            try:
                check(agreed.header.app_hash)
                return agreed
            except ProofError as error:
                problem = error
            if block.header.height == answer.height + 1:
                break
        raise ProofForged(f"{self._primary.label}, header {agreed.header.height}: {problem}") from problem

    async def _advance(self, block: LightBlock) -> Agreed:
        trusted = self.trusted
        if block.header.height < trusted.height:
            raise NodeBehind(
                f"{self._primary.label} shows header {block.header.height}, and header {trusted.height} is known "
                f"already: ask another node"
            )
        if block.header.height == trusted.height:
            _require_same(trusted.height, trusted.hash, block.header.hash(), self._primary.label)
            signed = verified_commit(block, trusted.chain_id)
        else:
            trusted, signed = await self._bisect(trusted, block)
        agreed = Agreed(trusted, signed, await self._compare(trusted))
        self.trusted = trusted
        return agreed

    async def _bisect(self, trusted: Trusted, target: LightBlock) -> tuple[Trusted, SignedPower]:
        """Trust in the target, by headers between where the sets have changed too much for one step."""
        ahead = [target]
        fetched = 1
        while True:
            block = ahead[-1]
            try:
                signed = verify(trusted, block, self._rules, self._now_ns())
            except OverlapTooSmall:
                if fetched == HEADERS_MAX:
                    raise TooManySteps(
                        f"{HEADERS_MAX} headers between {trusted.height} and {target.header.height} are not enough"
                    ) from None
                ahead.append(await self._primary.light_block((trusted.height + block.header.height) // 2))
                fetched += 1
                continue
            trusted = trust_in(block)
            ahead.pop()
            if not ahead:
                return trusted, signed

    async def _compare(self, trusted: Trusted) -> int:
        shown = [await self._shown_by(witness, trusted.height) for witness in self._witnesses]
        for witness, header_hash in zip(self._witnesses, shown, strict=True):
            if header_hash is not None:
                _require_same(trusted.height, trusted.hash, header_hash, witness.label)
        count = sum(header_hash is not None for header_hash in shown)
        if self._witnesses and not count:
            raise WitnessesSilent(
                f"none of the witnesses shows header {trusted.height}: name others with --node, or none"
            )
        return count

    async def _shown_by(self, witness: NodeRpc, height: int) -> Hash32 | None:
        """The hash that a witness has; it may be a block or two behind."""
        for attempt in range(WITNESS_ATTEMPTS_MAX):
            if attempt:
                await self._clock.sleep(ATTEMPT_INTERVAL_S)
            try:
                return (await witness.header(height)).hash()
            except SourceFailed:
                continue
        return None

    def _now_ns(self) -> int:
        return int(self._clock.now() * NANOSECONDS_PER_SECOND)


def _log_proof_of(answer: StateAnswer) -> LogProof:
    try:
        return decode_log_proof(answer.value)
    except ProofError as error:
        raise ProofForged(str(error)) from error


def _require_same(height: int, known: Hash32, shown: Hash32, label: str) -> None:
    if known != shown:
        raise HeadersDiffer(
            f"header {height} is {to_hex(known)}, and {label} shows {to_hex(shown)}: trust neither node before you "
            f"know which header the validators have"
        )
