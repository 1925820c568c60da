"""Deposits of every type of token, what they must not be, and who may call the contracts that hold and mint."""

import pytest

from bridge.codec.types import ZERO_ADDRESS, Address
from contracts.deployment import DeploymentStep
from contracts.loader import artifact
from tests.contracts.crossing import BURNER
from tests.contracts.harness import DEPLOYER, STRANGER, SUBMITTER, invoke
from tests.contracts.tokens import (
    ETHER,
    IDS,
    NEW,
    PUPPET,
    Tokens,
    TokenType,
    batch_deposit,
    ether_deposit,
    topic,
    uints,
)

OTHER = Address(b"\x42" * 20)
WORD = (5).to_bytes(32)


def side_balance(tokens: Tokens, kind: TokenType, holder: Address, *token_id: int) -> int:
    arguments = "address,uint256" if token_id else "address"
    return tokens.side.number(tokens.pairs[kind].child, f"balanceOf({arguments})", holder, *token_id)


def event(tokens: Tokens, kind: TokenType, name: str) -> bytes:
    return next(each.topic for each in artifact(f"{kind}Predicate").entries("event") if each.name == name)


def test_deposit__of_ether__locks_it_and_mints_wrapped_ether(tokens: Tokens) -> None:
    pair = tokens.pairs[TokenType.ETHER]
    before = tokens.balance(ETHER, pair.predicate)
    plain = DeploymentStep("plain transfer", tokens.manager, b"", ether_deposit(OTHER, OTHER, 7).value_wei)
    for user, step in ((SUBMITTER.address, plain), (OTHER, ether_deposit(tokens.manager, OTHER, 7))):
        mined = tokens.root.send(SUBMITTER, step)
        (locked,) = (log for log in mined.logs if log.address == pair.predicate)
        assert locked.topics == (event(tokens, TokenType.ETHER, "LockedEther"), topic(SUBMITTER.address), topic(user))
        assert locked.data == (7).to_bytes(32)
        tokens.crossing.carry(mined)
        assert side_balance(tokens, TokenType.ETHER, user) == 7
    assert tokens.balance(ETHER, pair.predicate) == before + 14
    assert tokens.balance(ETHER, tokens.manager) == 0


def test_deposit__of_ether_by_the_call_for_tokens__is_refused(tokens: Tokens) -> None:
    """It comes without ether, so it would mint what nobody locked."""
    refusal = tokens.root.refusal(STRANGER, tokens.deposit(TokenType.ETHER, OTHER, WORD))
    assert refusal == "RootChainManager: INVALID_ROOT_TOKEN"
    to_nobody = ether_deposit(tokens.manager, ZERO_ADDRESS, 7)
    assert tokens.root.refusal(STRANGER, to_nobody) == "RootChainManager: INVALID_USER"
    past_manager = ether_deposit(tokens.pairs[TokenType.ETHER].predicate, OTHER, 7)
    plain = DeploymentStep("plain", past_manager.to, b"", past_manager.value_wei)
    assert tokens.root.refusal(STRANGER, plain) == "AccessControlUnauthorizedAccount"


def test_deposit__of_a_mintable_erc20__locks_it_and_mints_there(tokens: Tokens) -> None:
    kind = TokenType.MINTABLE_ERC20
    pair = tokens.pairs[kind]
    tokens.exit(tokens.burn(kind, "withdraw(uint256)", 9))
    tokens.root.send(BURNER, invoke(pair.root, "approve(address,uint256)", pair.predicate, 9))
    mined = tokens.root.send(BURNER, tokens.deposit(kind, OTHER, (9).to_bytes(32)))
    tokens.crossing.carry(mined)
    (locked,) = (log for log in mined.logs if log.address == pair.predicate)
    assert locked.topics[0] == event(tokens, kind, "LockedMintableERC20")
    assert side_balance(tokens, kind, OTHER) == 9
    tokens.exit(tokens.burn(kind, "withdraw(uint256)", 9))
    assert tokens.root.number(pair.root, "totalSupply()") == 9


@pytest.mark.parametrize("kind", [TokenType.ERC721, TokenType.MINTABLE_ERC721])
def test_deposit__of_nfts__locks_one_or_a_batch_and_mints_them_there(tokens: Tokens, kind: TokenType) -> None:
    pair = tokens.pairs[kind]
    for each in IDS[:3]:
        tokens.exit(tokens.burn(kind, "withdraw(uint256)", each))
    tokens.root.send(BURNER, invoke(pair.root, "setApprovalForAll(address,bool)", pair.predicate, True))
    one = tokens.root.send(BURNER, tokens.deposit(kind, OTHER, (1).to_bytes(32)))
    many = tokens.root.send(BURNER, tokens.deposit(kind, PUPPET, uints((2, 3))))
    for mined, name, data in ((one, f"Locked{kind}", (1).to_bytes(32)), (many, f"Locked{kind}Batch", uints((2, 3)))):
        (locked,) = (log for log in mined.logs if log.address == pair.predicate)
        assert (locked.topics[0], locked.data) == (event(tokens, kind, name), data)
        tokens.crossing.carry(mined)
    owners = [tokens.side.address(pair.child, "ownerOf(uint256)", each) for each in IDS[:3]]
    assert owners == [OTHER, PUPPET, PUPPET]
    too_many = tokens.deposit(kind, OTHER, uints(range(21)))
    assert tokens.root.refusal(BURNER, too_many) == f"{kind}Predicate: EXCEEDS_BATCH_LIMIT"


@pytest.mark.parametrize("kind", [TokenType.ERC1155, TokenType.MINTABLE_ERC1155])
def test_deposit__of_erc1155__locks_and_mints_also_to_a_contract_that_would_refuse(
    tokens: Tokens, kind: TokenType
) -> None:
    pair = tokens.pairs[kind]
    tokens.exit(tokens.burn(kind, "withdrawBatch(uint256[],uint256[])", (1, 2), (5, 6)))
    tokens.root.send(BURNER, invoke(pair.root, "setApprovalForAll(address,bool)", pair.predicate, True))
    refuser = tokens.crossing.side_contracts.child_chain_manager
    mined = tokens.root.send(BURNER, tokens.deposit(kind, refuser, batch_deposit((1, 2), (5, 6), b"data")))
    (locked,) = (log for log in mined.logs if log.address == pair.predicate)
    assert locked.topics[0] == event(tokens, kind, f"LockedBatch{kind}")
    assert locked.data == uints((1, 2), (5, 6))
    tokens.crossing.carry(mined)
    assert [side_balance(tokens, kind, refuser, each) for each in (1, 2)] == [5, 6]
    unequal = tokens.deposit(kind, OTHER, batch_deposit((1, 2), (5,)))
    assert tokens.root.refusal(BURNER, unequal) == "ERC1155InvalidArrayLength"


def test_predicates__sent_tokens_past_the_manager__refuse_them(tokens: Tokens) -> None:
    for kind in (TokenType.ERC721, TokenType.MINTABLE_ERC721):
        pair = tokens.pairs[kind]
        tokens.exit(tokens.burn(kind, "withdraw(uint256)", 1))
        send = "safeTransferFrom(address,address,uint256)"
        step = invoke(pair.root, send, BURNER.address, pair.predicate, 1)
        assert tokens.root.refusal(BURNER, step) == "ERC721InvalidReceiver"
    for kind in (TokenType.ERC1155, TokenType.MINTABLE_ERC1155):
        pair = tokens.pairs[kind]
        tokens.exit(tokens.burn(kind, "withdrawSingle(uint256,uint256)", 1, 5))
        single = "safeTransferFrom(address,address,uint256,uint256,bytes)"
        batch = "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)"
        for step in (
            invoke(pair.root, single, BURNER.address, pair.predicate, 1, 5, b""),
            invoke(pair.root, batch, BURNER.address, pair.predicate, (1, 1), (2, 2), b""),
        ):
            assert tokens.root.refusal(BURNER, step) == "NotADeposit"
        # ERC-165 and IERC1155Receiver.
        for interface in ("01ffc9a7", "4e2312e0"):
            assert tokens.root.number(pair.predicate, "supportsInterface(bytes4)", bytes.fromhex(interface)) == 1


@pytest.mark.parametrize("kind", NEW)
def test_predicate__called_by_anybody_but_the_manager__refuses(tokens: Tokens, kind: TokenType) -> None:
    pair = tokens.pairs[kind]
    lock = invoke(pair.predicate, "lockTokens(address,address,address,bytes)", BURNER.address, OTHER, pair.root, WORD)
    pay = invoke(pair.predicate, "exitTokens(address,bytes,uint256)", pair.root, b"", 1)
    for sender in (STRANGER, DEPLOYER):
        for step in (lock, pay):
            assert tokens.root.refusal(sender, step) == "AccessControlUnauthorizedAccount"
    deposit = invoke(pair.child, "deposit(address,bytes)", STRANGER.address, WORD)
    assert tokens.side.refusal(STRANGER, deposit) == "AccessControlUnauthorizedAccount"


MINTS: dict[TokenType, tuple[str, tuple[object, ...]]] = {
    TokenType.MINTABLE_ERC20: ("mint(address,uint256)", (STRANGER.address, 1)),
    TokenType.MINTABLE_ERC721: ("mint(address,uint256)", (STRANGER.address, 99)),
    TokenType.MINTABLE_ERC1155: ("mint(address,uint256,uint256,bytes)", (STRANGER.address, 1, 1, b"")),
}


@pytest.mark.parametrize("kind", MINTS)
def test_mintable_tokens__minted_by_a_stranger__refuse_on_both_chains(tokens: Tokens, kind: TokenType) -> None:
    signature, arguments = MINTS[kind]
    pair = tokens.pairs[kind]
    assert tokens.root.refusal(STRANGER, invoke(pair.root, signature, *arguments)) == "OwnableUnauthorizedAccount"
    refusal = tokens.side.refusal(STRANGER, invoke(pair.child, signature, *arguments))
    assert refusal == "AccessControlUnauthorizedAccount"


def test_child_nft__withdrawn__is_not_minted_again_before_it_comes_back(tokens: Tokens) -> None:
    kind = TokenType.MINTABLE_ERC721
    pair = tokens.pairs[kind]
    tokens.exit(tokens.burn(kind, "withdraw(uint256)", 1))
    again = invoke(pair.child, "mint(address,uint256)", STRANGER.address, 1)
    assert tokens.side.refusal(DEPLOYER, again) == "ChildMintableERC721: TOKEN_EXISTS_ON_ROOT_CHAIN"
    assert tokens.side.number(pair.child, "withdrawnTokens(uint256)", 1) == 1
    tokens.root.send(BURNER, invoke(pair.root, "approve(address,uint256)", pair.predicate, 1))
    tokens.crossing.carry(tokens.root.send(BURNER, tokens.deposit(kind, BURNER.address, (1).to_bytes(32))))
    assert tokens.side.number(pair.child, "withdrawnTokens(uint256)", 1) == 0
    assert tokens.side.refusal(DEPLOYER, again) == "ERC721InvalidSender"


@pytest.mark.parametrize("kind", [TokenType.ERC721, TokenType.MINTABLE_ERC721])
def test_child_nft__withdrawn_by_another_or_too_many__is_refused(tokens: Tokens, kind: TokenType) -> None:
    child = tokens.pairs[kind].child
    tokens.side.send(BURNER, invoke(child, "approve(address,uint256)", SUBMITTER.address, 1))
    batch = "withdrawBatch(uint256[])"
    not_owner = "ChildERC721: INVALID_TOKEN_OWNER"
    assert tokens.side.refusal(SUBMITTER, invoke(child, "withdraw(uint256)", 1)) == not_owner
    assert tokens.side.refusal(SUBMITTER, invoke(child, batch, (1,))) == not_owner
    assert tokens.side.refusal(BURNER, invoke(child, batch, tuple(range(21)))) == "ChildERC721: EXCEEDS_BATCH_LIMIT"
    assert tokens.side.refusal(BURNER, invoke(child, batch, (1, 1))) == "ERC721NonexistentToken"
    if kind is TokenType.MINTABLE_ERC721:
        assert tokens.side.refusal(SUBMITTER, invoke(child, "withdrawWithMetadata(uint256)", 1)) == not_owner


def test_child_nft__withdrawn_with_metadata__hands_its_uri_over(tokens: Tokens) -> None:
    kind = TokenType.MINTABLE_ERC721
    pair = tokens.pairs[kind]
    tokens.side.send(DEPLOYER, invoke(pair.child, "setTokenURI(uint256,string)", 1, "ipfs://one"))
    payload = tokens.burn(kind, "withdrawWithMetadata(uint256)", 1)
    tokens.exit(payload)
    assert tokens.root.view(pair.root, "tokenURI(uint256)", ("string",), 1) == ("ipfs://one",)
