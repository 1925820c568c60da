"""A chain of the engine in memory: real headers, commits and validator sets, signed with real keys by our own bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from bridge.codec.consensus import BlockId, BlockIdFlag, Vote, VoteType, sign_digest, to_engine, vote_sign_bytes
from bridge.codec.hash import keccak256
from bridge.codec.light_block import (
    BLOCK_PROTOCOL,
    Commit,
    CommitSig,
    EngineValidator,
    Header,
    LightBlock,
    engine_order,
    validators_hash,
)
from bridge.codec.secp256k1 import address_of, public_key_of, sign
from bridge.codec.types import Address, Hash32
from bridge.light.trust import Trusted, trust_genesis

CHAIN_ID = "test-network"
GENESIS_NS = 1_700_000_000 * 10**9
SECOND_NS = 10**9
ABSENT = CommitSig(BlockIdFlag.ABSENT, None, -62_135_596_800 * SECOND_NS, b"")


@dataclass(frozen=True, slots=True)
class Member:
    """A validator with its key."""

    private_key: bytes
    power: int

    @property
    def validator(self) -> EngineValidator:
        """What the engine knows of it."""
        return EngineValidator(public_key_of(self.private_key), self.power)

    @property
    def address(self) -> Address:
        """The signer."""
        return address_of(public_key_of(self.private_key))


def member(number: int, power: int = 10) -> Member:
    """The same validator for the same number, always."""
    return Member(keccak256(b"engine validator %d" % number), power)


def members(count: int, power: int = 10, first: int = 0) -> list[Member]:
    """Validators of equal power."""
    return [member(number, power) for number in range(first, first + count)]


def set_of(who: Sequence[Member]) -> tuple[EngineValidator, ...]:
    """Their set, in the engine's order."""
    return engine_order([one.validator for one in who])


def sign_header(
    header: Header, who: Sequence[Member], silent: Sequence[Member] = (), nil: Sequence[Member] = (), round_: int = 0
) -> LightBlock:
    """The header with a commit by `who`, but for those who are silent or vote for nil."""
    block_id = BlockId(header.hash(), 1, Hash32(sha256(b"parts").digest()))
    by_address = {one.address: one for one in who}
    entries: list[CommitSig] = []
    validators = set_of(who)
    for place, validator in enumerate(validators):
        key = by_address[validator.address]
        if key in silent:
            entries.append(ABSENT)
            continue
        time_ns = header.time_ns + place
        voted = None if key in nil else block_id
        vote = Vote(VoteType.PRECOMMIT, header.height, round_, voted, time_ns)
        signature = to_engine(sign(sign_digest(vote_sign_bytes(vote, header.chain_id)), key.private_key))
        flag = BlockIdFlag.NIL if key in nil else BlockIdFlag.COMMIT
        entries.append(CommitSig(flag, validator.address, time_ns, signature))
    return LightBlock(header, Commit(header.height, round_, block_id, tuple(entries)), validators)


def with_entries(block: LightBlock, change: Callable[[tuple[CommitSig, ...]], Sequence[CommitSig]]) -> LightBlock:
    """The block with other entries in its commit."""
    commit = block.commit
    return replace(block, commit=replace(commit, signatures=tuple(change(commit.signatures))))


class Chain:
    """Blocks one second apart. A change of the set holds from the block after the next."""

    def __init__(self, first: Sequence[Member], genesis_ns: int = GENESIS_NS, chain_id: str = CHAIN_ID) -> None:
        self.chain_id = chain_id
        self.genesis_ns = genesis_ns
        self.blocks: list[LightBlock] = []
        self.first = list(first)
        self._now = list(first)
        self._next = list(first)

    @property
    def genesis(self) -> Trusted:
        """Trust in the first validators."""
        return trust_genesis(self.chain_id, self.genesis_ns, [one.validator for one in self.first])

    @property
    def height(self) -> int:
        """Of the newest block."""
        return len(self.blocks)

    @property
    def time_ns(self) -> int:
        """Of the newest block."""
        return self.blocks[-1].header.time_ns if self.blocks else self.genesis_ns

    def block(self, height: int) -> LightBlock:
        """The block of a height."""
        return self.blocks[height - 1]

    def next_header(self, app_hash: bytes = bytes(32)) -> Header:
        """The header of the next block."""
        last = self.blocks[-1] if self.blocks else None
        some_hash = sha256(b"").digest()
        return Header(
            block_version=BLOCK_PROTOCOL,
            app_version=1,
            chain_id=self.chain_id,
            height=self.height + 1,
            time_ns=self.genesis_ns + self.height * SECOND_NS,
            last_block_id=last.commit.block_id if last else None,
            last_commit_hash=some_hash,
            data_hash=some_hash,
            validators_hash=validators_hash(set_of(self._now)),
            next_validators_hash=validators_hash(set_of(self._next)),
            consensus_hash=some_hash,
            app_hash=app_hash,
            last_results_hash=some_hash,
            evidence_hash=some_hash,
            proposer=self._now[0].address,
        )

    def add(
        self,
        app_hash: bytes = bytes(32),
        silent: Sequence[Member] = (),
        then: Sequence[Member] | None = None,
        time_ns: int | None = None,
    ) -> LightBlock:
        """One more block; `then` is the set from the block after the next on."""
        header = self.next_header(app_hash)
        block = sign_header(header if time_ns is None else replace(header, time_ns=time_ns), self._now, silent)
        self.blocks.append(block)
        self._now, self._next = self._next, list(then) if then is not None else self._next
        return block

    def grow(self, count: int) -> None:
        """More blocks by the same validators."""
        for _ in range(count):
            self.add()
