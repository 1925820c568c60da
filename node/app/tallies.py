"""Counting power: who said what about a subject, always over the tally set as it stands at that moment.

A validator has one current statement for each subject, so nobody is counted twice, and a replaced one no longer counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bridge.codec.types import BlockNumber, Hash32, UnixSeconds, ValidatorId
from node.app.messages import Steps, Upgrade
from node.app.state import ChainStatements, Feed, TallyMember, VoterStatements

Voters = Mapping[ValidatorId, VoterStatements]

_SILENT = ChainStatements()


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the power and the whole."""

    power: int
    total: int

    @property
    def is_quorum(self) -> bool:
        """Over 2/3."""
        return 3 * self.power > 2 * self.total

    @property
    def is_over_third(self) -> bool:
        """Over 1/3: enough to say that something honest is behind it."""
        return 3 * self.power > self.total

    @property
    def is_third(self) -> bool:
        """At least 1/3: enough to keep a quorum from the rest."""
        return 3 * self.power >= self.total


def total_power(members: Iterable[TallyMember]) -> int:
    """The power of the whole set."""
    return sum(member.power for member in members)


def share_of(members: Sequence[TallyMember], who: Iterable[ValidatorId]) -> Share:
    """The share of those who are named; who is not in the set has none."""
    named = set(who)
    return Share(total_power(member for member in members if member.id in named), total_power(members))


def chain_statements(voters: Voters, validator: ValidatorId, chain: int) -> ChainStatements:
    """What a validator says about a root chain at present."""
    voter = voters.get(validator)
    return _SILENT if voter is None else voter.chains[chain]


def digest_at(steps: Steps | None, feed: Feed, number: int) -> Hash32 | None:
    """The digest that a statement gives for a step number in the feed's generation."""
    if steps is None or steps.generation != feed.generation:
        return None
    place = number - steps.first
    return steps.digests[place] if 0 <= place < len(steps.digests) else None


def step_shares(
    members: Sequence[TallyMember], voters: Voters, chain: int, feed: Feed, number: int
) -> dict[Hash32, Share]:
    """For a step number, the share of the power behind each digest, in order of validator ids."""
    powers: dict[Hash32, int] = {}
    for member in members:
        digest = digest_at(chain_statements(voters, member.id, chain).steps, feed, number)
        if digest is not None:
            powers[digest] = powers.get(digest, 0) + member.power
    total = total_power(members)
    return {digest: Share(power, total) for digest, power in powers.items()}


def quiet_times(
    members: Sequence[TallyMember], voters: Voters, chain: int, feed: Feed, deadline: UnixSeconds
) -> dict[ValidatorId, UnixSeconds]:
    """Who says that the root chain was quiet up to the deadline, with the L1 time that each has shown.

    A step whose contents the state has, in a block later than the deadline, says it too: no log at or before it.
    """
    next_step_times = {
        body.digest: body.block_time
        for body in feed.bodies
        if body.number == feed.step_number and body.block_time > deadline
    }
    times: dict[ValidatorId, UnixSeconds] = {}
    for member in members:
        said = chain_statements(voters, member.id, chain)
        quiet = said.quiet
        is_current = quiet is not None and (quiet.generation, quiet.step_number) == (feed.generation, feed.step_number)
        if quiet is not None and is_current and quiet.deadline == deadline:
            times[member.id] = quiet.head_time
        digest = digest_at(said.steps, feed, feed.step_number)
        if digest in next_step_times:
            times[member.id] = max(next_step_times[digest], times.get(member.id, UnixSeconds(0)))
    return times


def greatest_shared(members: Sequence[TallyMember], values: Mapping[ValidatorId, int]) -> int | None:
    """The greatest value that over 2/3 of the power reaches; None if too few have one."""
    total, reached = total_power(members), 0
    with_value = [(values[member.id], member.power) for member in members if member.id in values]
    for value, power in sorted(with_value, reverse=True):
        reached += power
        if Share(reached, total).is_quorum:
            return value
    return None


def agreed_head(members: Sequence[TallyMember], voters: Voters) -> BlockNumber | None:
    """The side-chain block that over 2/3 of the power holds at or below its confirmed head."""
    heads = {voter.id: voter.head.number for voter in voters.values() if voter.head is not None}
    head = greatest_shared(members, heads)
    return None if head is None else BlockNumber(head)


def conflict_share(members: Sequence[TallyMember], voters: Voters, chain: int, feed: Feed) -> Share:
    """The share that sees another block than the state at the cursor."""
    conflicting = []
    for member in members:
        conflict = chain_statements(voters, member.id, chain).conflict
        if conflict is not None and conflict.step_number == feed.step_number and conflict.hash != feed.cursor.hash:
            conflicting.append(member.id)
    return share_of(members, conflicting)


def agreed_upgrade(members: Sequence[TallyMember], voters: Voters) -> Upgrade | None:
    """The upgrade that over 2/3 of the power names, all of it alike."""
    by_upgrade: dict[Upgrade, list[ValidatorId]] = {}
    for voter in voters.values():
        if voter.upgrade is not None:
            by_upgrade.setdefault(voter.upgrade, []).append(voter.id)
    return next((upgrade for upgrade, who in by_upgrade.items() if share_of(members, who).is_quorum), None)
