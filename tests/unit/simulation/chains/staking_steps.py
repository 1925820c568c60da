"""Steps of a script: validators, their stakes, signers and fees, and the tokens that they stake."""

from bridge.codec.abi import encode_call, encode_values
from bridge.codec.hash import keccak256
from bridge.codec.types import Address
from node.networks.accounts import Account
from tests.unit.simulation.chains.script import ACCOUNTS, KEYS, SPARE, TOKEN, Script

PAYEE = ACCOUNTS.demo[0]
"""Under whose account most checkpoints put a token."""
STAKE = "stakeForPOL(address,uint256,uint256,bool,bytes)"


def stake(script: Script) -> None:
    """Somebody new, somebody known, with any key and any amount."""
    source, contracts = script.source, script.contracts.root
    payer = source.choice((ACCOUNTS.deployer, ACCOUNTS.deployer, script.person()))
    amount, fee = script.amount(), source.choice((0, 0, 0, TOKEN, 2**256 - 1))
    mint = encode_call("mint(address,uint256)", payer.address, min(amount, 10**6 * TOKEN))
    script.act(script.root, ACCOUNTS.deployer, contracts.stake_token, mint)
    allowance = source.choice((2**256 - 1, min(amount + fee, 2**256 - 1), amount // 2))
    approve = encode_call("approve(address,uint256)", contracts.stake_manager, allowance)
    script.act(script.root, payer, contracts.stake_token, approve)
    user = source.choice((*(each.address for each in ACCOUNTS.demo), script.address()))
    name = source.choice((STAKE, "stakeFor(address,uint256,uint256,bool,bytes)"))
    data = encode_call(name, user, amount, fee, source.random() < 0.05, _public_key(script))
    script.act(script.root, payer, contracts.stake_manager, data)


def restake(script: Script) -> None:
    """More for a validator, by its owner or another."""
    validator_id, owner = _validator(script)
    amount = script.amount()
    _fund(script, owner, amount)
    data = encode_call("restakePOL(uint256,uint256,bool)", validator_id, amount, script.source.random() < 0.5)
    script.act(script.root, _owner_or_another(script, owner), script.contracts.root.stake_manager, data)


def update_signer(script: Script) -> None:
    """Another key for a validator."""
    validator_id, owner = _validator(script)
    data = encode_call("updateSigner(uint256,bytes)", validator_id, _public_key(script))
    script.act(script.root, _owner_or_another(script, owner), script.contracts.root.stake_manager, data)


def unstake(script: Script) -> None:
    """A validator leaves, is sent away, or takes its stake back."""
    validator_id, owner = _validator(script)
    name = script.source.choice(("unstakePOL", "unstakePOL", "forceUnstakePOL"))
    if _is_leaving(script, validator_id) and script.source.random() < 0.8:
        name = "unstakeClaimPOL"
    sender = _owner_or_another(script, owner)
    if name == "forceUnstakePOL" and script.source.random() < 0.3:
        sender = ACCOUNTS.deployer
    data = encode_call(f"{name}(uint256)", validator_id)
    script.act(script.root, sender, script.contracts.root.stake_manager, data)


def set_parameter(script: Script) -> None:
    """A parameter of StakeManager, by its owner or another."""
    source = script.source
    sender = source.choice((ACCOUNTS.deployer, script.person()))
    data = source.choice(
        (
            encode_call(
                "updateMinAmounts(uint256,uint256)", source.choice((0, TOKEN, 2 * TOKEN)), source.choice((0, 1))
            ),
            encode_call("updateSignerUpdateLimit(uint256)", source.choice((0, 1, 2, 2**256 - 1))),
            encode_call("updateValidatorThreshold(uint256)", source.choice((0, 3, 6, 100, 767, 768))),
            encode_call("updateDynastyValue(uint256)", source.choice((0, 0, 0, 1, 2, 2**256 - 1))),
        )
    )
    script.act(script.root, sender, script.contracts.root.stake_manager, data)


def top_up(script: Script) -> None:
    """A fee, into anybody's account."""
    sender, fee = script.person(), script.amount()
    _fund(script, sender.address, fee)
    data = encode_call("topUpForFee(address,uint256)", script.address(), fee)
    script.act(script.root, sender, script.contracts.root.stake_manager, data)


def claim_fee(script: Script) -> None:
    """A fee, out of the sender's account; sound where the last checkpoint carried `account_root_for` the sender."""
    source, sender = script.source, script.source.choice((PAYEE, PAYEE, script.person()))
    amount, index = source.choice((TOKEN, TOKEN, 2 * TOKEN)), source.choice((1, 1, 0, 2))
    proof = source.choice((SIBLING, SIBLING, SIBLING[:31], b""))
    data = encode_call("claimFee(uint256,uint256,bytes)", amount, index, proof)
    script.act(script.root, sender, script.contracts.root.stake_manager, data)


def account_root_for(account: Address) -> bytes:
    """The root under which an account may claim one token."""
    return keccak256(SIBLING + keccak256(encode_values(("address", "uint256"), (account, TOKEN))))


def move_tokens(script: Script) -> None:
    """A transfer, an approval or a mint of one of the root chain's tokens."""
    source, contracts = script.source, script.contracts.root
    token = source.choice((contracts.stake_token, contracts.demo_token))
    to, amount = script.address(), script.amount()
    data = source.choice(
        (
            encode_call("transfer(address,uint256)", to, amount),
            encode_call("approve(address,uint256)", to, amount),
            encode_call("transferFrom(address,address,uint256)", script.address(), to, amount),
            encode_call("mint(address,uint256)", to, amount % (10**6 * TOKEN)),
        )
    )
    script.act(script.root, script.person(), token, data)


def administer(script: Script) -> None:
    """Ownership and roles, mostly by those who have none; what would end the script is only asked."""
    source, contracts = script.source, script.contracts.root
    names = list(contracts.by_name().values())
    role = source.choice((bytes(32), keccak256(b"MANAGER_ROLE"), keccak256(b"MAPPER_ROLE")))
    who = script.address()
    calls = (
        encode_call("grantRole(bytes32,address)", role, who),
        encode_call("revokeRole(bytes32,address)", role, who),
        encode_call("renounceRole(bytes32,address)", role, who),
        encode_call("transferOwnership(address)", who),
        encode_call("renounceOwnership()"),
        encode_call("register(address,address)", who, script.address()),
        encode_call("syncState(address,bytes)", who, b"anything"),
        encode_call("registerPredicate(bytes32,address)", role, who),
        encode_call("mapToken(address,address,bytes32)", who, script.address(), role),
        encode_call("lockTokens(address,address,address,bytes)", who, who, contracts.demo_token, bytes(32)),
        encode_call("exitTokens(address,bytes,uint256)", contracts.demo_token, bytes(32), 1),
        encode_call("logStakeUpdate(uint256,uint256)", 1, 1),
        encode_call("logStaked(address,bytes,uint256,uint256,uint256,uint256)", who, b"", 1, 1, 1, 1),
        encode_call("logSignerChange(uint256,address,address,bytes)", 1, who, who, b""),
    )
    for contract in names:
        script.root.call(contract, source.choice(calls), ACCOUNTS.deployer.address)
    stranger = source.choice((*ACCOUNTS.demo, *ACCOUNTS.submitters))
    script.act(script.root, stranger, source.choice(names), source.choice(calls))


def _validator(script: Script) -> tuple[int, Address]:
    """An id, mostly of a validator, and its owner."""
    manager = script.contracts.root.stake_manager
    validator_id = script.source.randrange(script.number(manager, "NFTCounter()") + 1)
    (owner,) = script.read(script.root, manager, ("address",), "ownerOf(uint256)", validator_id)
    assert isinstance(owner, bytes)
    return validator_id, Address(owner)


def _is_leaving(script: Script, validator_id: int) -> bool:
    manager = script.contracts.root.stake_manager
    words = script.root.model.call(manager, encode_call("validators(uint256)", validator_id))
    return any(words[3 * 32 : 4 * 32])


def _owner_or_another(script: Script, owner: Address) -> Account:
    return KEYS[owner] if owner in KEYS and script.source.random() < 0.9 else script.person()


def _public_key(script: Script) -> bytes:
    source = script.source
    key = source.choice(SPARE).public_key
    bad = (key[:63], key + b"\x00", b"", key[:63] + bytes((key[63] ^ 1,)), b"\xff" * 64)
    return source.choice((key, key, key, ACCOUNTS.signers[0].public_key, source.choice(bad)))


def _fund(script: Script, account: Address, amount: int) -> None:
    contracts = script.contracts.root
    mint = encode_call("mint(address,uint256)", account or bytes(20), min(amount, 10**6 * TOKEN))
    script.act(script.root, ACCOUNTS.deployer, contracts.stake_token, mint)
    if account in KEYS and script.root.model.balance(account):
        approve = encode_call("approve(address,uint256)", contracts.stake_manager, 2**256 - 1)
        script.act(script.root, KEYS[account], contracts.stake_token, approve)


SIBLING = keccak256(b"another account")

STEPS = (
    *((stake,) * 4),
    *((restake,) * 3),
    *((update_signer,) * 3),
    *((unstake,) * 4),
    *((set_parameter,) * 2),
    *((top_up,) * 2),
    *((claim_fee,) * 2),
    *((move_tokens,) * 2),
    administer,
)
