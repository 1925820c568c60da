"""RootChainManager: deposits to the side chain, and exits by proof of a burn there."""

from bridge.codec.abi import decode_values, encode_values, event_topic
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from node.simulation.chains.abi import refusal
from node.simulation.chains.contracts import rlp_reading as rlp
from node.simulation.chains.contracts.access import DEFAULT_ADMIN_ROLE, AccessControl
from node.simulation.chains.contracts.erc20_predicate import ERC20Predicate
from node.simulation.chains.contracts.exit_proof import verify
from node.simulation.chains.contracts.root_chain import RootChain
from node.simulation.chains.contracts.state_sender import StateSender
from node.simulation.chains.execution import functions

DEPOSIT = keccak256(b"DEPOSIT")
MAP_TOKEN = keccak256(b"MAP_TOKEN")
MAPPER_ROLE = keccak256(b"MAPPER_ROLE")
ETHER_ADDRESS = Address(b"\xee" * 20)

_TOKEN_MAPPED = event_topic("TokenMapped(address,address,bytes32)")
_PREDICATE_REGISTERED = event_topic("PredicateRegistered(bytes32,address)")


class RootChainManager(AccessControl):
    """The bridge on the root chain."""

    ARTIFACT = "RootChainManager"

    def construct(self, arguments: bytes) -> None:
        """RootChain, StateSender, and the ChildChainManager on the other chain."""
        names = ("checkpoint manager", "state sender", "child chain manager")
        for name, address in zip(names, decode_values(("address",) * 3, arguments), strict=True):
            self.store(name, value=address)
        self.give_role(DEFAULT_ADMIN_ROLE, self.sender)
        self.give_role(MAPPER_ROLE, self.sender)

    def ether_address(self) -> Address:
        return ETHER_ADDRESS

    def deposit_type(self) -> Hash32:
        return DEPOSIT

    def map_token_type(self) -> Hash32:
        return MAP_TOKEN

    def mapper_role(self) -> Hash32:
        return MAPPER_ROLE

    def checkpoint_manager(self) -> Address:
        return self.load("checkpoint manager", default=ZERO_ADDRESS)

    def state_sender(self) -> Address:
        return self.load("state sender", default=ZERO_ADDRESS)

    def child_chain_manager(self) -> Address:
        return self.load("child chain manager", default=ZERO_ADDRESS)

    def type_to_predicate(self, token_type: Hash32) -> Address:
        return self.load("predicate", token_type, default=ZERO_ADDRESS)

    def root_to_child_token(self, root_token: Address) -> Address:
        return self.load("child token", root_token, default=ZERO_ADDRESS)

    def child_to_root_token(self, child_token: Address) -> Address:
        return self.load("root token", child_token, default=ZERO_ADDRESS)

    def token_to_type(self, root_token: Address) -> Hash32:
        return self.load("token type", root_token, default=ZERO_HASH)

    def processed_exits(self, exit_hash: Hash32) -> bool:
        return self.load("exited", exit_hash, default=False)

    def register_predicate(self, token_type: Hash32, predicate: Address) -> None:
        self.only_role(DEFAULT_ADMIN_ROLE)
        if self.type_to_predicate(token_type) != ZERO_ADDRESS:
            raise refusal("RootChainManager: PREDICATE_ALREADY_REGISTERED")
        self.store("predicate", token_type, value=predicate)
        self.emit((_PREDICATE_REGISTERED, token_type, predicate))

    def map_token(self, root_token: Address, child_token: Address, token_type: Hash32) -> None:
        self.only_role(MAPPER_ROLE)
        known = self.root_to_child_token(root_token), self.child_to_root_token(child_token)
        if known != (ZERO_ADDRESS, ZERO_ADDRESS):
            raise refusal("RootChainManager: ALREADY_MAPPED")
        if self.type_to_predicate(token_type) == ZERO_ADDRESS:
            raise refusal("RootChainManager: TOKEN_TYPE_NOT_SUPPORTED")
        self.store("child token", root_token, value=child_token)
        self.store("root token", child_token, value=root_token)
        self.store("token type", root_token, value=token_type)
        self.emit((_TOKEN_MAPPED, root_token, child_token, token_type))
        self._send(MAP_TOKEN, encode_values(("address", "address", "bytes32"), (root_token, child_token, token_type)))

    def deposit_for(self, user: Address, root_token: Address, deposit_data: bytes) -> None:
        if root_token == ETHER_ADDRESS:
            raise refusal("RootChainManager: INVALID_ROOT_TOKEN")
        if self.root_to_child_token(root_token) == ZERO_ADDRESS:
            raise refusal("RootChainManager: TOKEN_NOT_MAPPED")
        if user == ZERO_ADDRESS:
            raise refusal("RootChainManager: INVALID_USER")
        self._predicate_of(root_token).lock_tokens(self.sender, user, root_token, deposit_data)
        self._send(DEPOSIT, encode_values(("address", "address", "bytes"), (user, root_token, deposit_data)))

    def deposit_ether_for(self, _user: Address) -> None:
        """No simulated network maps ether."""
        raise refusal("RootChainManager: TOKEN_NOT_MAPPED")

    def exit_burn(self, payload: bytes) -> None:
        proved = verify(payload, self.other(self.checkpoint_manager(), RootChain).header)
        if self.processed_exits(proved.exit_hash):
            raise refusal("RootChainManager: EXIT_ALREADY_PROCESSED")
        self.store("exited", proved.exit_hash, value=True)
        child_token, _ = rlp.take_address(rlp.whole_list(proved.log))
        root_token = self.child_to_root_token(Address(child_token))
        if root_token == ZERO_ADDRESS:
            raise refusal("RootChainManager: TOKEN_NOT_MAPPED")
        self._predicate_of(root_token).exit_tokens(root_token, proved.log, proved.burn_place)

    def _predicate_of(self, root_token: Address) -> ERC20Predicate:
        return self.other(self.type_to_predicate(self.token_to_type(root_token)), ERC20Predicate)

    def _send(self, sync_type: Hash32, sync_data: bytes) -> None:
        message = encode_values(("bytes32", "bytes"), (sync_type, sync_data))
        self.other(self.state_sender(), StateSender).sync_state(self.child_chain_manager(), message)

    FUNCTIONS = AccessControl.FUNCTIONS | functions(
        {
            "ETHER_ADDRESS()": ether_address,
            "DEPOSIT()": deposit_type,
            "MAP_TOKEN()": map_token_type,
            "MAPPER_ROLE()": mapper_role,
            "checkpointManagerAddress()": checkpoint_manager,
            "stateSenderAddress()": state_sender,
            "childChainManagerAddress()": child_chain_manager,
            "typeToPredicate(bytes32)": type_to_predicate,
            "rootToChildToken(address)": root_to_child_token,
            "childToRootToken(address)": child_to_root_token,
            "tokenToType(address)": token_to_type,
            "processedExits(bytes32)": processed_exits,
            "registerPredicate(bytes32,address)": register_predicate,
            "mapToken(address,address,bytes32)": map_token,
            "depositFor(address,address,bytes)": deposit_for,
            "depositEtherFor(address)": deposit_ether_for,
            "exit(bytes)": exit_burn,
        }
    )
