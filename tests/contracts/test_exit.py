"""Exits: burns of a real side chain come out on the root chain, once, and only by their one exact proof."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict, cast

import pytest
from eth_account import Account as EthAccount
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.codec import merkle, rlp
from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.errors import PayloadError
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.exit_payload import (
    ExitPayload,
    branch_mask,
    decode_payload,
    encode_payload,
    exit_hash,
    verify_payload,
)
from bridge.codec.hash import keccak256
from bridge.codec.header import Header, leaf, leaf_of
from bridge.codec.hexadecimal import from_hex
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, Address, BlockNumber, Hash32
from contracts.deployment import ERC20_TOKEN_TYPE
from tests.contracts.crossing import BURNER, DEPOSIT_WEI, Crossing, free_log
from tests.contracts.harness import DEPLOYER, FEE_CAP_WEI, GAS_LIMIT, SUBMITTER, invoke
from tests.contracts.network import SIDE_CHAIN_ID, TOKEN

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "real-vectors.json").read_text())
EXITED_ERC20 = "bb61bd1b26b3684c7c028ff1a8f6dabcac2fac8ac57b66fa6b1efb6edeab03c4"
MALFORMED = "MalformedRlp"
BLOCKS_BEFORE = 5


@dataclass(frozen=True, slots=True)
class Burnt:
    """A crossing on which one burn of five tokens is under the second of two checkpoints."""

    crossing: Crossing
    block: Header
    payload: ExitPayload

    def refusal(self, payload: ExitPayload | bytes) -> str:
        """Why an exit with this payload would be refused."""
        data = payload if isinstance(payload, bytes) else encode_payload(payload)
        return self.crossing.root.chain.refusal(SUBMITTER, self.crossing.exit(data))


@pytest.fixture(scope="session")
def burnt_once(joined_chains: Crossing) -> Burnt:
    crossing = joined_chains.copy()
    crossing.checkpoint()
    crossing.side.embedded.mine(BLOCKS_BEFORE)
    block = crossing.side.send(BURNER, crossing.burn(5 * TOKEN)).header
    crossing.side.embedded.mine(3)
    crossing.checkpoint()
    return Burnt(crossing, block, crossing.payload(block))


@pytest.fixture
def burnt(burnt_once: Burnt) -> Burnt:
    """One burn, ready to be taken out."""
    return replace(burnt_once, crossing=burnt_once.crossing.copy())


def word(address: Address) -> Hash32:
    return Hash32(address.rjust(32, b"\x00"))


BURN_TOPICS = (TRANSFER_TOPIC, word(BURNER.address), ZERO_HASH)


# What comes out.


def test_exit__of_a_checkpointed_burn__pays_whoever_burnt_once(burnt: Burnt) -> None:
    crossing, payload = burnt.crossing, burnt.payload
    manager = crossing.root.contracts.root_chain_manager
    key = exit_hash(payload.block_number, payload.branch_mask, payload.log_index)
    assert crossing.root.chain.number(manager, "processedExits(bytes32)", key) == 0
    step = crossing.exit(encode_payload(payload))
    assert step.data[:4].hex() == "3805550f"

    mined = crossing.root.chain.send(SUBMITTER, step)

    assert crossing.root_balance(BURNER.address) == 5 * TOKEN
    assert crossing.root_balance(crossing.root.contracts.erc20_predicate) == DEPOSIT_WEI - 5 * TOKEN
    assert crossing.root.chain.number(manager, "processedExits(bytes32)", key) == 1
    exited = next(log for log in mined.logs if log.address == crossing.root.contracts.erc20_predicate)
    assert [topic.hex() for topic in exited.topics] == [
        EXITED_ERC20,
        word(BURNER.address).hex(),
        word(crossing.root.contracts.demo_token).hex(),
    ]
    assert exited.data == (5 * TOKEN).to_bytes(32)
    assert burnt.refusal(payload) == "RootChainManager: EXIT_ALREADY_PROCESSED"


def test_exit__of_a_burn_without_checkpoint__is_refused_until_there_is_one(burnt: Burnt) -> None:
    crossing = burnt.crossing
    block = crossing.side.send(BURNER, crossing.burn(TOKEN)).header
    ahead = crossing.copy()
    ahead.checkpoint()
    payload = encode_payload(ahead.payload(block))
    assert burnt.refusal(payload) == "RootChainManager: INVALID_HEADER"
    crossing.checkpoint()
    crossing.root.chain.send(SUBMITTER, crossing.exit(payload))


def test_exit__after_its_header_was_taken_back__is_refused(burnt: Burnt) -> None:
    crossing = burnt.crossing
    reset = invoke(crossing.root.contracts.root_chain, "setNextHeaderBlock(uint256)", 2 * HEADER_ID_STEP)
    crossing.root.chain.send(DEPLOYER, reset)
    assert burnt.refusal(burnt.payload) == "RootChainManager: INVALID_HEADER"


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 5, 8])
def test_exit__from_a_checkpoint_of_any_size__pays(crossing: Crossing, blocks: int) -> None:
    crossing.checkpoint()
    burns = [crossing.side.send(BURNER, crossing.burn(TOKEN)).header for _ in range(blocks)]
    crossing.checkpoint()
    for block in burns:
        crossing.root.chain.send(SUBMITTER, crossing.exit(encode_payload(crossing.payload(block))))
    assert crossing.root_balance(BURNER.address) == blocks * TOKEN


def test_exit__of_burns_all_over_a_full_block__pays_each(crossing: Crossing) -> None:
    """Indices below and above 128 have keys of one and of two bytes; the trie then has extensions and branches."""
    crossing.side.send(
        DEPLOYER, invoke(crossing.side_contracts.demo_token, "approve(address,uint256)", ZERO_ADDRESS[:19] + b"\x01", 1)
    )
    burn = crossing.burn(TOKEN)
    for place in range(140):
        crossing.side.embedded.send_raw(crossing.side.raw(BURNER, burn, nonce_offset=place, gas_limit=100_000))
    crossing.side.clock.advance(1)
    (block,) = crossing.side.embedded.mine()
    assert len(crossing.side.embedded.receipts(block.hash)) == 140
    crossing.checkpoint()
    places = (0, 1, 15, 16, 127, 128, 139)
    for place in places:
        crossing.root.chain.send(SUBMITTER, crossing.exit(encode_payload(crossing.payload(block, place))))
    assert crossing.root_balance(BURNER.address) == len(places) * TOKEN


@pytest.mark.parametrize("transaction_type", [0, 1, 2])
def test_exit__of_a_transaction_of_each_type__pays(crossing: Crossing, transaction_type: int) -> None:
    burn = crossing.burn(TOKEN)
    assert burn.to is not None
    fields: dict[str, object] = {
        "chainId": SIDE_CHAIN_ID,
        "nonce": crossing.side.embedded.nonce(BURNER.address),
        "gas": GAS_LIMIT,
        "to": burn.to,
        "value": 0,
        "data": burn.data,
    }
    if transaction_type == 2:
        fields |= {"type": 2, "maxFeePerGas": FEE_CAP_WEI, "maxPriorityFeePerGas": 1}
    else:
        fields |= {"gasPrice": FEE_CAP_WEI} | ({"type": 1, "accessList": []} if transaction_type else {})
    signed = EthAccount.sign_transaction(fields, BURNER.private_key)
    crossing.side.embedded.send_raw(bytes(signed.raw_transaction))
    crossing.side.clock.advance(1)
    (block,) = crossing.side.embedded.mine()
    crossing.checkpoint()
    payload = crossing.payload(block)
    assert payload.receipt[0] == transaction_type if transaction_type else payload.receipt[0] >= 0xC0
    crossing.root.chain.send(SUBMITTER, crossing.exit(encode_payload(payload)))
    assert crossing.root_balance(BURNER.address) == TOKEN


def test_exit__of_several_burns_in_a_receipt__pays_each_once(crossing: Crossing) -> None:
    burns = free_log(crossing.free_token, BURN_TOPICS, TOKEN.to_bytes(32), count=3)
    block = crossing.side.send(BURNER, burns).header
    crossing.checkpoint()
    for log_index in range(3):
        step = crossing.exit(encode_payload(crossing.payload(block, log_index=log_index)))
        crossing.root.chain.send(SUBMITTER, step)
        assert crossing.root.chain.refusal(SUBMITTER, step) == "RootChainManager: EXIT_ALREADY_PROCESSED"
    stake_token = crossing.root.contracts.stake_token
    assert crossing.root.chain.number(stake_token, "balanceOf(address)", BURNER.address) == 3 * TOKEN
    beyond = crossing.exit(encode_payload(crossing.payload(block, log_index=3)))
    assert crossing.root.chain.refusal(SUBMITTER, beyond) == MALFORMED


# What is no burn.


@pytest.mark.parametrize(
    ("topics", "data", "error"),
    [
        ((keccak256(b"Other()"), *BURN_TOPICS[1:]), TOKEN.to_bytes(32), "ERC20Predicate: INVALID_SIGNATURE"),
        ((*BURN_TOPICS[:2], word(BURNER.address)), TOKEN.to_bytes(32), "ERC20Predicate: INVALID_RECEIVER"),
        (BURN_TOPICS[:2], TOKEN.to_bytes(32), MALFORMED),
        ((*BURN_TOPICS, ZERO_HASH), TOKEN.to_bytes(32), MALFORMED),
        ((), TOKEN.to_bytes(32), MALFORMED),
        (BURN_TOPICS, TOKEN.to_bytes(31), "WrongDataLength"),
        (BURN_TOPICS, b"", "WrongDataLength"),
        (BURN_TOPICS, TOKEN.to_bytes(32) + bytes(32), "WrongDataLength"),
        (BURN_TOPICS, (DEPOSIT_WEI + 1).to_bytes(32), "ERC20InsufficientBalance"),
    ],
    ids=["signature", "receiver", "2 topics", "4 topics", "0 topics", "short", "empty", "long", "unbacked"],
)
def test_exit__of_a_log_that_is_no_burn__is_refused(
    crossing: Crossing, topics: tuple[Hash32, ...], data: bytes, error: str
) -> None:
    block = crossing.side.send(BURNER, free_log(crossing.free_token, topics, data)).header
    crossing.checkpoint()
    step = crossing.exit(encode_payload(crossing.payload(block)))
    assert crossing.root.chain.refusal(SUBMITTER, step) == error


def test_exit__of_a_token_that_is_not_mapped__is_refused(crossing: Crossing) -> None:
    block = crossing.side.send(BURNER, free_log(crossing.unmapped_token, BURN_TOPICS, TOKEN.to_bytes(32))).header
    crossing.checkpoint()
    step = crossing.exit(encode_payload(crossing.payload(block)))
    assert crossing.root.chain.refusal(SUBMITTER, step) == "RootChainManager: TOKEN_NOT_MAPPED"


# What is no proof.

TAMPERED: dict[str, tuple[Callable[[ExitPayload], ExitPayload], str]] = {
    "another log": (lambda p: replace(p, log_index=1), MALFORMED),
    "log beyond 64 bits": (lambda p: replace(p, log_index=2**64), MALFORMED),
    "no such header": (lambda p: replace(p, header_id=9 * HEADER_ID_STEP), "RootChainManager: INVALID_HEADER"),
    "header id between": (lambda p: replace(p, header_id=p.header_id + 1), "RootChainManager: INVALID_HEADER"),
    "header id zero": (lambda p: replace(p, header_id=0), "RootChainManager: INVALID_HEADER"),
    "another header": (lambda p: replace(p, header_id=HEADER_ID_STEP), "RootChainManager: INVALID_HEADER"),
    "next block": (
        lambda p: replace(p, block_number=BlockNumber(p.block_number + 1)),
        "RootChainManager: INVALID_HEADER",
    ),
    "block before": (lambda p: replace(p, block_number=BlockNumber(0)), "RootChainManager: INVALID_HEADER"),
    "block beyond": (
        # Past the end of the checkpoint there are zero leaves; Polygon's contract does not look at the end.
        lambda p: replace(p, block_number=BlockNumber(p.block_number + 16)),
        "RootChainManager: INVALID_HEADER",
    ),
    "another root": (lambda p: replace(p, receipts_root=keccak256(b"")), "RootChainManager: INVALID_HEADER"),
    "longer block proof": (
        lambda p: replace(p, block_proof=(*p.block_proof, ZERO_HASH)),
        "RootChainManager: INVALID_HEADER",
    ),
    "shorter block proof": (lambda p: replace(p, block_proof=p.block_proof[:-1]), "RootChainManager: INVALID_HEADER"),
    "no block proof": (lambda p: replace(p, block_proof=()), "RootChainManager: INVALID_HEADER"),
    "another transaction": (lambda p: replace(p, branch_mask=branch_mask(1)), "RootChainManager: INVALID_PROOF"),
    "no receipt": (lambda p: replace(p, receipt=b""), "RootChainManager: INVALID_PROOF"),
    "another receipt": (lambda p: replace(p, receipt=p.receipt + b"\x00"), "RootChainManager: INVALID_PROOF"),
    "no nodes": (lambda p: replace(p, receipt_proof=()), "RootChainManager: INVALID_PROOF"),
    "a node too many": (lambda p: replace(p, receipt_proof=p.receipt_proof * 2), "RootChainManager: INVALID_PROOF"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_exit__with_another_item__is_refused(burnt: Burnt, name: str) -> None:
    tamper, error = TAMPERED[name]
    assert burnt.refusal(tamper(burnt.payload)) == error


ALIASES = {
    "odd flag": b"\x10\x80",
    "leaf flag": b"\x20\x80",
    "low nibble of the flag": b"\x01\x80",
    "no flag": b"\x80",
    "empty": b"",
    "only a flag": b"\x00",
    "zero as a byte": b"\x00\x00",
    "long form": b"\x00\x81\x00",
    "trailing": b"\x00\x80\x00",
    "over 32 bits": b"\x00\x85\x01\x00\x00\x00\x00",
}


@pytest.mark.parametrize("mask", ALIASES.values(), ids=ALIASES.keys())
def test_exit__with_another_writing_of_the_branch_mask__is_refused(burnt: Burnt, mask: bytes) -> None:
    """Each alias that were accepted would be another exit of the same burn, or at least another payload."""
    refusal = burnt.refusal(replace(burnt.payload, branch_mask=mask))
    assert refusal in {"RootChainManager: INVALID_BRANCH_MASK", MALFORMED}


def items_of(payload: ExitPayload) -> list[rlp.RlpItem]:
    return list(rlp.as_list(rlp.decode(encode_payload(payload))))


def test_exit__with_an_item_more_or_less__is_refused(burnt: Burnt) -> None:
    """Polygon's contract ignores further items."""
    items = items_of(burnt.payload)
    assert burnt.refusal(rlp.encode([*items, b"\x01"])) == MALFORMED
    assert burnt.refusal(rlp.encode(items[:-1])) == MALFORMED
    assert burnt.refusal(rlp.encode([])) == MALFORMED
    assert burnt.refusal(b"") == MALFORMED
    assert burnt.refusal(rlp.encode(b"payload")) == MALFORMED
    assert burnt.refusal(encode_payload(burnt.payload) + b"\x00") == MALFORMED
    assert burnt.refusal(encode_payload(burnt.payload)[:-1]) == MALFORMED


@pytest.mark.parametrize("place", [0, 2, 3, 9])
def test_exit__with_a_padded_integer__is_refused(burnt: Burnt, place: int) -> None:
    items = items_of(burnt.payload)
    items[place] = b"\x00" + rlp.as_bytes(items[place])
    assert burnt.refusal(rlp.encode(items)) == MALFORMED


@pytest.mark.parametrize("place", [4, 5])
def test_exit__with_a_root_of_another_length__is_refused(burnt: Burnt, place: int) -> None:
    items = items_of(burnt.payload)
    items[place] = b"\x00" + rlp.as_bytes(items[place])
    assert burnt.refusal(rlp.encode(items)) == MALFORMED
    items[place] = rlp.as_bytes(items[place])[2:]
    assert burnt.refusal(rlp.encode(items)) == MALFORMED


@pytest.mark.parametrize("place", range(10))
def test_exit__with_a_list_for_an_item__is_refused(burnt: Burnt, place: int) -> None:
    items = items_of(burnt.payload)
    items[place] = (items[place],)
    assert burnt.refusal(rlp.encode(items)) == MALFORMED


def test_exit__with_lengths_written_longer__is_refused(burnt: Burnt) -> None:
    body = b"".join(rlp.encode(item) for item in items_of(burnt.payload))
    assert b"\xf9" + len(body).to_bytes(2) + body == encode_payload(burnt.payload)
    assert burnt.refusal(b"\xfa" + len(body).to_bytes(3) + body) == MALFORMED
    assert burnt.refusal(b"\xff" + len(body).to_bytes(8) + body) == MALFORMED
    assert burnt.refusal(b"\xff" + b"\xff" * 8 + body) == MALFORMED
    assert burnt.refusal(b"\xf8") == MALFORMED
    # Items of one byte, and of 55, have a shorter form than these.
    assert burnt.refusal(b"\xc2\x81\x01") == MALFORMED
    assert burnt.refusal(b"\xf8\x39\xb8\x37" + b"\x01" * 55) == MALFORMED


FUZZED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(FUZZED, max_examples=80)
@given(place=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_exit__with_any_flipped_bit__is_refused_here_and_by_our_codec(burnt: Burnt, place: int, bit: int) -> None:
    changed = bytearray(encode_payload(burnt.payload))
    changed[place % len(changed)] ^= 1 << bit
    assert burnt.refusal(bytes(changed))
    assert not codec_accepts(burnt, bytes(changed))


@settings(FUZZED, max_examples=60)
@given(place=st.integers(0, 2**16), cut=st.integers(0, 40), insert=st.binary(max_size=40))
@example(place=0, cut=1, insert=b"")
def test_exit__with_any_splice__is_refused_here_and_by_our_codec(
    burnt: Burnt, place: int, cut: int, insert: bytes
) -> None:
    good = encode_payload(burnt.payload)
    start = place % len(good)
    changed = good[:start] + insert + good[start + cut :]
    if changed != good:
        assert burnt.refusal(changed)
        assert not codec_accepts(burnt, changed)


def codec_accepts(burnt: Burnt, data: bytes) -> bool:
    """What our own verifier says of a payload under the checkpoint of the burn."""
    under = burnt.crossing.checkpoints[-1]
    root = merkle.root([leaf_of(header) for header in under.headers])
    try:
        payload = decode_payload(data)
        if payload.header_id != under.header_id:
            return False
        verify_payload(payload, root, under.headers[0].number, under.headers[-1].number)
    except PayloadError:
        return False
    return True


def test_codec__of_the_untouched_payload__accepts(burnt: Burnt) -> None:
    assert codec_accepts(burnt, encode_payload(burnt.payload))


# Payloads that users of Polygon's bridge have sent.


class RealPayload(TypedDict):
    """An entry of the vectors; there is more in it."""

    payload: str


REAL = {
    "mainnet_erc20_burn": "SafeERC20FailedOperation",  # the burn is believed; its token here is no contract
    "mumbai_erc20_burn": "SafeERC20FailedOperation",
    "mainnet_plasma_exit": "ERC20Predicate: INVALID_SIGNATURE",  # a Withdraw event, for other contracts
}


@pytest.mark.parametrize("name", REAL)
def test_exit__with_a_real_receipt_proof__finds_the_log(crossing: Crossing, name: str) -> None:
    """The real block stands alone under our second header: header id and block proof are ours, all else is real."""
    real = decode_payload(from_hex(cast("RealPayload", VECTORS[name])["payload"]))
    payload = replace(real, header_id=2 * HEADER_ID_STEP, block_proof=())
    block_leaf = leaf(payload.block_number, payload.timestamp, payload.transactions_root, payload.receipts_root)
    crossing.root.submit(crossing.root.checkpoint(blocks=payload.block_number))
    crossing.root.submit(replace(crossing.root.checkpoint(blocks=1), root_hash=block_leaf))

    step = crossing.exit(encode_payload(payload))

    assert crossing.root.chain.refusal(SUBMITTER, step) == "RootChainManager: TOKEN_NOT_MAPPED"
    burnt_token = verify_payload(payload, block_leaf, payload.block_number, payload.block_number).address
    map_token = "mapToken(address,address,bytes32)"
    manager, token = crossing.root.contracts.root_chain_manager, Address(b"\x42" * 20)
    crossing.root.chain.send(DEPLOYER, invoke(manager, map_token, token, burnt_token, ERC20_TOKEN_TYPE))
    assert crossing.root.chain.refusal(SUBMITTER, step) == REAL[name]
