"""The way to the side chain: mapping, deposits, messages, and the access control of both sides."""

from dataclasses import dataclass

import pytest

from bridge.codec.abi import encode_values
from bridge.codec.events import StateSynced, Transfer, decode_event
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_ADDRESS, Address, Hash32, Wei
from contracts.deployment import ERC20_TOKEN_TYPE, DeploymentStep
from tests.contracts.crossing import BURNER, DEPOSIT_WEI, Crossing
from tests.contracts.harness import DEPLOYER, STRANGER, SUBMITTER, SYNCER, invoke
from tests.contracts.network import TOKEN

DEPOSIT = keccak256(b"DEPOSIT")
MAP_TOKEN = keccak256(b"MAP_TOKEN")
ONE_TOKEN = Wei(TOKEN)
OTHER = Address(b"\x42" * 20)


def topic(address: Address) -> Hash32:
    return Hash32(address.rjust(32, b"\x00"))


def receive(crossing: Crossing, state_id: int, data: bytes) -> DeploymentStep:
    return invoke(crossing.side_contracts.child_chain_manager, "onStateReceive(uint256,bytes)", state_id, data)


def deposit_data(crossing: Crossing, user: Address, token: Address | None = None) -> bytes:
    root_token = crossing.root.contracts.demo_token if token is None else token
    inner = encode_values(("address", "address", "bytes"), (user, root_token, ONE_TOKEN.to_bytes(32)))
    return encode_values(("bytes32", "bytes"), (DEPOSIT, inner))


def test_mapping__as_deployed__is_known_on_both_sides(crossing: Crossing) -> None:
    here, there = crossing.root.contracts, crossing.side_contracts
    chain, manager = crossing.root.chain, here.root_chain_manager
    assert chain.address(manager, "rootToChildToken(address)", here.demo_token) == there.demo_token
    assert chain.address(manager, "childToRootToken(address)", there.demo_token) == here.demo_token
    assert chain.address(manager, "typeToPredicate(bytes32)", ERC20_TOKEN_TYPE) == here.erc20_predicate
    assert chain.address(manager, "checkpointManagerAddress()") == here.root_chain
    assert chain.address(manager, "stateSenderAddress()") == here.state_sender
    assert chain.address(manager, "childChainManagerAddress()") == there.child_chain_manager
    assert chain.address(here.state_sender, "registrations(address)", there.child_chain_manager) == manager
    assert (
        crossing.side.address(there.child_chain_manager, "rootToChildToken(address)", here.demo_token)
        == there.demo_token
    )
    assert (
        crossing.side.address(there.child_chain_manager, "childToRootToken(address)", there.demo_token)
        == here.demo_token
    )


def test_deposit__of_demo_tokens__locks_here_and_mints_there(crossing: Crossing) -> None:
    contracts = crossing.root.contracts
    locked = crossing.root_balance(contracts.erc20_predicate)
    chain = crossing.root.chain
    chain.send(DEPLOYER, invoke(contracts.demo_token, "approve(address,uint256)", contracts.erc20_predicate, TOKEN))
    signature = "depositFor(address,address,bytes)"
    deposit = invoke(
        contracts.root_chain_manager, signature, SUBMITTER.address, contracts.demo_token, ONE_TOKEN.to_bytes(32)
    )
    assert deposit.data[:4].hex() == "e3dec8fb"

    mined = chain.send(DEPLOYER, deposit)

    lock = next(log for log in mined.logs if log.address == contracts.erc20_predicate)
    assert lock.topics[0].hex() == "9b217a401a5ddf7c4d474074aff9958a18d48690d77cc2151c4706aa7348b401"
    assert lock.topics[1:] == (topic(DEPLOYER.address), topic(SUBMITTER.address), topic(contracts.demo_token))
    assert lock.data == ONE_TOKEN.to_bytes(32)
    synced = next(log for log in mined.logs if log.address == contracts.state_sender)
    state_id = chain.number(contracts.state_sender, "counter()")
    data = deposit_data(crossing, SUBMITTER.address)
    assert decode_event(synced) == StateSynced(state_id, crossing.side_contracts.child_chain_manager, data)
    assert crossing.root_balance(contracts.erc20_predicate) == locked + TOKEN

    (carried,) = crossing.carry(mined)

    assert crossing.side_balance(SUBMITTER.address) == TOKEN
    (minted,) = carried.logs
    assert decode_event(minted) == Transfer(ZERO_ADDRESS, SUBMITTER.address, TOKEN)
    assert crossing.side.number(crossing.side_contracts.child_chain_manager, "lastStateId()") == state_id


def test_deposit__what_the_rules_forbid__is_refused(crossing: Crossing) -> None:
    contracts = crossing.root.contracts

    def refusal(user: Address, token: Address, data: bytes) -> str:
        step = invoke(contracts.root_chain_manager, "depositFor(address,address,bytes)", user, token, data)
        return crossing.root.chain.refusal(DEPLOYER, step)

    amount = ONE_TOKEN.to_bytes(32)
    assert refusal(OTHER, OTHER, amount) == "RootChainManager: TOKEN_NOT_MAPPED"
    assert refusal(ZERO_ADDRESS, contracts.demo_token, amount) == "RootChainManager: INVALID_USER"
    assert refusal(OTHER, contracts.demo_token, amount) == "ERC20InsufficientAllowance"
    for length in (0, 31, 33, 64):
        assert refusal(OTHER, contracts.demo_token, amount.ljust(length, b"\x00")[:length]) == "WrongDataLength"


def test_on_state_receive__an_id_again_or_lower__is_refused(crossing: Crossing) -> None:
    """Each message once, also if the relayer forgets what it has carried."""
    last = crossing.side.number(crossing.side_contracts.child_chain_manager, "lastStateId()")
    data = deposit_data(crossing, BURNER.address)
    for state_id in (0, last - 1, last):
        assert crossing.side.refusal(SYNCER, receive(crossing, state_id, data)) == "StateIdNotAscending"
    crossing.side.send(SYNCER, receive(crossing, last + 5, data))
    assert crossing.side.refusal(SYNCER, receive(crossing, last + 4, data)) == "StateIdNotAscending"
    assert crossing.side_balance(BURNER.address) == DEPOSIT_WEI + TOKEN


def test_on_state_receive__what_the_rules_forbid__is_refused(crossing: Crossing) -> None:
    def refusal(data: bytes) -> str:
        return crossing.side.refusal(SYNCER, receive(crossing, 1_000, data))

    unknown = encode_values(("bytes32", "bytes"), (keccak256(b"OTHER"), b""))
    assert refusal(unknown) == "ChildChainManager: INVALID_SYNC_TYPE"
    assert refusal(deposit_data(crossing, OTHER, OTHER)) == "ChildChainManager: TOKEN_NOT_MAPPED"
    assert refusal(b"") == ""
    good = receive(crossing, 1_000, deposit_data(crossing, OTHER))
    assert crossing.side.refusal(STRANGER, good) == "AccessControlUnauthorizedAccount"


def map_message(root_token: Address, child_token: Address) -> bytes:
    inner = encode_values(("address", "address", "bytes32"), (root_token, child_token, ERC20_TOKEN_TYPE))
    return encode_values(("bytes32", "bytes"), (MAP_TOKEN, inner))


def test_map_token__on_the_root_chain__is_carried_over(crossing: Crossing) -> None:
    contracts, child = crossing.root.contracts, crossing.side_contracts
    step = invoke(
        contracts.root_chain_manager, "mapToken(address,address,bytes32)", OTHER, BURNER.address, ERC20_TOKEN_TYPE
    )
    mined = crossing.root.chain.send(DEPLOYER, step)
    (event,) = (each for each in map(decode_event, mined.logs) if isinstance(each, StateSynced))
    assert event.data == map_message(OTHER, BURNER.address)
    crossing.carry(mined)
    assert crossing.side.address(child.child_chain_manager, "rootToChildToken(address)", OTHER) == BURNER.address


def test_map_token__twice_or_of_an_unknown_type__is_refused(crossing: Crossing) -> None:
    contracts, child = crossing.root.contracts, crossing.side_contracts

    def refusal(root_token: Address, child_token: Address, token_type: Hash32 = ERC20_TOKEN_TYPE) -> str:
        map_token = "mapToken(address,address,bytes32)"
        step = invoke(contracts.root_chain_manager, map_token, root_token, child_token, token_type)
        return crossing.root.chain.refusal(DEPLOYER, step)

    assert refusal(contracts.demo_token, OTHER) == "RootChainManager: ALREADY_MAPPED"
    assert refusal(OTHER, child.demo_token) == "RootChainManager: ALREADY_MAPPED"
    assert refusal(OTHER, OTHER, keccak256(b"ERC721")) == "RootChainManager: TOKEN_TYPE_NOT_SUPPORTED"


def test_register_predicate__of_a_type_that_has_one__is_refused(crossing: Crossing) -> None:
    """It remembers which NFTs have left, and another one would let their burns exit once more."""
    manager = crossing.root.contracts.root_chain_manager
    step = invoke(manager, "registerPredicate(bytes32,address)", ERC20_TOKEN_TYPE, OTHER)
    assert crossing.root.chain.refusal(DEPLOYER, step) == "RootChainManager: PREDICATE_ALREADY_REGISTERED"
    crossing.root.chain.send(DEPLOYER, invoke(manager, "registerPredicate(bytes32,address)", keccak256(b"new"), OTHER))


def test_map_token__on_the_side_chain__same_again_changes_nothing_and_another_is_refused(crossing: Crossing) -> None:
    here, there = crossing.root.contracts, crossing.side_contracts
    manager = there.child_chain_manager

    def step(root_token: Address, child_token: Address) -> DeploymentStep:
        return invoke(manager, "mapToken(address,address)", root_token, child_token)

    assert crossing.side.send(DEPLOYER, step(here.demo_token, there.demo_token)).logs == ()
    assert crossing.side.refusal(DEPLOYER, step(here.demo_token, OTHER)) == "ChildChainManager: ALREADY_MAPPED"
    assert crossing.side.refusal(DEPLOYER, step(OTHER, there.demo_token)) == "ChildChainManager: ALREADY_MAPPED"
    message = receive(crossing, 1_000, map_message(here.demo_token, OTHER))
    assert crossing.side.refusal(SYNCER, message) == "ChildChainManager: ALREADY_MAPPED"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A function that only some may call."""

    signature: str
    arguments: tuple[object, ...]
    error: str = "AccessControlUnauthorizedAccount"


GUARDED_ON_ROOT = {
    "root_chain_manager": (
        Guarded("mapToken(address,address,bytes32)", (OTHER, OTHER, ERC20_TOKEN_TYPE)),
        Guarded("registerPredicate(bytes32,address)", (ERC20_TOKEN_TYPE, OTHER)),
        Guarded("grantRole(bytes32,address)", (Hash32(bytes(32)), OTHER)),
    ),
    "erc20_predicate": (
        Guarded("lockTokens(address,address,address,bytes)", (OTHER, OTHER, OTHER, bytes(32))),
        Guarded("exitTokens(address,bytes,uint256)", (OTHER, b"", 1)),
        Guarded("grantRole(bytes32,address)", (Hash32(bytes(32)), OTHER)),
    ),
    "state_sender": (
        Guarded("register(address,address)", (OTHER, OTHER), "NotAllowedToRegister"),
        Guarded("syncState(address,bytes)", (OTHER, b""), "Invalid sender"),
    ),
    "stake_token": (Guarded("mint(address,uint256)", (OTHER, 1), "OwnableUnauthorizedAccount"),),
    "demo_token": (Guarded("mint(address,uint256)", (OTHER, 1), "OwnableUnauthorizedAccount"),),
}
GUARDED_ON_SIDE = {
    "child_chain_manager": (
        Guarded("mapToken(address,address)", (OTHER, OTHER)),
        Guarded("onStateReceive(uint256,bytes)", (99, b"")),
        Guarded("grantRole(bytes32,address)", (Hash32(bytes(32)), OTHER)),
    ),
    "demo_token": (
        Guarded("deposit(address,bytes)", (OTHER, bytes(32))),
        Guarded("grantRole(bytes32,address)", (Hash32(bytes(32)), OTHER)),
    ),
}


@pytest.mark.parametrize("contract", GUARDED_ON_ROOT)
def test_root_contracts__called_by_a_stranger__refuse(crossing: Crossing, contract: str) -> None:
    for guarded in GUARDED_ON_ROOT[contract]:
        step = invoke(getattr(crossing.root.contracts, contract), guarded.signature, *guarded.arguments)
        assert crossing.root.chain.refusal(STRANGER, step) == guarded.error


@pytest.mark.parametrize("contract", GUARDED_ON_SIDE)
def test_side_contracts__called_by_a_stranger__refuse(crossing: Crossing, contract: str) -> None:
    for guarded in GUARDED_ON_SIDE[contract]:
        step = invoke(getattr(crossing.side_contracts, contract), guarded.signature, *guarded.arguments)
        assert crossing.side.refusal(STRANGER, step) == guarded.error


def test_state_sender__register__by_owner_or_present_sender_only(crossing: Crossing) -> None:
    sender = crossing.root.contracts.state_sender
    chain = crossing.root.chain

    def register(new_sender: Address) -> DeploymentStep:
        return invoke(sender, "register(address,address)", new_sender, OTHER)

    new = chain.send(DEPLOYER, register(STRANGER.address))
    assert new.logs[0].topics[0].hex() == "3f4512aacd7a664fdb321a48e8340120d63253a91c6367a143abd19ecf68aedd"
    assert chain.refusal(SUBMITTER, register(SUBMITTER.address)) == "NotAllowedToRegister"
    passed_on = chain.send(STRANGER, register(SUBMITTER.address))
    assert passed_on.logs[0].topics[0].hex() == "c51cb1a93ec91e927852b3445875ec77b148271953e5c0b43698c968ad6fc47d"
    message = invoke(sender, "syncState(address,bytes)", OTHER, b"hello")
    assert chain.refusal(STRANGER, message) == "Invalid sender"
    before = chain.number(sender, "counter()")
    (log,) = chain.send(SUBMITTER, message).logs
    assert decode_event(log) == StateSynced(before + 1, OTHER, b"hello")


def test_child_token__deposit_of_malformed_data__is_refused(crossing: Crossing) -> None:
    inner = encode_values(("address", "address", "bytes"), (OTHER, crossing.root.contracts.demo_token, bytes(33)))
    data = encode_values(("bytes32", "bytes"), (DEPOSIT, inner))
    assert crossing.side.refusal(SYNCER, receive(crossing, 1_000, data)) == "WrongDataLength"


def test_child_token__withdraw__burns_what_one_has(crossing: Crossing) -> None:
    assert crossing.side.refusal(BURNER, crossing.burn(DEPOSIT_WEI + 1)) == "ERC20InsufficientBalance"
    burn = crossing.burn(DEPOSIT_WEI)
    assert burn.data[:4].hex() == "2e1a7d4d"
    (log,) = crossing.side.send(BURNER, burn).logs
    assert decode_event(log) == Transfer(BURNER.address, ZERO_ADDRESS, DEPOSIT_WEI)
    assert crossing.side_balance(BURNER.address) == 0
