"""The engine's validator set: weighted round robin and the rules of updates, as CometBFT has them.

This is written from CometBFT's behaviour on its own, not shared with the application: the application checks its
updates by its own transcription, and an engine that used the same code could not catch it out.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from bridge.codec.secp256k1 import address_of
from bridge.codec.types import Address, PublicKey
from node.app.abci import ValidatorUpdate
from node.engine.errors import ValidatorUpdateError

TOTAL_POWER_MAX = (2**63 - 1) // 8
"""The cap on the sum of powers, which keeps Go's 64-bit priorities from overflowing."""

_PRIORITY_WINDOW = 2
"""Priorities are kept within this many times the total power of one another."""


@dataclass(frozen=True, slots=True)
class PowerShare:
    """Voting power of a set: of some of its validators, and of all."""

    present: int
    total: int

    @property
    def is_quorum(self) -> bool:
        """Whether it is over two thirds."""
        return 3 * self.present > 2 * self.total


@dataclass(frozen=True, slots=True)
class Validator:
    """A member of the engine's set; `priority` is what the round robin has given it so far."""

    public_key: PublicKey
    address: Address
    power: int
    priority: int


@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """Validators by falling power, then rising address, and the one whose turn it is."""

    validators: tuple[Validator, ...]
    proposer: Address

    @property
    def total_power(self) -> int:
        """The sum of all powers."""
        return sum(validator.power for validator in self.validators)

    def share_of(self, addresses: Container[Address]) -> PowerShare:
        """How much of the power these addresses have; strangers among them have none."""
        present = sum(validator.power for validator in self.validators if validator.address in addresses)
        return PowerShare(present, self.total_power)

    def rotated(self) -> "ValidatorSet":
        """The set after one more turn of the round robin, which names the next proposer."""
        total = self.total_power
        centred = _centred(_rescaled(self.validators, _PRIORITY_WINDOW * total))
        members = [replace(member, priority=member.priority + member.power) for member in centred]
        first = min(range(len(members)), key=lambda index: (-members[index].priority, members[index].address))
        members[first] = replace(members[first], priority=members[first].priority - total)
        return ValidatorSet(tuple(members), members[first].address)

    def updated(self, updates: Sequence[ValidatorUpdate]) -> "ValidatorSet":
        """The set with the updates applied, not yet rotated; power 0 removes.

        A joiner starts at −1.125 of the new total, so that leaving and coming back gains no turn. Raises
        ValidatorUpdateError where CometBFT would stop: a duplicate, negative power, removal of a non-member, a total
        over the cap, an empty set.
        """
        if not updates:
            return self
        wanted = _by_address(updates)
        present = {member.address: member for member in self.validators}
        removed = {address for address, update in wanted.items() if update.power == 0}
        changed = {address: update for address, update in wanted.items() if update.power > 0}
        if len(removed) == len(present) and not changed.keys() - present.keys():
            raise ValidatorUpdateError("the updates leave no validator; the application must keep at least one")
        for address in sorted(removed - present.keys()):
            raise ValidatorUpdateError(f"the updates remove {address.hex()}, which is not in the set")

        total_with_removed = _checked_total(present, changed, removed)
        joiner_priority = -(total_with_removed + (total_with_removed >> 3))
        members = [member for member in self.validators if member.address not in wanted]
        for address, update in changed.items():
            priority = present[address].priority if address in present else joiner_priority
            members.append(Validator(update.public_key, address, update.power, priority))

        total = sum(member.power for member in members)
        members = _centred(_rescaled(members, _PRIORITY_WINDOW * total))
        return ValidatorSet(tuple(sorted(members, key=lambda member: (-member.power, member.address))), self.proposer)


def new_validator_set(genesis: Sequence[ValidatorUpdate]) -> ValidatorSet:
    """The set of a genesis, with its first proposer chosen. Raises ValidatorUpdateError as `updated` does."""
    if any(update.power == 0 for update in genesis):
        raise ValidatorUpdateError("a genesis validator has no power")
    if not genesis:
        raise ValidatorUpdateError("genesis has no validators, and InitChain named none")
    return ValidatorSet((), Address(bytes(20))).updated(genesis).rotated()


def _by_address(updates: Sequence[ValidatorUpdate]) -> dict[Address, ValidatorUpdate]:
    found: dict[Address, ValidatorUpdate] = {}
    for update in updates:
        address = address_of(update.public_key)
        if update.power < 0:
            raise ValidatorUpdateError(f"the updates give {address.hex()} the negative power {update.power}")
        if update.power > TOTAL_POWER_MAX:
            raise ValidatorUpdateError(
                f"the updates give {address.hex()} power {update.power}; the cap is {TOTAL_POWER_MAX}"
            )
        if address in found:
            raise ValidatorUpdateError(f"the updates name {address.hex()} twice")
        found[address] = update
    return found


def _checked_total(
    present: dict[Address, Validator], changed: dict[Address, ValidatorUpdate], removed: set[Address]
) -> int:
    # Smallest change first, removals before all: an order in which no valid change exceeds the cap on the way.
    removed_power = sum(present[address].power for address in removed)
    total = sum(member.power for member in present.values()) - removed_power
    deltas = (
        update.power - (present[address].power if address in present else 0) for address, update in changed.items()
    )
    for delta in sorted(deltas):
        total += delta
        if total > TOTAL_POWER_MAX:
            raise ValidatorUpdateError(f"the updates make the total power exceed the cap {TOTAL_POWER_MAX}")
    return total + removed_power


def _rescaled(members: Iterable[Validator], window: int) -> list[Validator]:
    # Go divides towards zero, and by the ratio rounded up.
    kept = list(members)
    priorities = [member.priority for member in kept]
    spread = max(priorities) - min(priorities)
    if spread <= window:
        return kept
    ratio = (spread + window - 1) // window
    return [replace(member, priority=_truncated(member.priority, ratio)) for member in kept]


def _centred(members: list[Validator]) -> list[Validator]:
    # Go's big.Int division by a positive number rounds down, as Python's does.
    average = sum(member.priority for member in members) // len(members)
    return [replace(member, priority=member.priority - average) for member in members]


def _truncated(value: int, divisor: int) -> int:
    return value // divisor if value >= 0 else -(-value // divisor)
