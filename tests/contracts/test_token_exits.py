"""Exits of every type of token: each burn log that is accepted pays whoever burnt; each other log is refused."""

from dataclasses import replace

import pytest

from bridge.burns.exit_traces import EXITED_TOPICS, paid_data
from bridge.burns.kinds import ACCEPTED, BurnKind, burns_in
from bridge.codec.abi import encode_call, encode_values
from bridge.codec.hash import keccak256
from bridge.codec.receipts import decode_receipt
from bridge.codec.types import ZERO_HASH, Address, Hash32
from contracts.deployment import DeploymentStep
from tests.contracts.burn_logs import ACCEPTED_BY, METADATA, SHAPES, WHO, Shape, batch, nft_transfer, transfer
from tests.contracts.crossing import BURNER
from tests.contracts.harness import DEPLOYER, STRANGER, invoke
from tests.contracts.tokens import HELD, IDS, NEW, PUPPET, PUPPETEER, Tokens, TokenType, batch_deposit, topic, uints

KNOWN_ERRORS = {"MalformedRlp", "WrongDataLength", "NotCanonical", "NotAnAddress"}
PAIRS = [(kind, shape) for kind in NEW for shape in ACCEPTED_BY[kind]]
REFUSED_PAIRS = [(kind, shape) for kind in NEW for shape in SHAPES if shape not in ACCEPTED_BY[kind]]

WITHDRAWALS: dict[tuple[TokenType, BurnKind], tuple[str, tuple[object, ...]]] = {
    (TokenType.ETHER, BurnKind.ERC20): ("withdraw(uint256)", (5,)),
    (TokenType.MINTABLE_ERC20, BurnKind.ERC20): ("withdraw(uint256)", (5,)),
    (TokenType.ERC721, BurnKind.ERC721): ("withdraw(uint256)", (1,)),
    (TokenType.MINTABLE_ERC721, BurnKind.ERC721): ("withdraw(uint256)", (1,)),
    (TokenType.MINTABLE_ERC721, BurnKind.ERC721_METADATA): ("withdrawWithMetadata(uint256)", (1,)),
    (TokenType.MINTABLE_ERC721, BurnKind.ERC721_BATCH): ("withdrawBatch(uint256[])", ((1, 2),)),
    (TokenType.ERC1155, BurnKind.ERC1155): ("withdrawSingle(uint256,uint256)", (1, 5)),
    (TokenType.ERC1155, BurnKind.ERC1155_BATCH): ("withdrawBatch(uint256[],uint256[])", ((1, 2), (5, 6))),
    (TokenType.MINTABLE_ERC1155, BurnKind.ERC1155): ("withdrawSingle(uint256,uint256)", (1, 5)),
    (TokenType.MINTABLE_ERC1155, BurnKind.ERC1155_BATCH): ("withdrawBatch(uint256[],uint256[])", ((1, 2), (5, 6))),
}


def test_accepted_logs__of_each_type__are_those_that_the_burn_service_proves() -> None:
    assert {kind.key: frozenset(shapes) for kind, shapes in ACCEPTED_BY.items()}.items() <= ACCEPTED.items()


@pytest.mark.parametrize(("kind", "burn"), WITHDRAWALS)
def test_exit__of_a_burn_on_the_side_chain__pays_once_and_says_so_to_the_burn_service(
    tokens: Tokens, kind: TokenType, burn: BurnKind
) -> None:
    signature, arguments = WITHDRAWALS[kind, burn]
    payload = tokens.burn(kind, signature, *arguments)
    found = next(each for each in burns_in(decode_receipt(payload.receipt)) if each.kind is burn)
    payload = replace(payload, log_index=found.log_index)
    before = holdings(tokens, kind)

    mined = tokens.exit(payload)

    (paid,) = (log for log in mined.logs if log.address == tokens.pairs[kind].predicate)
    assert paid.topics[0] in EXITED_TOPICS[burn]
    root_topics = () if kind is TokenType.ETHER else (topic(tokens.pairs[kind].root),)
    assert paid.topics[1:] == (WHO, *root_topics)
    assert paid.data == paid_data(found)
    gained = [after - one for one, after in zip(before, holdings(tokens, kind), strict=True)]
    paid_of = dict(zip(found.ids, found.amounts or (1,) * len(found.ids), strict=False))
    assert gained == ([paid_of.get(each, 0) for each in IDS] if found.ids else list(found.amounts))
    assert tokens.refusal(payload) == "RootChainManager: EXIT_ALREADY_PROCESSED"


def holdings(tokens: Tokens, kind: TokenType) -> list[int]:
    """What the burner has on the root chain, by id."""
    token = tokens.pairs[kind].root
    if "1155" in kind:
        return [tokens.balance(token, BURNER.address, each) for each in IDS]
    if "721" not in kind:
        return [tokens.balance(token, BURNER.address)]
    return [int(is_owner(tokens, kind, each)) for each in IDS]


def is_owner(tokens: Tokens, kind: TokenType, token_id: int) -> bool:
    token = tokens.pairs[kind].root
    if kind is TokenType.MINTABLE_ERC721 and not tokens.root.number(token, "exists(uint256)", token_id):
        return False
    return tokens.owner(token, token_id) == BURNER.address


@pytest.mark.parametrize(("kind", "burn"), PAIRS)
@pytest.mark.parametrize("receipt_type", [0, 1, 2, 3, 4, 0x7F])
def test_exit__of_a_receipt_of_each_type__pays(
    tokens: Tokens, kind: TokenType, burn: BurnKind, receipt_type: int
) -> None:
    payload = tokens.prove(SHAPES[burn].of(tokens.pairs[kind].child), receipt_type=receipt_type)
    assert payload.receipt[0] == receipt_type if receipt_type else payload.receipt[0] >= 0xC0
    tokens.exit(payload)
    assert tokens.refusal(payload) == "RootChainManager: EXIT_ALREADY_PROCESSED"


@pytest.mark.parametrize(("kind", "burn"), REFUSED_PAIRS)
def test_exit__of_the_burn_log_of_another_type__is_refused(tokens: Tokens, kind: TokenType, burn: BurnKind) -> None:
    refusal = tokens.refusal(tokens.prove(SHAPES[burn].of(tokens.pairs[kind].child)))
    assert refusal in KNOWN_ERRORS or refusal.startswith(f"{kind}Predicate: INVALID_")


@pytest.mark.parametrize(("kind", "burn"), PAIRS)
def test_exit__of_a_burn_log_that_is_not_quite_one__is_refused(tokens: Tokens, kind: TokenType, burn: BurnKind) -> None:
    good = SHAPES[burn]
    topics, data = good.topics, good.data
    receiver = {BurnKind.ERC1155: 3, BurnKind.ERC1155_BATCH: 3, BurnKind.ERC721_BATCH: None}.get(burn, 2)
    burner = 2 if receiver == 3 else 1
    wrong = {
        "signature": Shape((keccak256(b"Other()"), *topics[1:]), data),
        "a topic less": Shape(topics[:-1], data),
        "a topic more": Shape((*topics, ZERO_HASH), data),
        "no topic": Shape((), data),
        "burner that is no address": Shape((*topics[:burner], Hash32(b"\x01" + WHO[1:]), *topics[burner + 1 :]), data),
        "a word more": Shape(topics, data + bytes(32)),
        "a byte more": Shape(topics, data + b"\x00"),
    }
    if receiver is not None:
        wrong["receiver"] = Shape((*topics[:receiver], WHO, *topics[receiver + 1 :]), data)
    if data:
        wrong["a byte less"] = Shape(topics, data[:-1])
        wrong["no data"] = Shape(topics)
    for name, shape in wrong.items():
        refusal = tokens.refusal(tokens.prove(shape.of(tokens.pairs[kind].child)))
        assert refusal in KNOWN_ERRORS | {""} or refusal.startswith(f"{kind}Predicate: INVALID_"), name


WORD = (32).to_bytes(32)
LOOSE_DATA = {
    BurnKind.ERC721_BATCH: (
        uints(()),
        (64).to_bytes(32) + bytes(32) + uints((1,))[32:],
        (2**64).to_bytes(32) + uints((1,))[32:],
        WORD + (2**200).to_bytes(32),
    ),
    BurnKind.ERC721_METADATA: (
        encode_values(("bytes",), (b"unclean",))[:-1] + b"\x01",
        (64).to_bytes(32) + bytes(32) + METADATA[32:],
        WORD + (2**200).to_bytes(32),
    ),
    BurnKind.ERC1155_BATCH: (
        uints((), ()),
        uints((1, 2), (5,)),
        uints((1,), (5, 6)),
        # One array for both, and the arrays in the other order.
        (64).to_bytes(32) * 2 + uints((1, 2))[32:],
        (128).to_bytes(32) + (64).to_bytes(32) + uints((5,))[32:] + uints((1,))[32:],
    ),
}


@pytest.mark.parametrize(("kind", "burn"), [pair for pair in PAIRS if pair[1] in LOOSE_DATA])
def test_exit__of_data_that_no_encoder_makes__is_refused(tokens: Tokens, kind: TokenType, burn: BurnKind) -> None:
    """A lenient decoder would see tokens in each of them, or none."""
    for data in LOOSE_DATA[burn]:
        payload = tokens.prove(replace(SHAPES[burn], data=data).of(tokens.pairs[kind].child))
        assert tokens.refusal(payload) in {"NotCanonical", "Panic(65)", ""}


def test_exit__of_more_than_is_held__is_refused_or_minted(tokens: Tokens) -> None:
    pairs = tokens.pairs
    too_much = {
        TokenType.ETHER: transfer(HELD + 1),
        TokenType.ERC721: nft_transfer(99),
        TokenType.ERC1155: batch((1, 1), (HELD, 1)),
    }
    for kind, shape in too_much.items():
        refusal = tokens.refusal(tokens.prove(shape.of(pairs[kind].child)))
        assert refusal in {"InsufficientBalance", "ERC721NonexistentToken", "ERC1155InsufficientBalance"}
    token = pairs[TokenType.MINTABLE_ERC20]
    tokens.exit(tokens.prove(transfer(10 * HELD).of(token.child)))
    assert tokens.balance(token.root, BURNER.address) == 10 * HELD


def test_exit__of_a_batch_that_names_an_id_twice__pays_what_is_held_and_mints_the_rest(tokens: Tokens) -> None:
    pair = tokens.pairs[TokenType.MINTABLE_ERC1155]
    tokens.exit(tokens.prove(batch((7,), (6,)).of(pair.child)))
    tokens.root.send(BURNER, invoke(pair.root, "setApprovalForAll(address,bool)", pair.predicate, True))
    deposit = tokens.deposit(TokenType.MINTABLE_ERC1155, BURNER.address, batch_deposit((7,), (6,)))
    tokens.root.send(BURNER, deposit)
    assert tokens.balance(pair.root, pair.predicate, 7) == 6

    tokens.exit(tokens.prove(batch((7, 7), (5, 5)).of(pair.child)))

    assert tokens.balance(pair.root, BURNER.address, 7) == 10
    assert tokens.balance(pair.root, pair.predicate, 7) == 0


# Receivers that are contracts.

PUPPET_PAID = {
    TokenType.ETHER: transfer(5),
    TokenType.ERC721: nft_transfer(1),
    TokenType.ERC1155: batch((1, 2), (5, 6)),
    TokenType.MINTABLE_ERC1155: batch((1, 2), (5, 6)),
}


def paid_to_puppet(kind: TokenType) -> Shape:
    shape = PUPPET_PAID[kind]
    return Shape(tuple(topic(PUPPET) if each == WHO else each for each in shape.topics), shape.data)


@pytest.mark.parametrize("kind", PUPPET_PAID)
def test_exit__to_a_contract_that_exits_again_when_paid__pays_once(tokens: Tokens, kind: TokenType) -> None:
    payload = tokens.prove(paid_to_puppet(kind).of(tokens.pairs[kind].child))
    step = tokens.exit_step(payload)
    tokens.root.send(PUPPETEER, invoke(PUPPET, "callWhenPaid(address,bytes)", tokens.manager, step.data))
    tokens.exit(payload)
    assert tokens.root.number(PUPPET, "callbacks()") == 0
    assert tokens.refusal(payload) == "RootChainManager: EXIT_ALREADY_PROCESSED"


@pytest.mark.parametrize("kind", PUPPET_PAID)
def test_exit__to_a_contract_that_refuses__is_refused_until_it_takes(tokens: Tokens, kind: TokenType) -> None:
    payload = tokens.prove(paid_to_puppet(kind).of(tokens.pairs[kind].child))
    tokens.root.send(PUPPETEER, invoke(PUPPET, "refuseCoin(bool)", True))
    assert tokens.refusal(payload) in {"Refused", "FailedCall"}
    tokens.root.send(PUPPETEER, invoke(PUPPET, "refuseCoin(bool)", False))
    tokens.exit(payload)


def test_ether_predicate__of_another_token__pays_no_ether(tokens: Tokens) -> None:
    """A mapper's slip must not let any token out as ether."""
    token, child = Address(b"\x01" * 20), Address(b"\x02" * 20)
    map_token = "mapToken(address,address,bytes32)"
    tokens.root.send(DEPLOYER, invoke(tokens.manager, map_token, token, child, TokenType.ETHER.key))
    assert tokens.refusal(tokens.prove(transfer(5).of(child))) == "NotEther"
    call = encode_call("depositFor(address,address,bytes)", BURNER.address, token, (5).to_bytes(32))
    assert tokens.root.refusal(STRANGER, DeploymentStep("deposit", tokens.manager, call)) == "NotEther"
