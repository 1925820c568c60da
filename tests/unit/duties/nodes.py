"""RPC nodes of a tiny chain, with contracts and accounts that are what a test says, and ways to misbehave."""

from bridge.codec.abi import selector
from bridge.codec.hexadecimal import from_hex, from_quantity, quantity, to_hex
from bridge.codec.transaction import transaction_hash
from bridge.codec.types import Address
from node.duties.contract_view import CheckpointView, StakingView, ValidatorView
from tests.unit.chain.rpc_server import RpcFault
from tests.unit.chain.tiny_chain import TinyChain

ETHER = 10**18
GWEI = 10**9


class Node:
    """A node of a chain. Two nodes of one chain may misbehave each in its own way."""

    def __init__(self, chain: TinyChain) -> None:
        self.chain = chain
        self.is_down = False
        self.hidden_blocks = 0
        """The newest blocks that it does not show."""

    def answer(self, method: str, params: list[object]) -> object:
        """What an RpcServer asks."""
        if self.is_down:
            raise RpcFault(-32603, "the node is out of order")
        if method == "eth_getBlockByNumber" and self.hidden_blocks:
            shown = self.chain.head.number - self.hidden_blocks
            if params[0] == "latest":
                return self.chain.answer(method, [quantity(shown), *params[1:]])
            if from_quantity(params[0]) > shown:
                return None
        return self.chain.answer(method, params)


class RootNode(Node):
    """A node of a root chain: also contracts and accounts."""

    def __init__(self, chain: TinyChain, validators: dict[int, ValidatorView]) -> None:
        super().__init__(chain)
        self.checkpoints = CheckpointView(0, 0, 10_000)  # type: ignore[arg-type]  # a BlockNumber
        self.contract_chain_id = 15_001
        self.validators = validators
        stake_wei = sum(validator.stake_wei for validator in validators.values())
        self.staking = StakingView(1, bytes(32), stake_wei)  # type: ignore[arg-type]  # a Hash32 and Wei
        self.state_from = 0
        """The first block whose state it has; it refuses calls below."""
        self.refuses_submissions: str | None = None
        self.code = b"code"
        self.storage: dict[Address, bytes] = {}
        self.implementations: dict[Address, Address] = {}
        self.pending_calldata: list[bytes] | None = []
        """None: it keeps no pending block."""
        self.balance_wei = 100 * ETHER
        self.base_fee_wei = GWEI
        self.sent: list[bytes] = []
        self.calls_at: list[object] = []

    def answer(self, method: str, params: list[object]) -> object:
        """What an RpcServer asks."""
        if method == "eth_getBlockByNumber" and params[0] == "pending":
            return self._pending()
        if method == "eth_call":
            return self._call(params)
        if method in {"eth_getCode", "eth_getStorageAt"} and not self.is_down:
            address = Address(from_hex(str(params[0])))
            return to_hex(self.code if method == "eth_getCode" else self.storage.get(address, bytes(32)))
        simple: dict[str, object] = {
            "eth_getTransactionCount": quantity(0),
            "eth_getBalance": quantity(self.balance_wei),
            "eth_getTransactionReceipt": None,
            "eth_getTransactionByHash": None,
            "eth_feeHistory": {"baseFeePerGas": [quantity(self.base_fee_wei)] * 2, "reward": [[quantity(GWEI)]]},
        }
        if method in simple and not self.is_down:
            return simple[method]
        if method == "eth_sendRawTransaction":
            self.sent.append(from_hex(str(params[0])))
            return to_hex(transaction_hash(self.sent[-1]))
        return super().answer(method, params)

    def _pending(self) -> object:
        if self.pending_calldata is None:
            raise RpcFault(-32602, "no pending block")
        return {"transactions": [{"input": to_hex(data)} for data in self.pending_calldata]}

    def _call(self, params: list[object]) -> str:
        request, block = params
        assert isinstance(request, dict)
        self.calls_at.append(block)
        if self.is_down:
            raise RpcFault(-32603, "the node is out of order")
        if block != "latest" and from_quantity(block) < self.state_from:
            raise RpcFault(-32000, "missing trie node")
        data = from_hex(request["data"])
        words = self._words(Address(from_hex(request["to"])), data)
        if words is None:
            if self.refuses_submissions is not None:
                raise RpcFault(3, f"execution reverted: {self.refuses_submissions}")
            return "0x"
        return to_hex(b"".join(word.to_bytes(32) if isinstance(word, int) else word.rjust(32, b"\0") for word in words))

    def _words(self, to: Address, data: bytes) -> list[int | bytes] | None:
        """What a getter returns; None for anything that is no getter."""
        getters: dict[bytes, list[int | bytes]] = {
            selector("currentHeaderBlock()"): [self.checkpoints.last_header_id],
            selector("getLastChildBlock()"): [self.checkpoints.last_end],
            selector("_nextHeaderBlock()"): [self.checkpoints.next_header_id],
            selector("CHAINID()"): [self.contract_chain_id],
            selector("accountStateRoot()"): [self.staking.account_root],
            selector("currentEpoch()"): [self.staking.epoch],
            selector("currentValidatorSetTotalStake()"): [self.staking.total_stake_wei],
        }
        if data[:4] == selector("implementation()") and to in self.implementations:
            return [self.implementations[to]]
        if data[:4] == selector("validators(uint256)"):
            seen = self.validators[int.from_bytes(data[4:])]
            epochs = seen.activation_epoch, seen.deactivation_epoch
            return [seen.stake_wei, 0, *epochs, 0, seen.signer, *([0] * 7)]
        return getters.get(data[:4])
