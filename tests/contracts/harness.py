"""One embedded chain as contract tests use it: send a transaction, ask a view, ask why something would fail."""

from dataclasses import dataclass, field

from bridge.chain.clock import ManualClock
from bridge.codec.abi import decode_values, encode_call, selector
from bridge.codec.hash import keccak256
from bridge.codec.header import Header
from bridge.codec.receipts import SUCCESS, Log
from bridge.codec.secp256k1 import address_of, public_key_of, sign
from bridge.codec.transaction import DynamicFeeTransaction
from bridge.codec.types import ZERO_ADDRESS, Address, ChainId, PublicKey, Wei
from contracts.deployment import DeploymentStep
from contracts.loader import artifact
from node.devnet.chain import CallReverted
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chain.views import Call

GAS_LIMIT = 12_000_000
TIP_WEI = Wei(10**9)
FEE_CAP_WEI = Wei(100 * 10**9)

CONTRACTS = (
    *("RootChain", "StakeManager", "StakingInfo", "StateSender", "RootChainManager", "ERC20Predicate"),
    *("StakeToken", "DemoToken", "ChildChainManager", "ChildERC20", "FakeStakingInfo"),
    *("Registry", "WithdrawManager", "DepositManager", "ERC20PredicateBurnOnly", "ERC721PredicateBurnOnly"),
    *("ChildChain", "NativeToken", "PlasmaERC20", "PlasmaERC721"),
    *("DemoNft", "DemoRootTunnel", "DemoChildTunnel", "Puppet"),
    *("EtherPredicate", "ERC721Predicate", "ERC1155Predicate"),
    *("MintableERC20Predicate", "MintableERC721Predicate", "MintableERC1155Predicate"),
    *("DemoERC721", "DemoERC1155", "DemoMintableERC20", "DemoMintableERC721", "DemoMintableERC1155"),
    *("ChildERC721", "ChildERC1155", "ChildMintableERC20", "ChildMintableERC721", "ChildMintableERC1155"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """A key of the tests, the same in every run."""

    private_key: bytes = field(repr=False)
    public_key: PublicKey
    address: Address


def account(label: str) -> Account:
    """The account that goes by this name."""
    private_key = keccak256(f"contract tests: {label}".encode())
    public_key = public_key_of(private_key)
    return Account(private_key, public_key, address_of(public_key))


DEPLOYER = account("deployer")
SYNCER = account("state syncer")
SUBMITTER = account("submitter")
STRANGER = account("stranger")
VALIDATORS = tuple(account(f"validator {index}") for index in range(8))
FUNDED = (DEPLOYER, SYNCER, SUBMITTER, STRANGER, *VALIDATORS)


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction that succeeded, alone in its block."""

    header: Header
    gas_used: int
    logs: tuple[Log, ...]


def invoke(to: Address, signature: str, *arguments: object) -> DeploymentStep:
    """A call of a contract's function as a step to send."""
    return DeploymentStep(signature, to, encode_call(signature, *arguments))


class ContractChain:
    """An embedded chain that mines one block per transaction."""

    def __init__(self, chain: EmbeddedChain, chain_id: ChainId, clock: ManualClock) -> None:
        self.embedded = chain
        self.chain_id = chain_id
        self.clock = clock

    def copy(self) -> "ContractChain":
        """The same chain, going its own way; the clock is shared."""
        return ContractChain(self.embedded.copy(), self.chain_id, self.clock)

    def send(self, sender: Account, step: DeploymentStep) -> Mined:
        """Mine the step as a transaction of its own, which must succeed."""
        self.embedded.send_raw(self.raw(sender, step))
        self.clock.advance(1)
        (header,) = self.embedded.mine()
        (receipt,) = self.embedded.receipts(header.hash)
        assert receipt.status_or_root == SUCCESS, f"{step.label}: {self.refusal(sender, step)}"
        return Mined(header, receipt.cumulative_gas_used, receipt.logs)

    def send_all(self, sender: Account, *steps: DeploymentStep) -> Mined:
        """Send several steps, each in its block; the last one's receipt."""
        return [self.send(sender, step) for step in steps][-1]

    def refusal(self, sender: Account, step: DeploymentStep) -> str:
        """Why the step would fail now: the revert's text, or the name of its error; "" for a revert without words."""
        assert step.to is not None
        try:
            self.embedded.run(Call(step.to, step.data, sender.address, value_wei=step.value_wei))
        except CallReverted as reverted:
            return reason(reverted.data)
        raise AssertionError(f"{step.label} was not refused")

    def view(self, to: Address, signature: str, types: tuple[str, ...], *arguments: object) -> tuple[object, ...]:
        """What a view function answers."""
        return decode_values(types, self.embedded.call(to, encode_call(signature, *arguments), sender=ZERO_ADDRESS))

    def number(self, to: Address, signature: str, *arguments: object) -> int:
        """The one whole number that a view function answers."""
        (value,) = self.view(to, signature, ("uint256",), *arguments)
        assert isinstance(value, int)
        return value

    def address(self, to: Address, signature: str, *arguments: object) -> Address:
        """The one address that a view function answers."""
        (value,) = self.view(to, signature, ("address",), *arguments)
        assert isinstance(value, bytes)
        return Address(value)

    def raw(self, sender: Account, step: DeploymentStep, nonce_offset: int = 0, gas_limit: int = GAS_LIMIT) -> bytes:
        """The step as a signed transaction of type 2."""
        transaction = DynamicFeeTransaction(
            chain_id=self.chain_id,
            nonce=self.embedded.nonce(sender.address) + nonce_offset,
            max_priority_fee_per_gas_wei=TIP_WEI,
            max_fee_per_gas_wei=FEE_CAP_WEI,
            gas_limit=gas_limit,
            to=step.to,
            value_wei=step.value_wei,
            data=step.data,
        )
        return transaction.raw(sign(transaction.signing_hash(), sender.private_key))


def reason(revert_data: bytes) -> str:
    """The words of revert data: Error(string)'s text, else the name of a contract's own error."""
    if not revert_data:
        return ""
    if revert_data[:4] == selector("Error(string)"):
        (text,) = decode_values(("string",), revert_data[4:])
        return str(text)
    if revert_data[:4] == selector("Panic(uint256)"):
        return f"Panic({int.from_bytes(revert_data[4:])})"
    return _ERROR_NAMES[revert_data[:4]]


_ERROR_NAMES = {error.selector: error.name for name in CONTRACTS for error in artifact(name).entries("error")}
