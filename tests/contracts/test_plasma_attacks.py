"""What an attacker would try on the plasma bridge: other writings of a proof, forged logs, burns of others."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.exit_payload import ExitPayload, decode_payload, encode_payload, verify_payload
from bridge.codec.header import leaf
from bridge.codec.hexadecimal import from_hex
from bridge.codec.types import Address, Hash32, Wei
from contracts import plasma_calls
from contracts.loader import artifact
from contracts.plasma_deployment import ETHER
from node.devnet.chain import CallReverted
from node.devnet.chain.views import Call
from tests.contracts.crossing import BURNER, free_log
from tests.contracts.harness import DEPLOYER, STRANGER, SUBMITTER, invoke, reason
from tests.contracts.network import TOKEN
from tests.contracts.plasma import (
    HALF_EXIT_PERIOD_S,
    NFT_IDS,
    PAID,
    PUPPET,
    Plasma,
    burn_key,
    exit_ids,
    puppet_burnt,
    puppet_run,
    puppet_started,
)
from tests.contracts.test_exit import ALIASES

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "real-vectors.json").read_text())
FUZZED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WITHDRAW, WITHDRAW_NFT = (
    next(each.topic for each in artifact(name).entries("event") if each.name == "Withdraw")
    for name in ("PlasmaERC20", "PlasmaERC721")
)
WORDS = TOKEN.to_bytes(32) + bytes(64)
LOWER_HALF = 2**128 - 1
Topics: TypeAlias = tuple[Hash32, ...]


def word(address: Address) -> Hash32:
    return Hash32(address.rjust(32, b"\x00"))


def free_burn(plasma: Plasma) -> Topics:
    """The topics of a burn of the free token, by the burner."""
    return (WITHDRAW, word(plasma.free_root_token), word(BURNER.address))


def known(plasma: Plasma, key: int) -> bool:
    return plasma.root.number(plasma.here.withdraw_manager, "isKnownExit(uint128)", key) == 1


# Several burns in a receipt.


def test_burns__several_in_a_receipt__come_out_once_each_under_ids_of_their_own(plasma: Plasma) -> None:
    """The first has the id that Polygon's contract gives it, whichever is started first."""
    burns = [plasma_calls.withdraw_native(plasma.there, Wei(place * TOKEN)) for place in (1, 2, 3)]
    block = puppet_burnt(plasma, *burns)
    ids = [puppet_started(plasma, block, [place])[0] for place in (2, 0, 1)]
    assert [exit_id & LOWER_HALF for exit_id in ids] == [burn_key(block, ordinal=place) for place in (2, 0, 1)]
    again = [plasma.start(plasma.crossing.payload(block, log_index=place)) for place in range(3)]
    for step in again:
        assert plasma.root.refusal(STRANGER, puppet_run([step])) == "CallFailed"
    plasma.wait(2 * HALF_EXIT_PERIOD_S)
    paid = plasma.process(plasma.native_root_token)
    assert sorted(exit_ids(paid.logs, PAID)) == sorted(ids)
    assert plasma.balance(plasma.native_root_token, PUPPET) == 6 * TOKEN


def test_burns__of_different_tokens_in_a_receipt__never_share_an_id(plasma: Plasma) -> None:
    """Transfer logs stand between them, which do not count; both forms of Withdraw do."""
    nft, there = NFT_IDS[1], plasma.there
    to_puppet = invoke(there.demo_nft, "transferFrom(address,address,uint256)", BURNER.address, PUPPET, nft)
    plasma.side.send(BURNER, to_puppet)
    burns = (
        plasma_calls.withdraw(there.demo_token, TOKEN),
        plasma_calls.withdraw(there.demo_nft, nft),
        plasma_calls.withdraw(there.ether, TOKEN),
        plasma_calls.withdraw_native(there, Wei(TOKEN)),
    )
    block = puppet_burnt(plasma, *burns)
    ids = puppet_started(plasma, block, [1, 5, 6]) + puppet_started(plasma, block, [3], plasma.here.erc721_predicate)
    assert [exit_id & LOWER_HALF for exit_id in ids] == [burn_key(block, ordinal=place) for place in (0, 2, 3, 1)]
    plasma.wait(2 * HALF_EXIT_PERIOD_S)
    for token in (plasma.here.demo_token, plasma.here.demo_nft, ETHER, plasma.native_root_token):
        assert len(exit_ids(plasma.process(token).logs, PAID)) == 1
    assert plasma.balance(plasma.here.demo_token, PUPPET) == TOKEN
    assert plasma.root.embedded.balance(PUPPET) == TOKEN
    assert plasma.root.address(plasma.here.demo_nft, "ownerOf(uint256)", nft) == PUPPET


def test_burn__after_a_forged_one_of_its_receipt__comes_out_all_the_same(plasma: Plasma) -> None:
    forged = free_log(plasma.crossing.unmapped_token, free_burn(plasma), WORDS, count=5)
    block = puppet_burnt(plasma, forged, plasma_calls.withdraw_native(plasma.there, Wei(TOKEN)))
    (exit_id,) = puppet_started(plasma, block, [5])
    assert exit_id & LOWER_HALF == burn_key(block, ordinal=5)


def test_burn__late_in_a_receipt_of_other_logs__has_polygons_id(plasma: Plasma) -> None:
    others = [
        free_log(plasma.crossing.free_token, (), b"", count=20),
        free_log(plasma.crossing.free_token, (TRANSFER_TOPIC, WITHDRAW, WITHDRAW, WITHDRAW), WITHDRAW, count=20),
    ]
    block = puppet_burnt(plasma, *others, plasma_calls.withdraw_native(plasma.there, Wei(TOKEN)))
    (exit_id,) = puppet_started(plasma, block, [40])
    assert exit_id & LOWER_HALF == burn_key(block)


# What is no burn.


@pytest.mark.parametrize(
    ("change", "data", "refusal"),
    [
        (lambda topics: (TRANSFER_TOPIC, *topics[1:]), WORDS, "Not a withdraw event signature"),
        (lambda topics: (WITHDRAW_NFT, *topics[1:]), TOKEN.to_bytes(32), "Not a withdraw event signature"),
        (lambda topics: (*topics[:2], word(SUBMITTER.address)), WORDS, "Withdrawer and burn exit tx do not match"),
        (lambda topics: (*topics[:2], Hash32(b"\x01" + topics[2][1:])), WORDS, "NotAnAddress"),
        (lambda topics: (topics[0], Hash32(b"\x01" + topics[1][1:]), topics[2]), WORDS, "NotAnAddress"),
        (lambda topics: topics[:2], WORDS, "MalformedRlp"),
        (lambda topics: (*topics, topics[2]), WORDS, "MalformedRlp"),
        (lambda topics: (), WORDS, "MalformedRlp"),
        (lambda topics: topics, b"", "WrongDataLength"),
        (lambda topics: topics, WORDS[:-1], "WrongDataLength"),
        (lambda topics: topics, WORDS + b"\x00", "WrongDataLength"),
        (lambda topics: topics, TOKEN.to_bytes(32), "WrongDataLength"),
    ],
    ids=[
        *("signature", "NFT", "burner", "dirty burner", "dirty token", "2 topics", "4 topics", "0 topics"),
        *("empty", "short", "long", "one word"),
    ],
)
def test_start__of_a_log_that_is_no_burn__is_refused(
    plasma: Plasma, change: Callable[[Topics], Topics], data: bytes, refusal: str
) -> None:
    block = plasma.burnt(free_log(plasma.crossing.free_token, change(free_burn(plasma)), data))
    assert plasma.root.refusal(BURNER, plasma.start(plasma.crossing.payload(block))) == refusal


def test_start__of_a_burn_that_another_contract_logs__is_refused(plasma: Plasma) -> None:
    """Neither a contract that is mapped to another token nor one that is not mapped speaks for a token."""
    refusal = "INVALID_ROOT_TO_CHILD_TOKEN_MAPPING"
    for emitter, root_token in (
        (plasma.crossing.free_token, plasma.here.demo_token),
        (plasma.crossing.free_token, plasma.native_root_token),
        (plasma.crossing.free_token, ETHER),
        (plasma.crossing.unmapped_token, plasma.free_root_token),
        (plasma.crossing.free_token, STRANGER.address),
        (plasma.crossing.free_token, Address(bytes(20))),
    ):
        topics = (WITHDRAW, word(root_token), word(BURNER.address))
        block = plasma.burnt(free_log(emitter, topics, WORDS))
        assert plasma.root.refusal(BURNER, plasma.start(plasma.crossing.payload(block))) == refusal


def test_start__by_the_predicate_of_another_kind__is_refused(plasma: Plasma) -> None:
    block = plasma.burnt(plasma_calls.withdraw(plasma.there.demo_nft, NFT_IDS[0]))
    step = plasma.start(plasma.crossing.payload(block, log_index=1))
    assert plasma.root.refusal(BURNER, step) == "Not a withdraw event signature"
    # A token of the ERC-20 kind that logs as an NFT does, so that its predicate must be refused.
    topics = (WITHDRAW_NFT, *free_burn(plasma)[1:])
    block = plasma.burnt(free_log(plasma.crossing.free_token, topics, TOKEN.to_bytes(32)))
    step = plasma.start(plasma.crossing.payload(block), plasma.here.erc721_predicate)
    assert plasma.root.refusal(BURNER, step) == "INVALID_PREDICATE"


def test_inner_calls__by_anybody_but_their_callers__are_refused(plasma: Plasma) -> None:
    here, root = plasma.here, plasma.root
    transfer = invoke(here.deposit_manager, "transferAssets(address,address,uint256)", ETHER, STRANGER.address, TOKEN)
    finalize = invoke(here.erc20_predicate, "onFinalizeExit(bytes)", bytes(128))
    queue = "addExitToQueue(address,address,address,uint256,bytes32,bool,uint256)"
    tokens = (plasma.there.demo_token, here.demo_token)
    add = invoke(here.withdraw_manager, queue, STRANGER.address, *tokens, TOKEN, bytes(32), True, 2**128)
    other_kind = invoke(here.withdraw_manager, queue, STRANGER.address, *tokens, TOKEN, bytes(32), False, 2**128)
    for sender in (STRANGER, DEPLOYER):
        assert root.refusal(sender, transfer) == "NotAPredicate"
        assert root.refusal(sender, finalize) == "NotTheWithdrawManager"
        assert root.refusal(sender, add) == "INVALID_PREDICATE"
        assert root.refusal(sender, other_kind) == "OnlyBurnExits"
        retry = invoke(here.withdraw_manager, "retryExit(uint256)", 2**128)
        assert root.refusal(sender, retry) == "NotFailed"


def test_inclusion__of_anything_but_a_burn__is_refused(plasma: Plasma) -> None:
    block = plasma.burnt(plasma_calls.withdraw_native(plasma.there, Wei(TOKEN)))
    data = encode_payload(plasma.crossing.payload(block))
    verify = "verifyInclusion(bytes,uint8,bool)"
    age = plasma.root.number(plasma.here.withdraw_manager, verify, data, 0, False)
    assert age & (2**127 - 1) == burn_key(block) >> 1
    for offset, with_transaction in ((10, False), (0, True)):
        step = invoke(plasma.here.withdraw_manager, verify, data, offset, with_transaction)
        assert plasma.root.refusal(BURNER, step) == "OnlyBurnExits"


# What is no proof, or not the proof.


@pytest.fixture(scope="session")
def burnt_once(plasma_once: Plasma) -> tuple[Plasma, ExitPayload]:
    """A burn whose exit has been started, and the payload that started it."""
    plasma = plasma_once.copy()
    plasma.crossing.checkpoint()
    block = plasma.side.send(BURNER, plasma_calls.withdraw(plasma.there.demo_token, TOKEN)).header
    plasma.side.embedded.mine(5)
    plasma.crossing.checkpoint()
    payload = plasma.crossing.payload(block, log_index=1)
    plasma.root.send(BURNER, plasma.start(payload))
    assert known(plasma, burn_key(block))
    return plasma, payload


def refused(burnt: tuple[Plasma, ExitPayload], payload: ExitPayload | bytes) -> str:
    plasma, _ = burnt
    return plasma.root.refusal(BURNER, plasma.start(payload))


@pytest.mark.parametrize("mask", ALIASES.values(), ids=ALIASES.keys())
def test_start__with_another_writing_of_the_branch_mask__is_refused(
    burnt_once: tuple[Plasma, ExitPayload], mask: bytes
) -> None:
    """The hole through which a burn could come out 223 times on Polygon's contracts."""
    refusals = {"RootChainManager: INVALID_BRANCH_MASK", "MalformedRlp"}
    assert refused(burnt_once, replace(burnt_once[1], branch_mask=mask)) in refusals


@pytest.mark.parametrize("first", range(1, 256))
def test_start__with_another_first_byte_of_the_mask__is_refused(
    burnt_once: tuple[Plasma, ExitPayload], first: int
) -> None:
    mask = bytes((first,)) + burnt_once[1].branch_mask[1:]
    assert refused(burnt_once, replace(burnt_once[1], branch_mask=mask)) == "RootChainManager: INVALID_BRANCH_MASK"


@settings(FUZZED, max_examples=120)
@given(place=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_start__with_any_flipped_bit__is_refused(burnt_once: tuple[Plasma, ExitPayload], place: int, bit: int) -> None:
    changed = bytearray(encode_payload(burnt_once[1]))
    changed[place % len(changed)] ^= 1 << bit
    assert refused(burnt_once, bytes(changed)) != "KNOWN_EXIT"


@settings(FUZZED, max_examples=80)
@given(place=st.integers(0, 2**16), cut=st.integers(0, 40), insert=st.binary(max_size=40))
@example(place=0, cut=1, insert=b"")
def test_start__with_any_splice__is_refused(
    burnt_once: tuple[Plasma, ExitPayload], place: int, cut: int, insert: bytes
) -> None:
    good = encode_payload(burnt_once[1])
    start = place % len(good)
    changed = good[:start] + insert + good[start + cut :]
    if changed != good:
        assert refused(burnt_once, changed) != "KNOWN_EXIT"


def test_start__again_under_a_header_that_was_submitted_anew__is_refused(
    burnt_once: tuple[Plasma, ExitPayload],
) -> None:
    """The new header has a later time, so the exit's id would differ: not its lower half."""
    plasma, payload = burnt_once[0].copy(), burnt_once[1]
    root_chain = plasma.crossing.root.contracts.root_chain
    plasma.root.send(DEPLOYER, invoke(root_chain, "setNextHeaderBlock(uint256)", payload.header_id))
    plasma.crossing.checkpoints.pop()
    plasma.wait(10)
    plasma.crossing.checkpoint()
    block = plasma.side.embedded.header(payload.block_number)
    step = plasma.start(plasma.crossing.payload(block, log_index=1))
    assert plasma.root.refusal(BURNER, step) == "KNOWN_EXIT"


def test_start__with_the_burn_of_polygons_mainnet__finds_it_and_gives_it_polygons_id(plasma: Plasma) -> None:
    """A real payload, of a state-sync receipt of 17 logs; only its header id and block proof are ours."""
    real = decode_payload(from_hex(VECTORS["mainnet_plasma_exit"]["payload"]))
    payload = replace(real, header_id=2 * HEADER_ID_STEP, block_proof=())
    root = leaf(payload.block_number, payload.timestamp, payload.transactions_root, payload.receipts_root)
    network = plasma.crossing.root
    network.submit(network.checkpoint(blocks=payload.block_number))
    network.submit(replace(network.checkpoint(blocks=1), root_hash=root))
    log = verify_payload(payload, root, payload.block_number, payload.block_number)
    root_token, burner = (Address(topic[-20:]) for topic in log.topics[1:])
    start = plasma.start(payload)
    assert start.to is not None

    def outcome() -> str:
        try:
            plasma.root.embedded.run(Call(start.to, start.data, burner))
        except CallReverted as reverted:
            return reason(reverted.data)
        return "started"

    assert plasma.root.refusal(BURNER, start) == "Withdrawer and burn exit tx do not match"
    assert outcome() == "INVALID_ROOT_TO_CHILD_TOKEN_MAPPING"
    step = invoke(plasma.here.registry, "mapToken(address,address,bool)", root_token, log.address, False)
    plasma.root.send(DEPLOYER, step)
    assert outcome() == "started"
    verify, data = "verifyInclusion(bytes,uint8,bool)", encode_payload(payload)
    age = plasma.root.number(plasma.here.withdraw_manager, verify, data, 0, False)
    assert age & (2**127 - 1) == payload.block_number << 32 | int.from_bytes(payload.branch_mask)
