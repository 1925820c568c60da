"""Genesis: what it refuses, its hash, and its file."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.codec.checkpoint import DataForm
from bridge.codec.feed import FilterEntry
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, PublicKey, ValidatorId, Wei
from node.app.errors import EncodingError, GenesisError
from node.app.genesis import Genesis, decode_genesis, encode_genesis, genesis_hash
from node.app.genesis_file import FILE_BYTES_MAX, genesis_from_json, genesis_to_json
from node.app.parameters import least_no_ack_buffer_s
from node.app.proposers import TOTAL_POWER_MAX
from tests.unit.app.network import NETWORK, ROOT, TOKEN, make_genesis, with_parameters

GOOD = make_genesis((100, 90, 80, 70), (ROOT,))


def with_validator(**changes: Any) -> Genesis:
    """The first validator changed."""
    first, *others = GOOD.validators
    return replace(GOOD, validators=(replace(first, **changes), *others))


def with_root_chain(**changes: Any) -> Genesis:
    """The root chain changed."""
    return replace(GOOD, root_chains=(replace(GOOD.root_chains[0], **changes),))


def with_rules(**changes: Any) -> Genesis:
    """The root chain's parameters changed."""
    return with_root_chain(parameters=with_parameters(**changes))


@pytest.mark.parametrize(
    ("genesis", "field"),
    [
        (replace(GOOD, name=""), "name"),
        (replace(GOOD, name="x" * 51), "name"),
        (replace(GOOD, parent=b"\x01"), "parent"),
        (replace(GOOD, root_chains=()), "root_chains"),
        (replace(GOOD, root_chains=GOOD.root_chains * 11), "root_chains"),
        (replace(GOOD, root_chains=GOOD.root_chains * 2), "root_chains.name"),
        (replace(GOOD, staking_root_chain=1), "staking_root_chain"),
        (replace(GOOD, parameters=replace(NETWORK, pulse_s=0)), "parameters.pulse_s"),
        (replace(GOOD, validators=()), "validators"),
        (replace(GOOD, validators=GOOD.validators[::-1]), "validators.id"),
        (with_validator(id=ValidatorId(2)), "validators.id"),
        (with_validator(signer=Address(bytes(20))), "validators.public_key"),
        (with_validator(public_key=PublicKey(bytes(64))), "validators.public_key"),
        (replace(GOOD, validators=(replace(GOOD.validators[0], stake_wei=Wei(1)),)), "validators.stake_wei"),
        (with_validator(stake_wei=Wei(TOTAL_POWER_MAX * TOKEN)), "validators.stake_wei"),
        (with_rules(minimum_blocks=0), "minimum_blocks"),
        (with_rules(minimum_blocks=12), "minimum_blocks"),
        (with_rules(maximum_blocks=60), "maximum_blocks"),
        (with_rules(maximum_blocks=2**16), "maximum_blocks"),
        (with_rules(minimum_blocks=128), "maximum_blocks"),
        (with_rules(force_after_s=5), "force_after_s"),
        (with_rules(no_ack_growth_cap=17), "no_ack_growth_cap"),
        (with_rules(no_ack_buffer_s=20), "no_ack_buffer_s"),
        (with_rules(feed_anchor_blocks=0), "feed_anchor_blocks"),
        (with_root_chain(next_header_id=10_001), "next_header_id"),
        (with_root_chain(filter=GOOD.root_chains[0].filter[::-1]), "filter"),
        (
            with_root_chain(filter=(FilterEntry(Address(bytes(20)), Hash32(bytes(32)), BlockNumber(1_000)),)),
            "filter",
        ),
    ],
)
def test_genesis__that_cannot_work__refused_by_name_of_the_field(genesis: Genesis, field: str) -> None:
    with pytest.raises(GenesisError, match=field):
        genesis.checked()


def test_buffer__least_that_is_taken__covers_all_that_a_turn_needs() -> None:
    least_s = least_no_ack_buffer_s(NETWORK, ROOT, 4)
    assert least_s == 1 + 4 + 12 + 6
    with_rules(no_ack_buffer_s=least_s).checked()
    with pytest.raises(GenesisError, match=f"at least {least_s}"):
        with_rules(no_ack_buffer_s=least_s - 1).checked()


def test_root_chains__that_would_accept_the_same_bytes__refused() -> None:
    other = replace(GOOD.root_chains[0], parameters=with_parameters(name="other"))
    with pytest.raises(GenesisError, match="same contract"):
        replace(GOOD, root_chains=(GOOD.root_chains[0], other)).checked()

    def polygon(name: str, contract_chain_id: int) -> Any:
        rules = with_parameters(
            name=name,
            data_form=DataForm.POLYGON,
            chain_id=ChainId(contract_chain_id),
            contract_chain_id=ChainId(contract_chain_id),
        )
        return replace(GOOD.root_chains[0], parameters=rules)

    replace(GOOD, root_chains=(polygon("a", 1), polygon("b", 2))).checked()
    same = replace(polygon("b", 2), parameters=replace(polygon("b", 2).parameters, contract_chain_id=ChainId(1)))
    with pytest.raises(GenesisError, match="contract_chain_id"):
        replace(GOOD, root_chains=(polygon("a", 1), same)).checked()


def test_encoding__round_trip__and_the_hash_is_of_every_field() -> None:
    assert decode_genesis(encode_genesis(GOOD)) == GOOD
    changed = [
        replace(GOOD, epoch=2),
        replace(GOOD, name="another"),
        with_validator(stake_wei=Wei(10**18)),
        with_rules(interval_s=11),
        with_root_chain(state_id=1),
    ]
    assert len({genesis_hash(genesis) for genesis in (GOOD, *changed)}) == len(changed) + 1
    with pytest.raises(EncodingError):
        decode_genesis(b"\xc0")


def test_file__round_trip__loses_nothing() -> None:
    text = genesis_to_json(GOOD)
    assert genesis_from_json(text) == GOOD
    document = json.loads(text)
    assert document["validators"][0]["stake_wei"] == str(100 * 10**18)
    assert document["root_chains"][0]["parameters"]["data_form"] == "bound"


def _without(document: dict[str, Any]) -> None:
    del document["epoch"]


def _with_unknown(document: dict[str, Any]) -> None:
    document["extra"] = 1


def _float(document: dict[str, Any]) -> None:
    document["epoch"] = 1.0


def _negative(document: dict[str, Any]) -> None:
    document["epoch"] = -1


def _true(document: dict[str, Any]) -> None:
    document["epoch"] = True


def _number_as_wei(document: dict[str, Any]) -> None:
    document["validators"][0]["stake_wei"] = 5


def _bad_hex(document: dict[str, Any]) -> None:
    document["root_chains"][0]["block_hash"] = "0xzz"


def _bad_form(document: dict[str, Any]) -> None:
    document["root_chains"][0]["parameters"]["data_form"] = "round"


def _not_a_list(document: dict[str, Any]) -> None:
    document["validators"] = {}


def _short_hash(document: dict[str, Any]) -> None:
    document["root_chains"][0]["block_hash"] = "0x00"


def _too_much_wei(document: dict[str, Any]) -> None:
    document["validators"][0]["stake_wei"] = str(2**256)


def _endless_wei(document: dict[str, Any]) -> None:
    document["validators"][0]["stake_wei"] = "9" * 5_000


def _half_a_character(document: dict[str, Any]) -> None:
    document["name"] = "\ud800"


@pytest.mark.parametrize(
    "spoil",
    [
        _too_much_wei,
        _endless_wei,
        _half_a_character,
        _without,
        _with_unknown,
        _float,
        _negative,
        _true,
        _number_as_wei,
        _bad_hex,
        _bad_form,
        _not_a_list,
        _short_hash,
    ],
)
def test_file__wrong_type_range_or_key__refused_with_the_place(spoil: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(genesis_to_json(GOOD))
    spoil(document)
    with pytest.raises(GenesisError, match="genesis"):
        genesis_from_json(json.dumps(document))


def test_file__not_json_or_too_long__refused() -> None:
    with pytest.raises(GenesisError, match="not JSON"):
        genesis_from_json("{")
    with pytest.raises(GenesisError, match="not JSON"):
        genesis_from_json("[" * 5_000)
    with pytest.raises(GenesisError, match="limit"):
        genesis_from_json(" " * (FILE_BYTES_MAX + 1))
