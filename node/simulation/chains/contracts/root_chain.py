"""RootChain: the checkpoints of one side chain, each accepted on signatures of more than two thirds of the stake."""

from dataclasses import dataclass
from functools import lru_cache

from bridge.codec.abi import decode_values
from bridge.codec.checkpoint import BOUND_DATA_BYTES, HEADER_ID_STEP, POLYGON_DATA_BYTES, DataForm
from bridge.codec.eip712 import domain_separator, typed_digest
from bridge.codec.events import NEW_HEADER_BLOCK_TOPIC, RESET_HEADER_BLOCK_TOPIC
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, Address, ChainId, Hash32
from node.simulation.chains.abi import Calldata, SignatureWords, checked, custom_error, downcast, refusal, words
from node.simulation.chains.contracts.access import Ownable
from node.simulation.chains.contracts.exit_proof import HeaderOnChain
from node.simulation.chains.contracts.stake_manager import StakeManager
from node.simulation.chains.execution import functions

_YES_VOTE = b"\x01"
_CHECKPOINT_TYPEHASH = keccak256(
    b"Checkpoint(address proposer,uint256 start,uint256 end,bytes32 rootHash,bytes32 accountRootHash,"
    b"uint256 sideChainId,uint256 headerId,uint256 validUntil)"
)


@dataclass(frozen=True, slots=True)
class _Header:
    root: Hash32
    end: int
    created_at: int
    proposer_number: int


_NO_HEADER = _Header(ZERO_HASH, 0, 0, 0)


class RootChain(Ownable):
    """Header ids are 10000, 20000, and so on; the model counts headers from 1."""

    ARTIFACT = "RootChain"

    def construct(self, arguments: bytes) -> None:
        """The data form, the side chain's id, and the StakeManager."""
        form, side_chain_id, stake_manager = decode_values(("uint8", "uint256", "address"), arguments)
        super().construct(arguments)
        self.store("data form", value=form)
        self.store("side chain id", value=side_chain_id)
        self.store("stake manager", value=stake_manager)

    def submit_checkpoint(self, data: bytes, signatures: tuple[SignatureWords, ...]) -> None:
        number = self._count() + 1
        is_bound = self.data_form() == DataForm.BOUND
        digest = self._bound_digest(data, number) if is_bound else _polygon_digest(data)
        checkpoint = Calldata(data, 6)
        proposer, end, root = checkpoint.address(0), checkpoint.uint(2), checkpoint.word(3)
        if checkpoint.uint(5) != self.side_chain_id():
            raise refusal("Invalid bor chain id")
        start = self.last_child_block() + 1 if number > 1 else 0
        if checkpoint.uint(1) != start or end < start:
            raise refusal("INCORRECT_HEADER_DATA")
        proposer_number = self._stake_manager().check_signatures(
            checked(end - start + 1), digest, checkpoint.word(4), proposer, signatures
        )
        header = _Header(root, downcast(end, 32), self.execution.block.timestamp, downcast(proposer_number, 16))
        self.store("count", value=number)
        self.store("last end", value=end)
        self.store("header", number, value=header)
        self.emit((NEW_HEADER_BLOCK_TOPIC, proposer, number * HEADER_ID_STEP, 0), words(start, end, root))

    def set_next_header_block(self, header_id: int) -> None:
        self.only_owner()
        number, rest = divmod(header_id, HEADER_ID_STEP)
        if rest or not 0 < number <= self._count() + 1:
            raise refusal("Invalid value")
        self.store("count", value=number - 1)
        self.store("last end", value=self._header(number - 1).end)
        self.emit((RESET_HEADER_BLOCK_TOPIC, self.sender, header_id))

    def header(self, header_id: int) -> HeaderOnChain:
        """What the contract says of a header, without its proposer; all zero where there is none."""
        number, rest = divmod(header_id, HEADER_ID_STEP)
        if rest or not 0 < number <= self._count():
            return HeaderOnChain(ZERO_HASH, 0, 0, 0)
        found = self._header(number)
        start = 0 if number == 1 else self._header(number - 1).end + 1
        return HeaderOnChain(found.root, start, found.end, found.created_at)

    def header_blocks(self, header_id: int) -> tuple[int | bytes, ...]:
        found = self.header(header_id)
        signer = ZERO_ADDRESS
        if found.created_at:
            signer = self._stake_manager().signer_at(self._header(header_id // HEADER_ID_STEP).proposer_number)
        return found.root, found.start, found.end, found.created_at, signer

    def current_header_block(self) -> int:
        return self._count() * HEADER_ID_STEP

    def next_header_block(self) -> int:
        return (self._count() + 1) * HEADER_ID_STEP

    def last_child_block(self) -> int:
        return self.load("last end", default=0)

    def data_form(self) -> int:
        return self.load("data form", default=0)

    def side_chain_id(self) -> int:
        return self.load("side chain id", default=0)

    def stake_manager(self) -> Address:
        return self.load("stake manager", default=ZERO_ADDRESS)

    def _stake_manager(self) -> StakeManager:
        return self.other(self.stake_manager(), StakeManager)

    def _count(self) -> int:
        return self.load("count", default=0)

    def _header(self, number: int) -> _Header:
        return self.load("header", number, default=_NO_HEADER) if number else _NO_HEADER

    def _bound_digest(self, data: bytes, number: int) -> Hash32:
        _require_length(data, BOUND_DATA_BYTES)
        header_id, valid_until = int.from_bytes(data[192:224]), int.from_bytes(data[224:])
        if header_id != number * HEADER_ID_STEP:
            raise custom_error("WrongHeaderId(uint256,uint256)", header_id, number * HEADER_ID_STEP)
        if self.execution.block.timestamp > valid_until:
            raise custom_error("CheckpointExpired(uint256)", valid_until)
        domain = _domain(self.execution.block.chain_id, self.address)
        return typed_digest(domain, keccak256(_CHECKPOINT_TYPEHASH + data))

    FUNCTIONS = Ownable.FUNCTIONS | functions(
        {
            "submitCheckpoint(bytes,uint256[3][])": submit_checkpoint,
            "setNextHeaderBlock(uint256)": set_next_header_block,
            "headerBlocks(uint256)": header_blocks,
            "currentHeaderBlock()": current_header_block,
            "_nextHeaderBlock()": next_header_block,
            "getLastChildBlock()": last_child_block,
            "DATA_FORM()": data_form,
            "CHAINID()": side_chain_id,
            "stakeManager()": stake_manager,
        }
    )


@lru_cache
def _domain(chain_id: ChainId, root_chain: Address) -> Hash32:
    return domain_separator(chain_id=chain_id, verifying_contract=root_chain)


def _polygon_digest(data: bytes) -> Hash32:
    _require_length(data, POLYGON_DATA_BYTES)
    return keccak256(_YES_VOTE + data)


def _require_length(data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise custom_error("WrongDataLength(uint256,uint256)", len(data), expected)
