"""The pool: geth's rules and words, which the outbox and every other client go by."""

from dataclasses import replace

import pytest
from eth_account import Account as EthAccount
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.clock import ManualClock
from bridge.chain.sending import SendMeaning, classify_refusal
from bridge.codec.transaction import RAW_BYTES_MAX
from bridge.codec.types import ChainId
from node.devnet.chain import TransactionRefused
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chain.pool import PoolLimits
from tests.unit.devnet.world import ALICE, BOB, CHAIN_ID, GENESIS, GWEI, POOR, SPINNER, deploy, open_chain, signed


def unprotected() -> bytes:
    fields = {"to": POOR.address, "value": 0, "gas": 21_000, "gasPrice": 2 * GWEI, "nonce": 0}
    return bytes(EthAccount.sign_transaction(fields, ALICE.private_key).raw_transaction)


def nested(depth: int) -> bytes:
    """A list in a list in a list …"""
    wrapped = b""
    for _ in range(depth):
        length = len(wrapped)
        size = length.to_bytes((length.bit_length() + 7) // 8)
        wrapped = (bytes((0xC0 + length,)) if length < 56 else bytes((0xF7 + len(size),)) + size) + wrapped
    return wrapped


REFUSED = {
    "empty": (b"", "transaction type not supported", SendMeaning.REFUSED),
    "blob": (b"\x03\xc0", "transaction type not supported", SendMeaning.REFUSED),
    "set code": (b"\x04\xc0", "transaction type not supported", SendMeaning.REFUSED),
    "no list": (b"\x02\x80", "rlp:", SendMeaning.REFUSED),
    "deeply nested": (b"\xc1" * 60_000, "rlp:", SendMeaning.REFUSED),
    "deeply nested and whole": (nested(30_000), "rlp:", SendMeaning.REFUSED),
    "trailing byte": (signed(ALICE, 0) + b"\0", "rlp:", SendMeaning.REFUSED),
    "too large": (bytes((0xFF,)) * (RAW_BYTES_MAX + 1), "oversized data", SendMeaning.REFUSED),
    "another chain": (
        signed(ALICE, 0, chain_id=ChainId(1)),
        "invalid chain id for signer: have 1 want 7001",
        SendMeaning.REFUSED,
    ),
    "no chain": (unprotected(), "only replay-protected (EIP-155) transactions allowed over RPC", SendMeaning.REFUSED),
    "gas above a block's": (signed(ALICE, 0, gas_limit=15_000_001), "exceeds block gas limit", SendMeaning.REFUSED),
    "little gas": (
        signed(ALICE, 0, gas_limit=20_999),
        "intrinsic gas too low: gas 20999, minimum needed 21000",
        SendMeaning.REFUSED,
    ),
    "gas below the calldata floor": (
        signed(ALICE, 0, data=b"\x01" * 1_000, gas_limit=60_999),
        "insufficient gas for floor data gas cost: gas 60999, minimum needed 61000",
        SendMeaning.REFUSED,
    ),
    "long creation code": (
        signed(ALICE, 0, to=None, data=bytes(49_153), gas_limit=10_000_000),
        "max initcode size exceeded: code size 49153, limit 49152",
        SendMeaning.REFUSED,
    ),
    "tip above the cap": (
        signed(ALICE, 0, fee_cap_wei=GWEI, tip_wei=2 * GWEI),
        "max priority fee per gas higher than max fee per gas",
        SendMeaning.REFUSED,
    ),
    "no money": (
        signed(POOR, 0, gas_limit=21_000, fee_cap_wei=GWEI, value_wei=1),
        "insufficient funds for gas * price + value: balance 0, tx cost 21000000000001, overshot 21000000000001",
        SendMeaning.NOT_FUNDED,
    ),
}


@pytest.mark.parametrize(("raw", "words", "meaning"), REFUSED.values(), ids=REFUSED)
def test_send__impossible_transaction__is_refused_in_geths_words(raw: bytes, words: str, meaning: SendMeaning) -> None:
    chain = open_chain()
    with pytest.raises(TransactionRefused) as refusal:
        chain.send_raw(raw)
    assert words in str(refusal.value)
    assert classify_refusal(str(refusal.value)) is meaning
    assert chain.waiting_count == 0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=3), st.booleans())
def test_send__damaged_bytes__are_refused_or_another_sender(place: int, damage: bytes, cut: bool) -> None:
    chain = open_chain()
    raw = signed(ALICE, 0)
    place %= len(raw)
    broken = raw[:place] + damage + (b"" if cut else raw[place + len(damage) :])
    try:
        chain.send_raw(broken)
    except TransactionRefused:
        assert chain.waiting_count == 0


def test_send__used_nonce__is_too_low() -> None:
    chain = open_chain()
    chain.send_raw(signed(ALICE, 0))
    chain.mine()
    with pytest.raises(TransactionRefused, match="nonce too low: next nonce 1, tx nonce 0"):
        chain.send_raw(signed(ALICE, 0, value_wei=1))


def test_send__same_bytes_again__is_already_known() -> None:
    chain = open_chain()
    chain.send_raw(signed(ALICE, 0))
    with pytest.raises(TransactionRefused, match=r"^already known$"):
        chain.send_raw(signed(ALICE, 0))


@pytest.mark.parametrize(
    ("fee_cap", "tip", "is_taken"),
    [(110, 11, True), (110, 10, False), (109, 11, False), (105, 10.5, False), (200, 10, False), (100, 20, False)],
)
def test_send__same_nonce__replaces_only_with_both_fees_a_tenth_higher(
    fee_cap: int, tip: float, is_taken: bool
) -> None:
    chain = open_chain()
    first = chain.send_raw(signed(ALICE, 0, fee_cap_wei=100 * GWEI, tip_wei=10 * GWEI))
    raw = signed(ALICE, 0, fee_cap_wei=fee_cap * GWEI, tip_wei=int(tip * GWEI))
    if is_taken:
        second = chain.send_raw(raw)
        assert (chain.waiting(first), chain.waiting_count) == (None, 1)
        chain.mine()
        assert chain.mined(first) is None
        assert chain.mined(second) is not None
    else:
        with pytest.raises(TransactionRefused, match=r"^replacement transaction underpriced$"):
            chain.send_raw(raw)
        assert chain.waiting(first) is not None


def test_send__waiting_ones_use_up_the_balance__is_not_funded() -> None:
    chain = open_chain()
    chain.send_raw(signed(ALICE, 0, value_wei=600 * 10**18))
    with pytest.raises(TransactionRefused, match=r"insufficient funds .* queued cost"):
        chain.send_raw(signed(ALICE, 1, value_wei=600 * 10**18))
    chain.send_raw(signed(ALICE, 0, value_wei=601 * 10**18, fee_cap_wei=20 * GWEI, tip_wei=2 * GWEI))


def test_send__at_the_limit_of_one_sender__one_more_is_refused() -> None:
    chain = open_chain(pool_limits=PoolLimits(transactions_per_sender_max=3))
    for nonce in range(3):
        chain.send_raw(signed(ALICE, nonce))
    with pytest.raises(TransactionRefused, match="account limit exceeded"):
        chain.send_raw(signed(ALICE, 3))
    chain.send_raw(signed(ALICE, 2, fee_cap_wei=20 * GWEI, tip_wei=2 * GWEI))
    chain.send_raw(signed(BOB, 0))


def test_send__at_the_limit_of_all__one_more_is_refused() -> None:
    chain = open_chain(pool_limits=PoolLimits(transactions_max=3))
    for nonce in range(3):
        chain.send_raw(signed(ALICE, nonce))
    with pytest.raises(TransactionRefused, match="txpool is full") as refusal:
        chain.send_raw(signed(BOB, 0))
    assert classify_refusal(str(refusal.value)) is SendMeaning.POOL_FULL


def test_mine__nonce_gap__waits_until_it_is_filled() -> None:
    chain = open_chain()
    late = chain.send_raw(signed(ALICE, 1))
    assert chain.pending_nonce(ALICE.address) == 0
    chain.mine()
    assert chain.waiting(late) is not None
    chain.send_raw(signed(ALICE, 0))
    assert chain.pending_nonce(ALICE.address) == 2
    chain.mine()
    assert chain.mined(late) is not None


def test_mine__several_senders__best_tip_first_and_nonces_in_order() -> None:
    chain = open_chain()
    low = chain.send_raw(signed(ALICE, 0, tip_wei=GWEI))
    high_behind_low = chain.send_raw(signed(ALICE, 1, tip_wei=9 * GWEI))
    middle = chain.send_raw(signed(BOB, 0, tip_wei=5 * GWEI))
    expected = [middle, low, high_behind_low]
    assert [each.hash for each in chain.pending()] == expected
    chain.mine()
    assert [each.hash for each in chain.block().transactions] == expected


def test_mine__fee_cap_below_the_base_fee__waits_until_that_has_fallen() -> None:
    chain = open_chain()
    cheap = chain.send_raw(signed(ALICE, 0, fee_cap_wei=GWEI // 2, tip_wei=1))
    chain.mine()
    assert chain.waiting(cheap) is not None
    chain.mine(4)
    assert chain.mined(cheap) is None
    chain.mine()
    assert chain.mined(cheap) is not None


def test_mine__more_gas_than_a_block_holds__goes_on_in_the_next_block() -> None:
    genesis = replace(GENESIS, gas_limit=500_000)
    chain = EmbeddedChain(None, CHAIN_ID, ManualClock(), genesis)
    spinner = deploy(chain, SPINNER)
    for nonce in range(1, 4):
        chain.send_raw(signed(ALICE, nonce, to=spinner, gas_limit=200_000))
    chain.mine(2)
    assert [len(chain.block(number).transactions) for number in (2, 3)] == [2, 1]


def test_mine__sender_has_become_poor_in_a_reorg__transaction_is_dropped() -> None:
    chain = open_chain()
    gift = chain.send_raw(signed(BOB, 0, to=POOR.address, value_wei=10**18))
    chain.mine()
    spent = chain.send_raw(signed(POOR, 0, to=BOB.address, value_wei=10**17, tip_wei=2 * GWEI))
    chain.mine()
    chain.reorg(2, with_transactions=False)
    chain.mine()  # the better tip is tried first, when there is no money for it yet
    assert chain.mined(gift) is not None
    assert (chain.waiting(spent), chain.mined(spent)) == (None, None)
