"""One burn, one exit: the other log that tells of the same burn stays closed, also after the token has come back."""

from dataclasses import replace

import pytest

from bridge.burns.kinds import burns_in
from bridge.codec.exit_payload import ExitPayload
from bridge.codec.receipts import decode_receipt
from tests.contracts.burn_logs import nft_transfer, with_metadata, withdrawn_batch
from tests.contracts.crossing import BURNER
from tests.contracts.harness import SUBMITTER, Mined, invoke
from tests.contracts.tokens import PUPPET, PUPPETEER, Tokens, TokenType, topic

NFT = TokenType.MINTABLE_ERC721
TWIN = "AlreadyExited"
WITHDRAWALS: dict[str, tuple[object, ...]] = {
    "withdrawWithMetadata(uint256)": (1,),
    "withdrawBatch(uint256[])": ((1,),),
}


def twins(tokens: Tokens, signature: str) -> tuple[ExitPayload, ExitPayload]:
    """The two proofs of one burn of token 1, each of which would be accepted alone."""
    payload = tokens.burn(NFT, signature, *WITHDRAWALS[signature])
    first, second = burns_in(decode_receipt(payload.receipt))
    assert first.twins == (second.log_index,)
    return replace(payload, log_index=first.log_index), replace(payload, log_index=second.log_index)


def come_back(tokens: Tokens, token_id: int) -> Mined:
    """Deposit a token that the burner has taken out, for the burner again."""
    pair = tokens.pairs[NFT]
    tokens.root.send(BURNER, invoke(pair.root, "approve(address,uint256)", pair.predicate, token_id))
    (carried,) = tokens.crossing.carry(
        tokens.root.send(BURNER, tokens.deposit(NFT, BURNER.address, token_id.to_bytes(32)))
    )
    return carried


@pytest.mark.parametrize("signature", WITHDRAWALS)
@pytest.mark.parametrize("swapped", [False, True])
def test_exit__by_both_logs_of_a_burn__is_paid_by_one_for_good(tokens: Tokens, signature: str, swapped: bool) -> None:
    one, other = reversed(twins(tokens, signature)) if swapped else twins(tokens, signature)
    tokens.exit(one)
    assert tokens.refusal(other) == TWIN

    come_back(tokens, 1)
    assert tokens.owner(tokens.pairs[NFT].root, 1) == tokens.pairs[NFT].predicate
    assert tokens.refusal(other) == TWIN

    tokens.exit(tokens.burn(NFT, "withdraw(uint256)", 1))
    assert tokens.owner(tokens.pairs[NFT].root, 1) == BURNER.address
    assert tokens.refusal(other) == TWIN
    come_back(tokens, 1)
    assert tokens.refusal(other) == TWIN


def test_exit__by_the_twin_after_the_token_was_sold__does_not_take_it_from_the_new_owner(tokens: Tokens) -> None:
    """What the rule is for: the token is back on the side chain and another's, and the old owner tries the twin."""
    one, other = twins(tokens, "withdrawWithMetadata(uint256)")
    tokens.exit(one)
    come_back(tokens, 1)
    child = tokens.pairs[NFT].child
    sale = invoke(child, "transferFrom(address,address,uint256)", BURNER.address, SUBMITTER.address, 1)
    tokens.side.send(BURNER, sale)
    assert tokens.refusal(other) == TWIN
    tokens.exit(tokens.burn(NFT, "withdraw(uint256)", 1, sender=SUBMITTER))
    assert tokens.owner(tokens.pairs[NFT].root, 1) == SUBMITTER.address


def test_exit__of_one_token_of_a_batch__closes_the_batch_and_leaves_the_other_tokens_theirs(tokens: Tokens) -> None:
    payload = tokens.burn(NFT, "withdrawBatch(uint256[])", (1, 2, 3))
    burns = burns_in(decode_receipt(payload.receipt))
    batch = next(each for each in burns if each.twins and len(each.ids) == 3)
    singles = [each.log_index for each in burns if each is not batch]
    tokens.exit(replace(payload, log_index=singles[1]))
    assert tokens.refusal(replace(payload, log_index=batch.log_index)) == TWIN
    for log_index in (singles[0], singles[2]):
        tokens.exit(replace(payload, log_index=log_index))
    assert all(tokens.owner(tokens.pairs[NFT].root, each) == BURNER.address for each in (1, 2, 3))


def test_exit__of_a_batch__closes_the_single_logs(tokens: Tokens) -> None:
    payload = tokens.burn(NFT, "withdrawBatch(uint256[])", (1, 2, 3))
    burns = burns_in(decode_receipt(payload.receipt))
    batch = next(each for each in burns if len(each.ids) == 3)
    tokens.exit(replace(payload, log_index=batch.log_index))
    for burn in burns:
        if burn is not batch:
            assert tokens.refusal(replace(payload, log_index=burn.log_index)) == TWIN


def test_exit__of_an_older_burn__is_refused_once_a_later_one_is_out(tokens: Tokens) -> None:
    """No honest child burns a token twice without an exit in between; of two burns the later one counts."""
    child = tokens.pairs[NFT].child
    older, later = (tokens.prove(nft_transfer(8).of(child)) for _ in range(2))
    tokens.exit(later)
    assert tokens.refusal(older) == TWIN


def test_exit__of_a_batch_that_names_a_token_twice__is_refused(tokens: Tokens) -> None:
    assert tokens.refusal(tokens.prove(withdrawn_batch((8, 8)).of(tokens.pairs[NFT].child))) == TWIN


def test_exit__of_two_tokens_of_one_transaction__pays_both(tokens: Tokens) -> None:
    """The rule is per token: another token of the same receipt, or an older one, is another burn."""
    child = tokens.pairs[NFT].child
    before = tokens.prove(nft_transfer(10).of(child))
    payload = tokens.prove(nft_transfer(8).of(child), with_metadata(9).of(child))
    for each in (payload, replace(payload, log_index=1), before):
        tokens.exit(each)
    assert tokens.root.view(tokens.pairs[NFT].root, "tokenURI(uint256)", ("string",), 9) == ("ipfs://token",)


def test_exit__by_the_twin_when_the_receiver_is_paid__is_refused(tokens: Tokens) -> None:
    """The token stands at the predicate, so that its receiver is called: by then all that tells of it is closed."""
    pair = tokens.pairs[NFT]
    tokens.exit(tokens.burn(NFT, "withdraw(uint256)", 1))
    come_back(tokens, 1)
    to_puppet = [
        replace(log, topics=(log.topics[0], topic(PUPPET), *log.topics[2:]))
        for log in (withdrawn_batch((1,)).of(pair.child), nft_transfer(1).of(pair.child))
    ]
    one = tokens.prove(*to_puppet)
    twin = tokens.exit_step(replace(one, log_index=1))
    tokens.root.send(PUPPETEER, invoke(PUPPET, "callWhenPaid(address,bytes)", tokens.manager, twin.data))
    tokens.exit(one)
    assert tokens.owner(pair.root, 1) == PUPPET
    assert tokens.root.number(PUPPET, "callbacks()") == 0
