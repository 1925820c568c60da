"""OpenZeppelin's ERC20, and the tokens of both chains: StakeToken, DemoToken and ChildERC20."""

from typing import ClassVar, cast

from bridge.codec.abi import decode_values, event_topic
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_ADDRESS, Address, Hash32
from node.simulation.chains.abi import UINT256_MAX, checked, custom_error, encoded_string, word
from node.simulation.chains.contracts.access import DEFAULT_ADMIN_ROLE, AccessControl, Ownable
from node.simulation.chains.execution import Encoded, ModelContract, functions

DECIMALS = 18
DEPOSITOR_ROLE = keccak256(b"DEPOSITOR_ROLE")

_APPROVAL = event_topic("Approval(address,address,uint256)")


class ERC20(ModelContract):
    """Balances and allowances."""

    def name(self) -> Encoded:
        return Encoded(encoded_string(self.load("name", default="")))

    def symbol(self) -> Encoded:
        return Encoded(encoded_string(self.load("symbol", default="")))

    def decimals(self) -> int:
        return DECIMALS

    def total_supply(self) -> int:
        return self.load("supply", default=0)

    def balance_of(self, account: Address) -> int:
        return self.load("balance of", account, default=0)

    def allowance(self, owner: Address, spender: Address) -> int:
        return self.load("allowance", owner, spender, default=0)

    def approve(self, spender: Address, amount: int) -> bool:
        self._approve(self.sender, spender, amount)
        self.emit((_APPROVAL, self.sender, spender), word(amount))
        return True

    def transfer(self, to: Address, amount: int) -> bool:
        self._transfer(self.sender, to, amount)
        return True

    def transfer_from(self, owner: Address, to: Address, amount: int) -> bool:
        allowed = self.allowance(owner, self.sender)
        if allowed < UINT256_MAX:
            if allowed < amount:
                error = "ERC20InsufficientAllowance(address,uint256,uint256)"
                raise custom_error(error, self.sender, allowed, amount)
            self._approve(owner, self.sender, allowed - amount)
        self._transfer(owner, to, amount)
        return True

    def create_tokens(self, account: Address, amount: int) -> None:
        """OpenZeppelin's _mint."""
        if account == ZERO_ADDRESS:
            raise custom_error("ERC20InvalidReceiver(address)", ZERO_ADDRESS)
        self._update(ZERO_ADDRESS, account, amount)

    def destroy_tokens(self, account: Address, amount: int) -> None:
        """OpenZeppelin's _burn."""
        if account == ZERO_ADDRESS:
            raise custom_error("ERC20InvalidSender(address)", ZERO_ADDRESS)
        self._update(account, ZERO_ADDRESS, amount)

    def _approve(self, owner: Address, spender: Address, amount: int) -> None:
        if owner == ZERO_ADDRESS:
            raise custom_error("ERC20InvalidApprover(address)", ZERO_ADDRESS)
        if spender == ZERO_ADDRESS:
            raise custom_error("ERC20InvalidSpender(address)", ZERO_ADDRESS)
        self.store("allowance", owner, spender, value=amount)

    def _transfer(self, owner: Address, to: Address, amount: int) -> None:
        if owner == ZERO_ADDRESS:
            raise custom_error("ERC20InvalidSender(address)", ZERO_ADDRESS)
        if to == ZERO_ADDRESS:
            raise custom_error("ERC20InvalidReceiver(address)", ZERO_ADDRESS)
        self._update(owner, to, amount)

    def _update(self, owner: Address, to: Address, amount: int) -> None:
        if owner == ZERO_ADDRESS:
            self.store("supply", value=checked(self.total_supply() + amount))
        else:
            held = self.balance_of(owner)
            if held < amount:
                raise custom_error("ERC20InsufficientBalance(address,uint256,uint256)", owner, held, amount)
            self.store("balance of", owner, value=held - amount)
        if to == ZERO_ADDRESS:
            self.store("supply", value=self.total_supply() - amount)
        else:
            self.store("balance of", to, value=self.balance_of(to) + amount)
        self.emit((TRANSFER_TOPIC, owner, to), word(amount))

    FUNCTIONS = functions(
        {
            "name()": name,
            "symbol()": symbol,
            "decimals()": decimals,
            "totalSupply()": total_supply,
            "balanceOf(address)": balance_of,
            "allowance(address,address)": allowance,
            "approve(address,uint256)": approve,
            "transfer(address,uint256)": transfer,
            "transferFrom(address,address,uint256)": transfer_from,
        }
    )


class _OwnedToken(ERC20, Ownable):
    NAME: ClassVar[str]
    SYMBOL: ClassVar[str]

    def construct(self, arguments: bytes) -> None:
        """The creator may mint."""
        self.store("name", value=self.NAME)
        self.store("symbol", value=self.SYMBOL)
        super().construct(arguments)

    def mint(self, account: Address, amount: int) -> None:
        self.only_owner()
        self.create_tokens(account, amount)

    FUNCTIONS = ERC20.FUNCTIONS | Ownable.FUNCTIONS | functions({"mint(address,uint256)": mint})


class StakeToken(_OwnedToken):
    """The token that validators stake."""

    ARTIFACT = "StakeToken"
    NAME = "Sidewarden Stake"
    SYMBOL = "STAKE"


class DemoToken(_OwnedToken):
    """The token that crosses the bridge, on the root chain."""

    ARTIFACT = "DemoToken"
    NAME = "Sidewarden Demo"
    SYMBOL = "DEMO"


class ChildERC20(ERC20, AccessControl):
    """A root-chain token on the side chain: minted by deposits, burnt to be taken out again."""

    ARTIFACT = "ChildERC20"

    def construct(self, arguments: bytes) -> None:
        """Name, symbol, and the ChildChainManager, which deposits."""
        name, symbol, manager = decode_values(("string", "string", "address"), arguments)
        self.store("name", value=name)
        self.store("symbol", value=symbol)
        self.give_role(DEFAULT_ADMIN_ROLE, self.sender)
        self.give_role(DEPOSITOR_ROLE, cast(Address, manager))

    def depositor_role(self) -> Hash32:
        return DEPOSITOR_ROLE

    def deposit(self, user: Address, deposit_data: bytes) -> None:
        self.only_role(DEPOSITOR_ROLE)
        if len(deposit_data) != 32:
            raise custom_error("WrongDataLength(uint256)", len(deposit_data))
        self.create_tokens(user, int.from_bytes(deposit_data))

    def withdraw(self, amount: int) -> None:
        self.destroy_tokens(self.sender, amount)

    FUNCTIONS = (
        ERC20.FUNCTIONS
        | AccessControl.FUNCTIONS
        | functions(
            {
                "DEPOSITOR_ROLE()": depositor_role,
                "deposit(address,bytes)": deposit,
                "withdraw(uint256)": withdraw,
            }
        )
    )
