"""The plasma bridge: deposits of every kind, burns whose exits wait their time, and payments once each."""

import pytest

from bridge.codec.abi import encode_values
from bridge.codec.types import Address, Wei
from contracts import plasma_calls
from contracts.deployment import DeploymentStep
from contracts.plasma_deployment import ETHER
from tests.contracts.crossing import BURNER, DEPOSIT_WEI
from tests.contracts.harness import DEPLOYER, STRANGER, SUBMITTER, SYNCER, Mined, invoke
from tests.contracts.network import TOKEN
from tests.contracts.plasma import (
    EXIT_STARTED,
    HALF_EXIT_PERIOD_S,
    NATIVE_FUNDING_WEI,
    NFT_IDS,
    PAID,
    PUPPET,
    Plasma,
    burn_key,
    exit_ids,
)

KINDS = ("native", "ether", "ERC-20", "ERC-721")
NFT = NFT_IDS[0]


def token_of(plasma: Plasma, kind: str) -> Address:
    """The root chain's token of a kind."""
    tokens = (plasma.native_root_token, ETHER, plasma.here.demo_token, plasma.here.demo_nft)
    return tokens[KINDS.index(kind)]


def burn_of(plasma: Plasma, kind: str) -> DeploymentStep:
    """A burn of five tokens, or of one NFT."""
    there = plasma.there
    if kind == "native":
        return plasma_calls.withdraw_native(there, Wei(5 * TOKEN))
    token = {"ether": there.ether, "ERC-20": there.demo_token, "ERC-721": there.demo_nft}[kind]
    return plasma_calls.withdraw(token, NFT if kind == "ERC-721" else 5 * TOKEN)


def predicate_of(plasma: Plasma, kind: str) -> Address:
    return plasma.here.erc721_predicate if kind == "ERC-721" else plasma.here.erc20_predicate


def held(plasma: Plasma, kind: str, holder: Address) -> int:
    """What an account has of a kind on the root chain."""
    if kind == "ether":
        return plasma.root.embedded.balance(holder)
    return plasma.balance(token_of(plasma, kind), holder)


def started(plasma: Plasma, kind: str) -> Mined:
    """The start of the exit of a burn."""
    mined = plasma.side.send(BURNER, burn_of(plasma, kind))
    plasma.crossing.checkpoint()
    payload = plasma.crossing.payload(mined.header, log_index=len(mined.logs) - 1)
    return plasma.root.send(BURNER, plasma.start(payload, predicate_of(plasma, kind)))


def test_deposits__of_every_kind__are_credited_on_the_side_chain(plasma: Plasma) -> None:
    there, side = plasma.there, plasma.side
    for user in (BURNER.address, PUPPET):
        assert side.number(there.demo_token, "balanceOf(address)", user) == DEPOSIT_WEI
        assert side.number(there.ether, "balanceOf(address)", user) == DEPOSIT_WEI
        assert side.number(there.native_token, "balanceOf(address)", user) == side.embedded.balance(user)
    assert side.embedded.balance(PUPPET) == DEPOSIT_WEI
    assert side.embedded.balance(there.native_token) == NATIVE_FUNDING_WEI - 2 * DEPOSIT_WEI
    for token_id in NFT_IDS:
        assert side.address(there.demo_nft, "ownerOf(uint256)", token_id) == BURNER.address
        assert plasma.root.address(plasma.here.demo_nft, "ownerOf(uint256)", token_id) == plasma.here.deposit_manager
    for kind in KINDS[:3]:
        assert held(plasma, kind, plasma.here.deposit_manager) == 2 * DEPOSIT_WEI


def test_deposit__by_its_sender_for_itself__is_logged_and_numbered(plasma: Plasma) -> None:
    here, root = plasma.here, plasma.root
    count = root.number(here.deposit_manager, "depositCount()")
    root.send(DEPLOYER, invoke(here.demo_token, "approve(address,uint256)", here.deposit_manager, TOKEN))
    mined = root.send(DEPLOYER, invoke(here.deposit_manager, "depositERC20(address,uint256)", here.demo_token, TOKEN))
    (logged,) = (log for log in mined.logs if log.address == here.deposit_manager)
    assert [topic[-20:] for topic in logged.topics[1:]] == [DEPLOYER.address, here.demo_token]
    assert logged.data == TOKEN.to_bytes(32) + (count + 1).to_bytes(32)
    plasma.crossing.carry(mined)
    assert plasma.side.number(plasma.there.demo_token, "balanceOf(address)", DEPLOYER.address) == TOKEN

    root.send(DEPLOYER, invoke(here.demo_nft, "mint(address,uint256)", DEPLOYER.address, 70))
    root.send(DEPLOYER, invoke(here.demo_nft, "approve(address,uint256)", here.deposit_manager, 70))
    mined = root.send(DEPLOYER, invoke(here.deposit_manager, "depositERC721(address,uint256)", here.demo_nft, 70))
    plasma.crossing.carry(mined)
    assert plasma.side.address(plasma.there.demo_nft, "ownerOf(uint256)", 70) == DEPLOYER.address


def test_deposit__that_the_side_chain_could_not_credit__is_refused(plasma: Plasma) -> None:
    here, nobody = plasma.here, Address(bytes(20))
    erc20, erc721 = "depositERC20ForUser(address,address,uint256)", "depositERC721ForUser(address,address,uint256)"
    for refusal, signature, token, user in (
        ("INVALID_USER", erc20, here.demo_token, nobody),
        ("INVALID_USER", erc721, here.demo_nft, nobody),
        ("TOKEN_NOT_MAPPED", erc20, here.registry, BURNER.address),
        ("TOKEN_NOT_MAPPED", erc721, here.registry, BURNER.address),
        ("INVALID_TOKEN_TYPE", erc20, here.demo_nft, BURNER.address),
        ("INVALID_TOKEN_TYPE", erc721, here.demo_token, BURNER.address),
        ("SafeERC20FailedOperation", erc20, ETHER, BURNER.address),
        ("ERC20InsufficientAllowance", erc20, here.demo_token, BURNER.address),
    ):
        amount_or_id = 0 if token == here.registry else TOKEN if signature == erc20 else NFT
        step = invoke(here.deposit_manager, signature, token, user, amount_or_id)
        sender = STRANGER if refusal.endswith("Allowance") else DEPLOYER
        assert plasma.root.refusal(sender, step) == refusal
    theirs = invoke(here.deposit_manager, erc721, here.demo_nft, STRANGER.address, NFT)
    assert plasma.root.refusal(STRANGER, theirs) in {"ERC721IncorrectOwner", "ERC721InsufficientApproval"}


@pytest.mark.parametrize("kind", KINDS)
def test_exit__of_a_burn_of_each_kind__is_paid_when_its_time_has_come_and_once(plasma: Plasma, kind: str) -> None:
    token = token_of(plasma, kind)
    amount = NFT if kind == "ERC-721" else 5 * TOKEN
    mined = started(plasma, kind)
    (exit_id,) = exit_ids(mined.logs, EXIT_STARTED)
    (log,) = mined.logs
    assert [topic[-20:] for topic in (log.topics[1], log.topics[3])] == [BURNER.address, token]
    assert log.data == encode_values(("uint256", "bool"), (amount, True))
    types = ("uint256", "bytes32", "address", "address", "bool", "address")
    recorded = (amount, bytes(32), BURNER.address, token, True, predicate_of(plasma, kind))
    assert plasma.root.view(plasma.here.withdraw_manager, "exits(uint256)", types, exit_id) == recorded
    before = held(plasma, kind, BURNER.address)

    plasma.wait((exit_id >> 128) - mined.header.timestamp - 3)
    early = plasma.process(token)
    assert early.header.timestamp < exit_id >> 128
    assert (early.logs, plasma.waiting(token)) == ((), 1)
    plasma.wait(1)
    paid = plasma.process(token)
    assert paid.header.timestamp == exit_id >> 128

    assert exit_ids(paid.logs, PAID) == [exit_id]
    assert held(plasma, kind, BURNER.address) - before == (1 if kind == "ERC-721" else amount)
    assert plasma.waiting(token) == 0
    assert plasma.process(token).logs == ()


@pytest.mark.parametrize("late_s", [0, 50, 150, 1_000])
def test_exit__is_payable__two_half_periods_from_its_checkpoint_or_one_from_its_start(
    plasma: Plasma, late_s: int
) -> None:
    block = plasma.burnt(burn_of(plasma, "native"))
    checkpointed = plasma.root.embedded.head.timestamp
    plasma.wait(late_s)
    mined = plasma.root.send(BURNER, plasma.start(plasma.crossing.payload(block)))
    (exit_id,) = exit_ids(mined.logs, EXIT_STARTED)
    exitable_at = max(checkpointed + 2 * HALF_EXIT_PERIOD_S, mined.header.timestamp + HALF_EXIT_PERIOD_S)
    assert exit_id == exitable_at << 128 | burn_key(block)
    assert plasma.root.number(plasma.here.withdraw_manager, "isKnownExit(uint128)", burn_key(block)) == 1


def test_start__of_the_same_burn_again__is_refused_before_and_after_payment(plasma: Plasma) -> None:
    block = plasma.burnt(burn_of(plasma, "native"))
    step = plasma.start(plasma.crossing.payload(block))
    plasma.root.send(BURNER, step)
    for wait_s in (1, HALF_EXIT_PERIOD_S, 2 * HALF_EXIT_PERIOD_S):
        assert plasma.root.refusal(BURNER, step) == "KNOWN_EXIT"
        plasma.wait(wait_s)
        plasma.process(plasma.native_root_token)
    assert plasma.waiting(plasma.native_root_token) == 0
    assert plasma.root.refusal(BURNER, step) == "KNOWN_EXIT"


def test_start__by_another_than_the_burner__is_refused(plasma: Plasma) -> None:
    block = plasma.burnt(burn_of(plasma, "native"))
    step = plasma.start(plasma.crossing.payload(block))
    for other in (SUBMITTER, DEPLOYER, SYNCER):
        assert plasma.root.refusal(other, step) == "Withdrawer and burn exit tx do not match"


def test_exits__of_several_burns__are_paid_in_the_order_of_their_times(plasma: Plasma) -> None:
    burns = [plasma.burnt(burn_of(plasma, "native")) for _ in range(4)]
    ids = []
    for block in (burns[2], burns[0], burns[3], burns[1]):
        mined = plasma.root.send(BURNER, plasma.start(plasma.crossing.payload(block)))
        ids += exit_ids(mined.logs, EXIT_STARTED)
    plasma.wait(2 * HALF_EXIT_PERIOD_S)
    paid = exit_ids(plasma.process(plasma.native_root_token).logs, PAID)
    assert paid == sorted(ids)
    assert [exit_id & (2**128 - 1) for exit_id in paid] == [burn_key(block) for block in burns]


def test_exits__of_another_token__stay_where_they_are(plasma: Plasma) -> None:
    started(plasma, "native")
    started(plasma, "ERC-20")
    plasma.wait(2 * HALF_EXIT_PERIOD_S)
    plasma.process(plasma.native_root_token)
    assert (plasma.waiting(plasma.native_root_token), plasma.waiting(plasma.here.demo_token)) == (0, 1)


def test_burn__of_more_than_there_is_or_of_anothers__is_refused(plasma: Plasma) -> None:
    there, side = plasma.there, plasma.side
    too_much = plasma_calls.withdraw(there.demo_token, DEPOSIT_WEI + 1)
    assert side.refusal(BURNER, too_much) == "ERC20InsufficientBalance"
    assert side.refusal(SUBMITTER, plasma_calls.withdraw(there.demo_nft, NFT)) == "ERC721IncorrectOwner"
    assert side.refusal(SUBMITTER, plasma_calls.withdraw(there.demo_nft, 10**6)) == "ERC721NonexistentToken"
    for value, amount in ((0, TOKEN), (TOKEN, 0), (TOKEN, TOKEN + 1), (TOKEN + 1, TOKEN), (0, 0)):
        step = plasma_calls.withdraw(there.native_token, amount)
        step = DeploymentStep(step.label, step.to, step.data, Wei(value))
        assert side.refusal(BURNER, step) == "Insufficient amount"


def test_side_contracts__called_by_another_or_out_of_turn__refuse(plasma: Plasma) -> None:
    there, side = plasma.there, plasma.side
    for token in (there.native_token, there.ether, there.demo_token, there.demo_nft):
        minting = invoke(token, "deposit(address,uint256)", STRANGER.address, 10**6)
        assert side.refusal(DEPLOYER, minting) == "NotTheChildChain"
    types = ("address", "address", "uint256", "uint256")
    data = encode_values(types, (STRANGER.address, plasma.here.demo_token, TOKEN, 10**6))
    receive = "onStateReceive(uint256,bytes)"
    last = side.number(there.child_chain, "lastStateId()")
    assert side.refusal(DEPLOYER, invoke(there.child_chain, receive, last + 1, data)) == "NotTheStateSyncer"
    for state_id in (last, last - 1, 0):
        assert side.refusal(SYNCER, invoke(there.child_chain, receive, state_id, data)) == "StateIdNotAscending"
    unmapped = encode_values(types, (STRANGER.address, STRANGER.address, TOKEN, 10**6))
    assert side.refusal(SYNCER, invoke(there.child_chain, receive, last + 1, unmapped)) == "TOKEN_NOT_MAPPED"


def test_mapping__again_or_by_another__is_refused(plasma: Plasma) -> None:
    here, there, other = plasma.here, plasma.there, Address(b"\x42" * 20)
    map_token = "mapToken(address,address,bool)"
    for pair in ((here.demo_token, other), (other, there.demo_token)):
        assert plasma.root.refusal(DEPLOYER, invoke(here.registry, map_token, *pair, False)) == "ALREADY_MAPPED"
    for pair in ((Address(bytes(20)), other), (other, Address(bytes(20)))):
        assert plasma.root.refusal(DEPLOYER, invoke(here.registry, map_token, *pair, False)) == "INVALID_TOKEN_ADDRESS"
    again = invoke(there.child_chain, map_token, here.demo_token, other, False)
    assert plasma.side.refusal(DEPLOYER, again) == "Token already mapped"
    for chain, contract in ((plasma.root, here.registry), (plasma.side, there.child_chain)):
        step = invoke(contract, map_token, other, other, False)
        assert chain.refusal(STRANGER, step) == "OwnableUnauthorizedAccount"
    for add in ("addErc20Predicate(address)", "addErc721Predicate(address)"):
        assert plasma.root.refusal(STRANGER, invoke(here.registry, add, other)) == "OwnableUnauthorizedAccount"
        assert (
            plasma.root.refusal(DEPLOYER, invoke(here.registry, add, here.erc20_predicate)) == "Predicate already added"
        )


def test_registry__of_mapped_tokens__knows_their_kind(plasma: Plasma) -> None:
    registry, other = plasma.here.registry, Address(b"\x42" * 20)
    for kind in KINDS:
        token = token_of(plasma, kind)
        assert plasma.root.number(registry, "isTokenMapped(address)", token) == 1
        assert plasma.root.number(registry, "isTokenMappedAndIsErc721(address)", token) == (kind == "ERC-721")
    assert plasma.root.number(registry, "isTokenMapped(address)", other) == 0
    assert (
        plasma.root.refusal(STRANGER, invoke(registry, "isTokenMappedAndIsErc721(address)", other))
        == "TOKEN_NOT_MAPPED"
    )
    twin = plasma.root.address(registry, "childToRootToken(address)", plasma.there.native_token)
    assert twin == plasma.native_root_token
