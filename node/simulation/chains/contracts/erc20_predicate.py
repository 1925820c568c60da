"""ERC20Predicate: holds the ERC-20 tokens that are on the side chain, and pays them out for burns."""

from typing import cast

from bridge.codec.abi import decode_values, event_topic
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_HASH, Address, Hash32
from contracts.deployment import ERC20_TOKEN_TYPE
from node.simulation.chains.abi import custom_error, refusal, word
from node.simulation.chains.contracts import rlp_reading as rlp
from node.simulation.chains.contracts.access import DEFAULT_ADMIN_ROLE, AccessControl
from node.simulation.chains.contracts.tokens import ERC20
from node.simulation.chains.execution import functions

MANAGER_ROLE = keccak256(b"MANAGER_ROLE")

_LOCKED = event_topic("LockedERC20(address,address,address,uint256)")
_EXITED = event_topic("ExitedERC20(address,address,uint256)")


class ERC20Predicate(AccessControl):
    """Called by the RootChainManager alone."""

    ARTIFACT = "ERC20Predicate"

    def construct(self, arguments: bytes) -> None:
        """The RootChainManager, which locks and pays out."""
        (manager,) = decode_values(("address",), arguments)
        self.give_role(DEFAULT_ADMIN_ROLE, self.sender)
        self.give_role(MANAGER_ROLE, cast(Address, manager))

    def manager_role(self) -> Hash32:
        return MANAGER_ROLE

    def token_type(self) -> Hash32:
        return ERC20_TOKEN_TYPE

    def transfer_event_sig(self) -> Hash32:
        return TRANSFER_TOPIC

    def lock_tokens(self, depositor: Address, receiver: Address, root_token: Address, deposit_data: bytes) -> None:
        self.only_role(MANAGER_ROLE)
        amount = _amount(deposit_data)
        self.emit((_LOCKED, depositor, receiver, root_token), word(amount))
        self._token(root_token).transfer_from(depositor, self.address, amount)

    def exit_tokens(self, root_token: Address, log: bytes, _burn_place: int) -> None:
        self.only_role(MANAGER_ROLE)
        _, rest = rlp.take_address(rlp.whole_list(log))
        topics, rest = rlp.take_list(rest)
        data, rest = rlp.take_bytes(rest)
        rlp.require_end(rest)
        signature, sender, receiver = _three_topics(topics)
        if signature != TRANSFER_TOPIC:
            raise refusal("ERC20Predicate: INVALID_SIGNATURE")
        if receiver != ZERO_HASH:
            raise refusal("ERC20Predicate: INVALID_RECEIVER")
        if any(sender[:12]):
            raise custom_error("NotAnAddress(bytes32)", sender)
        exitor, amount = Address(sender[12:]), _amount(data)
        self.emit((_EXITED, exitor, root_token), word(amount))
        self._token(root_token).transfer(exitor, amount)

    def _token(self, address: Address) -> ERC20:
        if self.execution.contract(address, self.address) is None:
            raise custom_error("SafeERC20FailedOperation(address)", address)
        return self.other(address, ERC20)

    FUNCTIONS = AccessControl.FUNCTIONS | functions(
        {
            "MANAGER_ROLE()": manager_role,
            "TOKEN_TYPE()": token_type,
            "TRANSFER_EVENT_SIG()": transfer_event_sig,
            "lockTokens(address,address,address,bytes)": lock_tokens,
            "exitTokens(address,bytes,uint256)": exit_tokens,
        }
    )


def _three_topics(rest: bytes) -> tuple[bytes, bytes, bytes]:
    first, rest = rlp.take_word(rest)
    second, rest = rlp.take_word(rest)
    third, rest = rlp.take_word(rest)
    rlp.require_end(rest)
    return first, second, third


def _amount(data: bytes) -> int:
    if len(data) != 32:
        raise custom_error("WrongDataLength(uint256)", len(data))
    return int.from_bytes(data)
