"""ChildChainManager: the bridge on the side chain, which takes the root chain's messages, each once and in order."""

from typing import cast

from bridge.codec.abi import decode_values, event_topic
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_ADDRESS, Address, Hash32
from node.simulation.chains.abi import Calldata, custom_error, refusal
from node.simulation.chains.contracts.access import DEFAULT_ADMIN_ROLE, AccessControl
from node.simulation.chains.contracts.root_chain_manager import DEPOSIT, MAP_TOKEN, MAPPER_ROLE
from node.simulation.chains.contracts.tokens import ChildERC20
from node.simulation.chains.execution import functions

STATE_SYNCER_ROLE = keccak256(b"STATE_SYNCER_ROLE")

_TOKEN_MAPPED = event_topic("TokenMapped(address,address)")


class ChildChainManager(AccessControl):
    """Told by one account, which has STATE_SYNCER_ROLE."""

    ARTIFACT = "ChildChainManager"

    def construct(self, arguments: bytes) -> None:
        """Who carries messages over."""
        (state_syncer,) = decode_values(("address",), arguments)
        self.give_role(DEFAULT_ADMIN_ROLE, self.sender)
        self.give_role(MAPPER_ROLE, self.sender)
        self.give_role(STATE_SYNCER_ROLE, cast(Address, state_syncer))

    def deposit_type(self) -> Hash32:
        return DEPOSIT

    def map_token_type(self) -> Hash32:
        return MAP_TOKEN

    def mapper_role(self) -> Hash32:
        return MAPPER_ROLE

    def state_syncer_role(self) -> Hash32:
        return STATE_SYNCER_ROLE

    def last_state_id(self) -> int:
        return self.load("last state id", default=0)

    def root_to_child_token(self, root_token: Address) -> Address:
        return self.load("child token", root_token, default=ZERO_ADDRESS)

    def child_to_root_token(self, child_token: Address) -> Address:
        return self.load("root token", child_token, default=ZERO_ADDRESS)

    def map_token(self, root_token: Address, child_token: Address) -> None:
        self.only_role(MAPPER_ROLE)
        self._map(root_token, child_token)

    def on_state_receive(self, state_id: int, data: bytes) -> None:
        self.only_role(STATE_SYNCER_ROLE)
        last = self.last_state_id()
        if state_id <= last:
            raise custom_error("StateIdNotAscending(uint256,uint256)", state_id, last)
        self.store("last state id", value=state_id)
        message = Calldata(data, 2, is_memory=True)
        sync_type, sync_data = message.word(0), message.content(1)
        if sync_type == DEPOSIT:
            self._deposit(Calldata(sync_data, 3, is_memory=True))
        elif sync_type == MAP_TOKEN:
            tokens = Calldata(sync_data, 3)
            self._map(tokens.address(0), tokens.address(1))
        else:
            raise refusal("ChildChainManager: INVALID_SYNC_TYPE")

    def _deposit(self, message: Calldata) -> None:
        user, root_token, deposit_data = message.address(0), message.address(1), message.content(2)
        child_token = self.root_to_child_token(root_token)
        if child_token == ZERO_ADDRESS:
            raise refusal("ChildChainManager: TOKEN_NOT_MAPPED")
        self.other(child_token, ChildERC20).deposit(user, deposit_data)

    def _map(self, root_token: Address, child_token: Address) -> None:
        known = self.root_to_child_token(root_token), self.child_to_root_token(child_token)
        if known == (child_token, root_token):
            return
        if known != (ZERO_ADDRESS, ZERO_ADDRESS):
            raise refusal("ChildChainManager: ALREADY_MAPPED")
        self.store("child token", root_token, value=child_token)
        self.store("root token", child_token, value=root_token)
        self.emit((_TOKEN_MAPPED, root_token, child_token))

    FUNCTIONS = AccessControl.FUNCTIONS | functions(
        {
            "DEPOSIT()": deposit_type,
            "MAP_TOKEN()": map_token_type,
            "MAPPER_ROLE()": mapper_role,
            "STATE_SYNCER_ROLE()": state_syncer_role,
            "lastStateId()": last_state_id,
            "rootToChildToken(address)": root_to_child_token,
            "childToRootToken(address)": child_to_root_token,
            "mapToken(address,address)": map_token,
            "onStateReceive(uint256,bytes)": on_state_receive,
        }
    )
