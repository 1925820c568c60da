"""Headers, validator sets and commits: real ones verify, and nothing that was changed in them does."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec.consensus import BlockId, BlockIdFlag
from bridge.codec.errors import ConsensusError
from bridge.codec.light_block import (
    CommitSig,
    EngineValidator,
    Header,
    LightBlock,
    engine_order,
    validators_hash,
    verify_commit,
)
from bridge.codec.types import Hash32
from bridge.light.values import commit_of, header_of, validator_of
from tests.unit.codec.strategies import law
from tests.unit.light.chain import ABSENT, CHAIN_ID, Chain, member, members, sign_header, with_entries

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "comet-commits.json").read_text())
REAL_CHAIN: str = VECTORS["chain_id"]
FOUR = [member(0, 10), member(1, 7), member(2, 5), member(3, 3)]


def real_block(answers: dict[str, Any]) -> LightBlock:
    """A block as a real node told it."""
    signed = answers["commit"]["signed_header"]
    validators = tuple(validator_of(one, "validator") for one in answers["validators"]["validators"])
    return LightBlock(header_of(signed["header"]), commit_of(signed["commit"]), validators)


REAL = [real_block(answers) for answers in VECTORS["blocks"]]
AT_7 = next(block for block in REAL if block.header.height == 7)


def other(value: object) -> Any:
    """Another value of the same type."""
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, BlockId):
        return replace(value, parts_total=value.parts_total + 1)
    assert isinstance(value, bytes)
    return bytes((value[0] ^ 1,)) + value[1:]


# --- real blocks


@pytest.mark.parametrize("block", REAL, ids=lambda block: str(block.header.height))
def test_verify_commit__of_real_nodes__holds_with_the_power_of_those_who_signed(block: LightBlock) -> None:
    absent = [entry for entry in block.commit.signatures if entry.flag is BlockIdFlag.ABSENT]
    assert verify_commit(block, REAL_CHAIN).power == (20 if absent else 25)
    assert verify_commit(block, REAL_CHAIN).total == 25


def test_vectors__of_real_nodes__hold_an_absent_validator_a_second_round_and_another_app_hash() -> None:
    assert any(entry.flag is BlockIdFlag.ABSENT for block in REAL for entry in block.commit.signatures)
    assert any(block.commit.round == 1 for block in REAL)
    assert len({block.header.app_hash for block in REAL}) > 1


def test_header_hash__of_real_nodes__is_what_the_next_header_names() -> None:
    by_height = {block.header.height: block for block in REAL}
    for height in range(1, 9):
        named = by_height[height + 1].header.last_block_id
        assert named is not None
        assert named.hash == by_height[height].header.hash()


def test_engine_order__of_real_nodes__is_theirs() -> None:
    assert engine_order(tuple(reversed(AT_7.validators))) == AT_7.validators


# --- one thing changed


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Header)])
def test_verify_commit__a_field_of_the_header_changed__is_refused(field: str) -> None:
    changes: dict[str, Any] = {field: other(getattr(AT_7.header, field))}
    with pytest.raises(ConsensusError):
        verify_commit(replace(AT_7, header=replace(AT_7.header, **changes)), REAL_CHAIN)


@pytest.mark.parametrize("field", ["height", "round", "block_id"])
def test_verify_commit__a_field_of_the_commit_changed__is_refused(field: str) -> None:
    changes: dict[str, Any] = {field: other(getattr(AT_7.commit, field))}
    with pytest.raises(ConsensusError):
        verify_commit(replace(AT_7, commit=replace(AT_7.commit, **changes)), REAL_CHAIN)


@law
@given(st.integers(0, 64), st.integers(0, 7), st.sampled_from((0, 1, 3)))
def test_verify_commit__any_bit_of_a_signature_flipped__is_refused(place: int, bit: int, validator: int) -> None:
    def flip(entries: tuple[CommitSig, ...]) -> Sequence[CommitSig]:
        signature = bytearray(entries[validator].signature)
        signature[place] ^= 1 << bit
        changed = replace(entries[validator], signature=bytes(signature))
        return [*entries[:validator], changed, *entries[validator + 1 :]]

    with pytest.raises(ConsensusError):
        verify_commit(with_entries(AT_7, flip), REAL_CHAIN)


CHANGES: dict[str, Callable[[tuple[CommitSig, ...]], Sequence[CommitSig]]] = {
    "an entry too few": lambda entries: entries[:-1],
    "an entry too many": lambda entries: (*entries, ABSENT),
    "two entries exchanged": lambda entries: (entries[1], entries[0], *entries[2:]),
    "one signature for another validator too": lambda entries: (entries[0], entries[0], *entries[2:]),
    "the same, under the other's name": lambda entries: (
        entries[0],
        replace(entries[0], validator=entries[1].validator),
        *entries[2:],
    ),
    "another name": lambda entries: (replace(entries[0], validator=entries[1].validator), *entries[1:]),
    "no name": lambda entries: (replace(entries[0], validator=None), *entries[1:]),
    "another time": lambda entries: (replace(entries[0], time_ns=entries[0].time_ns + 1), *entries[1:]),
    "an absent one said to have signed": lambda entries: tuple(
        replace(entry, flag=BlockIdFlag.COMMIT) for entry in entries
    ),
    "no signature": lambda entries: (replace(entries[0], signature=b""), *entries[1:]),
    "signed for nil by their flag": lambda entries: tuple(replace(entry, flag=BlockIdFlag.NIL) for entry in entries),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_verify_commit__entries_changed__is_refused(
    change: Callable[[tuple[CommitSig, ...]], Sequence[CommitSig]],
) -> None:
    with pytest.raises(ConsensusError):
        verify_commit(with_entries(AT_7, change), REAL_CHAIN)


def test_verify_commit__for_another_network__is_refused() -> None:
    with pytest.raises(ConsensusError, match="another-network"):
        verify_commit(AT_7, "another-network")
    header = replace(AT_7.header, chain_id="another-network")
    renamed = replace(AT_7, header=header)
    with pytest.raises(ConsensusError):
        verify_commit(renamed, "another-network")


def test_verify_commit__signed_for_another_network_under_this_ones_name__is_refused() -> None:
    """The header is ours and the validators too, but they signed for a chain of another name."""
    elsewhere = Chain(FOUR, chain_id="elsewhere")
    header = replace(elsewhere.next_header(), chain_id=CHAIN_ID)
    block_id = BlockId(header.hash(), 1, Hash32(bytes(32)))
    signed = sign_header(replace(header, chain_id="elsewhere"), FOUR)
    with pytest.raises(ConsensusError):
        verify_commit(replace(signed, header=header, commit=replace(signed.commit, block_id=block_id)), CHAIN_ID)


# --- validators


def test_verify_commit__a_power_or_key_changed__is_refused() -> None:
    first, *rest = AT_7.validators
    for forged in (replace(first, power=first.power + 1), replace(first, public_key=rest[0].public_key)):
        with pytest.raises(ConsensusError):
            verify_commit(replace(AT_7, validators=(forged, *rest)), REAL_CHAIN)


def test_verify_commit__a_validator_left_out__is_refused() -> None:
    silent = with_entries(AT_7, lambda entries: [entry for entry in entries if entry.flag is not BlockIdFlag.ABSENT])
    present = tuple(one for place, one in enumerate(AT_7.validators) if place != 2)
    with pytest.raises(ConsensusError, match="not those that the header names"):
        verify_commit(replace(silent, validators=present), REAL_CHAIN)


def signed_by(validators: Sequence[EngineValidator]) -> LightBlock:
    """A header that names this set, signed by four members who may or may not be in it."""
    header = replace(Chain(FOUR).next_header(), validators_hash=validators_hash(validators))
    return replace(sign_header(header, FOUR), validators=tuple(validators))


def test_verify_commit__a_set_that_the_engine_cannot_have__is_refused() -> None:
    one = FOUR[0].validator
    for validators, problem in (
        ((), "empty"),
        ((one, one), "twice"),
        ((replace(one, power=0),), "no power"),
        ((replace(one, power=-1), FOUR[1].validator), "no power"),
        ((replace(one, power=2**62),), "cap"),
    ):
        with pytest.raises(ConsensusError, match=problem):
            verify_commit(signed_by(validators), CHAIN_ID)


def test_validators_hash__in_another_order__is_another() -> None:
    validators = [one.validator for one in FOUR]
    assert validators_hash(validators) != validators_hash(list(reversed(validators)))


# --- two thirds


def test_verify_commit__exactly_two_thirds__is_refused_and_one_more_is_enough() -> None:
    thirds = [member(0, 10), member(1, 10), member(2, 10)]
    header = Chain(thirds).next_header()
    with pytest.raises(ConsensusError, match="20 of 30"):
        verify_commit(sign_header(header, thirds, silent=[thirds[2]]), CHAIN_ID)
    more = [member(0, 11), member(1, 10), member(2, 10)]
    header = Chain(more).next_header()
    assert verify_commit(sign_header(header, more, silent=[more[2]]), CHAIN_ID).power == 21


def test_verify_commit__nil_votes__do_not_count() -> None:
    header = Chain(FOUR).next_header()
    assert verify_commit(sign_header(header, FOUR, nil=[FOUR[3]]), CHAIN_ID).power == 22
    with pytest.raises(ConsensusError, match="15 of 25"):
        verify_commit(sign_header(header, FOUR, nil=[FOUR[0]]), CHAIN_ID)


@law
@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.data())
def test_verify_commit__any_set_and_any_who_sign__holds_exactly_over_two_thirds(
    powers: list[int], data: st.DataObject
) -> None:
    who = [member(number, power) for number, power in enumerate(powers)]
    silent = data.draw(st.lists(st.sampled_from(who), unique=True))
    block = sign_header(Chain(who).next_header(), who, silent)
    power = sum(one.power for one in who if one not in silent)
    if 3 * power > 2 * sum(powers):
        signed = verify_commit(block, CHAIN_ID)
        assert (signed.power, signed.total) == (power, sum(powers))
        assert signed.signers == {one.address for one in who if one not in silent}
    else:
        with pytest.raises(ConsensusError):
            verify_commit(block, CHAIN_ID)


def test_verify_commit__a_hundred_validators__holds() -> None:
    hundred = members(100)
    assert verify_commit(sign_header(Chain(hundred).next_header(), hundred), CHAIN_ID).power == 1_000


def test_absent_entry__of_the_builder__is_as_real_nodes_write_it() -> None:
    absent = next(entry for entry in AT_7.commit.signatures if entry.flag is BlockIdFlag.ABSENT)
    assert absent == ABSENT
