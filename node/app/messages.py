"""What validators say to each other: transactions, proposals, attestations, and their bytes (docs/protocol.md P1, P2).

    transaction = rlp([version, kind, nonce, sender, body, signature])
    proposal    = rlp([root chain, turn, start, end, root, account root])
    attestation = rlp([node id, counter, [statement…], [step body…]]),  statement = [kind, its fields…]

Kinds are a closed table, each field has one form, and statements are in one order, so a message has exactly one
encoding. Anything else is refused here, before its signature is looked at.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, TypeAlias

from bridge.codec import rlp
from bridge.codec.eip712 import domain_separator, struct_hash, typed_digest
from bridge.codec.errors import FeedError, RlpError
from bridge.codec.feed import Step, decode_step, encode_step
from bridge.codec.hash import keccak256
from bridge.codec.rlp import RlpItem
from bridge.codec.types import Address, BlockNumber, Hash32, Signature, UnixSeconds
from node.app import canonical
from node.app.errors import EncodingError, InvalidReason, MessageError

VERSION = 1
TRANSACTION_BYTES_MAX = 96 * 1024
STATEMENTS_MAX = 64
DIGESTS_MAX = 32
BODIES_MAX = 32
BODY_BYTES_MAX = 64 * 1024
"""Longest sum of the step bodies of one attestation."""
NODE_ID_BYTES = 8

_TRANSACTION_TYPE = "Transaction(uint8 version,uint8 kind,uint64 nonce,address sender,bytes body)"


class MessageKind(IntEnum):
    """Kinds of transactions; 0 and from 128 on are reserved."""

    PROPOSE_CHECKPOINT = 1
    ATTEST = 2


class StatementKind(IntEnum):
    """Kinds of statements; 9 to 63 are reserved for clerk, spans, milestones and governance."""

    VALID = 1
    INVALID = 2
    STEPS = 3
    QUIET = 4
    HEAD = 5
    CONFLICT = 6
    REANCHOR = 7
    UPGRADE = 8


@dataclass(frozen=True, slots=True)
class ProposeCheckpoint:
    """The proposer of a turn names the range and its root; header id and deadline come from the state."""

    root_chain: int
    turn: int
    start: BlockNumber
    end: BlockNumber
    root_hash: Hash32
    account_root_hash: Hash32


@dataclass(frozen=True, slots=True)
class Valid:
    """The proposal is right; `signature` is what L1 will check. It cannot be taken back."""

    kind: ClassVar[StatementKind] = StatementKind.VALID
    root_chain: int
    turn: int
    signature: Signature


@dataclass(frozen=True, slots=True)
class Invalid:
    """The proposal contradicts a complete confirmed chain of headers, and a second endpoint agrees."""

    kind: ClassVar[StatementKind] = StatementKind.INVALID
    root_chain: int
    turn: int
    reason: InvalidReason


@dataclass(frozen=True, slots=True)
class Steps:
    """Chained digests of consecutive steps of a feed; each is a vote for its prefixes too."""

    kind: ClassVar[StatementKind] = StatementKind.STEPS
    root_chain: int
    generation: int
    first: int
    """Number of the step that the first digest ends with."""
    digests: tuple[Hash32, ...]


@dataclass(frozen=True, slots=True)
class Quiet:
    """My confirmed head is beyond the deadline, and no log after the cursor stands in a block up to it."""

    kind: ClassVar[StatementKind] = StatementKind.QUIET
    root_chain: int
    generation: int
    step_number: int
    """The next step of the state that it was said about; void once that step is applied."""
    deadline: UnixSeconds
    head_time: UnixSeconds
    """Timestamp of my confirmed head; a later one alone is no reason to say it again."""


@dataclass(frozen=True, slots=True)
class Head:
    """My confirmed side-chain head."""

    kind: ClassVar[StatementKind] = StatementKind.HEAD
    number: BlockNumber
    hash: Hash32


@dataclass(frozen=True, slots=True)
class Conflict:
    """At the cursor's block number my confirmed chain has this hash; the state's own hash takes it back."""

    kind: ClassVar[StatementKind] = StatementKind.CONFLICT
    root_chain: int
    step_number: int
    """The next step of the state that it was said about; void once that step is applied."""
    hash: Hash32


@dataclass(frozen=True, slots=True)
class Reanchor:
    """The last `count` steps stand in other blocks now, with the same logs; `digest` is of the ReanchorList."""

    kind: ClassVar[StatementKind] = StatementKind.REANCHOR
    root_chain: int
    first: int
    count: int
    digest: Hash32


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From `height` on, version `version` of the message table and rules holds."""

    kind: ClassVar[StatementKind] = StatementKind.UPGRADE
    version: int
    height: int
    notes_digest: Hash32
    """keccak256 of the release notes, so that nobody votes for a number alone."""


Statement: TypeAlias = Valid | Invalid | Steps | Quiet | Head | Conflict | Reanchor | Upgrade


@dataclass(frozen=True, slots=True)
class ReanchoredStep:
    """Where a step stands now. The contents are given by their hash: they have not changed."""

    block_number: BlockNumber
    block_hash: Hash32
    block_time: UnixSeconds
    next_index: int
    """Of the cursor after the step."""
    contents_hash: Hash32


@dataclass(frozen=True, slots=True)
class ReanchorList:
    """The body of a Reanchor statement: all steps from `first` to the cursor, in order."""

    root_chain: int
    first: int
    steps: tuple[ReanchoredStep, ...]


@dataclass(frozen=True, slots=True)
class Attest:
    """All that a validator has to say now that the committed state lacks.

    `node_id` is random per signing record and `counter` rises with each attestation, so that a node notices another one
    that signs with its key.
    """

    node_id: bytes
    counter: int
    statements: tuple[Statement, ...]
    steps: tuple[Step, ...] = ()
    """Bodies of consecutive steps of one root chain."""
    reanchor: ReanchorList | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """A signed message as it stands in a block."""

    version: int
    kind: MessageKind
    nonce: int
    sender: Address
    body: bytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about; a validator has one current statement for each."""

    name: str
    root_chain: int = 0
    turn: int = 0


_STATEMENTS: dict[int, type[Statement]] = {
    kind.kind: kind for kind in (Valid, Invalid, Steps, Quiet, Head, Conflict, Reanchor, Upgrade)
}


def subject_of(statement: Statement) -> Subject:
    """The subject of a statement."""
    match statement:
        case Valid() | Invalid():
            return Subject("verdict", statement.root_chain, statement.turn)
        case Steps():
            return Subject("feed", statement.root_chain)
        case Quiet():
            return Subject("quiet", statement.root_chain)
        case Conflict():
            return Subject("conflict", statement.root_chain)
        case Reanchor():
            return Subject("reanchor", statement.root_chain)
        case Head():
            return Subject("head")
        case Upgrade():
            return Subject("upgrade")


def statement_order(statement: Statement) -> tuple[int, int, int]:
    """The key by which statements ascend in an attestation: kind, root chain, turn or step."""
    match statement:
        case Valid() | Invalid():
            return statement.kind, statement.root_chain, statement.turn
        case Steps() | Reanchor():
            return statement.kind, statement.root_chain, statement.first
        case Quiet() | Conflict():
            return statement.kind, statement.root_chain, statement.step_number
        case Head() | Upgrade():
            return statement.kind, 0, 0


@lru_cache(maxsize=16)
def transaction_domain(genesis_hash: Hash32) -> Hash32:
    """The EIP-712 domain separator of a network's transactions."""
    return domain_separator(name="Sidewarden", version="1", salt=genesis_hash)


def transaction_digest(genesis_hash: Hash32, kind: MessageKind, nonce: int, sender: Address, body: bytes) -> Hash32:
    """What the sender signs: the EIP-712 digest of the transaction under the network's domain."""
    values = (VERSION, int(kind), nonce, sender, body)
    return typed_digest(transaction_domain(genesis_hash), struct_hash(_TRANSACTION_TYPE, values))


def encode_transaction(transaction: Transaction) -> bytes:
    """The transaction's bytes, as they stand in a block."""
    return rlp.encode(
        (
            rlp.uint(transaction.version),
            rlp.uint(transaction.kind),
            rlp.uint(transaction.nonce),
            transaction.sender,
            transaction.body,
            transaction.signature,
        )
    )


def decode_transaction(data: bytes) -> Transaction:
    """The transaction of its bytes; the body is left to `decode_body`. Raises MessageError."""
    if len(data) > TRANSACTION_BYTES_MAX:
        raise MessageError(f"a transaction has at most {TRANSACTION_BYTES_MAX} bytes, got {len(data)}")
    try:
        items = rlp.as_list(rlp.decode(data), 6, "transaction")
        version, kind = rlp.as_uint(items[0], 8, "version"), rlp.as_uint(items[1], 8, "kind")
        if version != VERSION or kind not in (MessageKind.PROPOSE_CHECKPOINT, MessageKind.ATTEST):
            raise MessageError(f"unknown transaction version {version} or kind {kind}")
        return Transaction(
            version=version,
            kind=MessageKind(kind),
            nonce=rlp.as_uint(items[2], 64, "nonce"),
            sender=Address(rlp.as_bytes(items[3], 20, "sender")),
            body=rlp.as_bytes(items[4], None, "body"),
            signature=Signature(rlp.as_bytes(items[5], 65, "signature")),
        )
    except RlpError as error:
        raise MessageError(f"transaction: {error}") from error


def encode_body(message: ProposeCheckpoint | Attest) -> bytes:
    """The body of the transaction that carries a message."""
    if isinstance(message, ProposeCheckpoint):
        return canonical.encode(message)
    bodies = [encode_step(step) for step in message.steps]
    if message.reanchor is not None:
        bodies.append(canonical.encode(message.reanchor))
    statements = [
        rlp.encode_list([rlp.encode(rlp.uint(s.kind)), *canonical.encode_fields(s)]) for s in message.statements
    ]
    fields = (rlp.encode(message.node_id), rlp.encode(rlp.uint(message.counter)))
    return rlp.encode_list([*fields, rlp.encode_list(statements), rlp.encode(tuple(bodies))])


def decode_body(transaction: Transaction) -> ProposeCheckpoint | Attest:
    """The message that a transaction carries. Raises MessageError for anything but its one canonical form."""
    try:
        if transaction.kind is MessageKind.PROPOSE_CHECKPOINT:
            return canonical.decode(ProposeCheckpoint, transaction.body)
        return _decode_attest(transaction.body)
    except (EncodingError, RlpError, FeedError) as error:
        raise MessageError(f"{transaction.kind.name}: {error}") from error


def reanchor_digest(body: ReanchorList) -> Hash32:
    """The digest that a Reanchor statement names."""
    return keccak256(canonical.encode(body))


def _decode_attest(body: bytes) -> Attest:
    node_id, counter, statement_items, body_items = rlp.as_list(rlp.decode(body), 4, "attestation")
    statements = tuple(_decode_statement(item) for item in rlp.as_list(statement_items, None, "statements"))
    _check_statements(statements)
    bodies = [rlp.as_bytes(item, None, "step body") for item in rlp.as_list(body_items, None, "bodies")]
    if len(bodies) > BODIES_MAX or sum(map(len, bodies)) > BODY_BYTES_MAX:
        raise MessageError(f"an attestation carries at most {BODIES_MAX} bodies and {BODY_BYTES_MAX} bytes of them")
    reanchor = _decode_reanchor(bodies)
    steps = tuple(decode_step(data) for data in (bodies if reanchor is None else bodies[:-1]))
    for earlier, later in pairwise(steps):
        if (later.root_chain, later.number) != (earlier.root_chain, earlier.number + 1):
            raise MessageError("step bodies must be of consecutive steps of one root chain")
    return Attest(
        node_id=rlp.as_bytes(node_id, NODE_ID_BYTES, "node id"),
        counter=rlp.as_uint(counter, 64, "counter"),
        statements=statements,
        steps=steps,
        reanchor=reanchor,
    )


def _decode_statement(item: RlpItem) -> Statement:
    fields = rlp.as_list(item, None, "statement")
    number = rlp.as_uint(fields[0], 8, "statement kind") if fields else 0
    kind = _STATEMENTS.get(number)
    if kind is None:
        raise MessageError(f"unknown statement kind {number}")
    statement: Statement = canonical.from_item(kind, fields[1:])
    if isinstance(statement, Steps) and not 1 <= len(statement.digests) <= DIGESTS_MAX:
        raise MessageError(f"STEPS carries 1 to {DIGESTS_MAX} digests, got {len(statement.digests)}")
    return statement


def _check_statements(statements: tuple[Statement, ...]) -> None:
    if len(statements) > STATEMENTS_MAX:
        raise MessageError(f"an attestation has at most {STATEMENTS_MAX} statements, got {len(statements)}")
    keys = [statement_order(statement) for statement in statements]
    if any(later <= earlier for earlier, later in pairwise(keys)):
        raise MessageError("statements must ascend by kind, root chain, and turn or step")
    if len({subject_of(statement) for statement in statements}) != len(statements):
        raise MessageError("two statements have the same subject")


def _decode_reanchor(bodies: list[bytes]) -> ReanchorList | None:
    """The re-anchoring list, which stands last and has three fields where a step has eight."""
    if not bodies:
        return None
    last = rlp.as_list(rlp.decode(bodies[-1]), None, "step body")
    return canonical.from_item(ReanchorList, last) if len(last) == 3 else None
