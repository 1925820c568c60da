"""Taking into a record what else was signed with the same keys, and giving out what a record holds.

Merging never loosens: a slot keeps its digest, a side chain must have the blocks that either record asks for, and the
higher of two taken nonces stands, and the further of two last votes.
"""

from bridge.codec.types import Hash32
from node.keys.entries import (
    Anchor,
    Contents,
    Decision,
    DecisionKind,
    LastVote,
    Made,
    SignedEnd,
    SignedEntry,
    TakenNonces,
)
from node.keys.errors import ImportConflict, InterchangeTooLarge
from node.keys.slots import Purpose
from node.keys.tables import RecordTables

TRANSACTIONS_GIVEN = 1_000
"""Of the transactions of a sender only the newest are given out; all up to the newest nonce are taken anyway."""
CHECKPOINTS_MAX = 100_000
"""Most checkpoints that are given out."""


def merge(tables: RecordTables, other: Contents, made: Made, *, accept_nonce_conflicts: bool = False) -> None:
    """Append what a record lacks of `other`. Call it inside `RecordTables.writing`. Raises ImportConflict.

    `accept_nonce_conflicts`: slots of transactions in which the two differ keep what is here, as they do between twins.
    """
    for entry in other.signed:
        held = tables.digest(entry.slot)
        if held is None:
            tables.append_signed(entry)
        elif held == entry.digest:
            _keep_range(tables, entry, made)
        elif not accept_nonce_conflicts or entry.slot.purpose is not Purpose.TRANSACTION:
            raise _conflict(entry, held)
    for anchor in other.anchors:
        _require(tables, anchor, made)
    for taken in other.taken:
        if taken.nonce > tables.taken_nonce(taken.domain):
            tables.append_decision(Decision(DecisionKind.TAKEN, made, taken=taken))
    for attest_id in other.issued:
        tables.raise_issued(attest_id)
    for vote in other.votes:
        _go_on_from(tables, vote)
    tables.append_decision(Decision(DecisionKind.MERGED, made))


def contents(tables: RecordTables) -> Contents:
    """What a record holds, for another to merge. Raises InterchangeTooLarge."""
    senders = {*tables.domains(Purpose.TRANSACTION)}
    senders |= {decision.taken.domain for decision in tables.decisions if decision.taken is not None}
    checkpoints: list[SignedEntry] = []
    for domain in tables.domains(Purpose.CHECKPOINT):
        checkpoints += tables.newest_signed(Purpose.CHECKPOINT, domain, CHECKPOINTS_MAX + 1 - len(checkpoints))
        if len(checkpoints) > CHECKPOINTS_MAX:
            raise InterchangeTooLarge(
                f"the record holds over {CHECKPOINTS_MAX:,} checkpoints, more than an export takes: "
                "stop the node for good and move the whole home, signing.db and local.db together"
            )
    return Contents(
        signed=(
            *checkpoints,
            *(
                entry
                for sender in sorted(senders)
                for entry in tables.newest_signed(Purpose.TRANSACTION, sender, TRANSACTIONS_GIVEN)
            ),
        ),
        taken=tuple(TakenNonces(sender, _newest_nonce(tables, sender)) for sender in sorted(senders)),
        anchors=tables.anchors(),
        issued=tables.all_issued(),
        votes=tables.votes.all(),
    )


def covers(contents: Contents, other: Contents) -> bool:
    """Whether `contents` takes every slot that `other` takes, checkpoints with the same digest."""
    digests = {entry.slot: entry.digest for entry in contents.signed}
    nonces = {taken.domain: taken.nonce for taken in contents.taken}
    votes = {vote.slot.domain: vote.slot.position for vote in contents.votes}
    return (
        all(
            digests.get(entry.slot) == entry.digest
            for entry in other.signed
            if entry.slot.purpose is Purpose.CHECKPOINT
        )
        and all(nonces.get(taken.domain, -1) >= taken.nonce for taken in other.taken)
        and all(votes.get(vote.slot.domain, ()) >= vote.slot.position for vote in other.votes)
    )


def _keep_range(tables: RecordTables, entry: SignedEntry, made: Made) -> None:
    """A slot held already, perhaps without its range: the block that the other asks for is asked for here too."""
    blocks = entry.signed_range
    if blocks is not None:
        _require(tables, Anchor(blocks.side_chain_id, SignedEnd(blocks.end, blocks.end_hash)), made)


def _conflict(entry: SignedEntry, held: Hash32) -> ImportConflict:
    remedy = "Two nodes have signed with one key: give the validator a new signer key"
    if entry.slot.purpose is Purpose.TRANSACTION:
        remedy = (
            "Two nodes have used one key. If both are stopped, `--accept-nonce-conflicts` imports all the same: "
            "a nonce is executed once, so of the two transactions one at most counted"
        )
    return ImportConflict(
        f"{entry.slot} was signed twice: with {held.hex()} by this record, with {entry.digest.hex()} by the other. "
        f"Nothing was imported. {remedy}"
    )


def _go_on_from(tables: RecordTables, vote: LastVote) -> None:
    """Have nothing signed before a vote; where the two know different things of one slot, nothing in it either."""
    held = tables.votes.last(vote.slot.domain)
    if held is None or held.slot.position < vote.slot.position:
        tables.votes.replace(vote)
    elif held.slot == vote.slot and held.signed != vote.signed:
        tables.votes.replace(LastVote(vote.slot, None))


def _require(tables: RecordTables, anchor: Anchor, made: Made) -> None:
    """Have the record ask the side chain for a block, if it does not yet."""
    if not tables.requires(anchor):
        tables.append_decision(Decision(DecisionKind.ANCHORED, made, anchor=anchor))


def _newest_nonce(tables: RecordTables, sender: str) -> int:
    newest = tables.newest(Purpose.TRANSACTION, sender)
    return max(tables.taken_nonce(sender), -1 if newest is None else newest.position[0])
