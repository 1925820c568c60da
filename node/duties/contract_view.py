"""The root-chain contracts at one named block, as values: what genesis is made from and checked against.

Getters are those of Polygon's RootChain and StakeManager.
"""

from dataclasses import dataclass

from bridge.chain.errors import BadAnswer
from bridge.chain.reader import BlockRef, ChainReader
from bridge.codec.abi import encode_call
from bridge.codec.types import Address, BlockNumber, Hash32, ValidatorId, Wei

WORD_BYTES = 32
VALIDATOR_WORDS = 13


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """RootChain at a block."""

    last_header_id: int
    last_end: BlockNumber
    next_header_id: int

    @property
    def next_start(self) -> BlockNumber:
        """The first block of the next checkpoint: 0 only if there is none yet."""
        return BlockNumber(self.last_end + 1 if self.last_header_id else 0)


@dataclass(frozen=True, slots=True)
class StakingView:
    """StakeManager at a block, without its validators."""

    epoch: int
    account_root: Hash32
    total_stake_wei: Wei
    """Of all validators in force, leavers included until their epoch ends."""


@dataclass(frozen=True, slots=True)
class ValidatorView:
    """One validator as StakeManager has it; the contract keeps no public key."""

    signer: Address
    stake_wei: Wei
    activation_epoch: int
    deactivation_epoch: int


class ContractReader:
    """Calls of the contracts of one root chain. Every method raises ChainError."""

    def __init__(self, reader: ChainReader, root_chain: Address, stake_manager: Address) -> None:
        self._reader = reader
        self._root_chain = root_chain
        self._stake_manager = stake_manager

    async def checkpoints(self, block: BlockRef) -> CheckpointView:
        """The checkpoints that RootChain has at a block."""
        return CheckpointView(
            last_header_id=await self._uint(self._root_chain, "currentHeaderBlock()", block),
            last_end=BlockNumber(await self._uint(self._root_chain, "getLastChildBlock()", block)),
            next_header_id=await self.next_header_id(block),
        )

    async def next_header_id(self, block: BlockRef) -> int:
        """The id that RootChain gives to the next header, as of a block."""
        return await self._uint(self._root_chain, "_nextHeaderBlock()", block)

    async def side_chain_id(self, block: BlockRef) -> int:
        """The side chain whose checkpoints RootChain takes."""
        return await self._uint(self._root_chain, "CHAINID()", block)

    async def staking(self, block: BlockRef) -> StakingView:
        """Epoch, account root and total stake at a block."""
        (root,) = await self._words(self._stake_manager, encode_call("accountStateRoot()"), 1, block)
        return StakingView(
            epoch=await self._uint(self._stake_manager, "currentEpoch()", block),
            account_root=Hash32(root),
            total_stake_wei=Wei(await self._uint(self._stake_manager, "currentValidatorSetTotalStake()", block)),
        )

    async def validators_ever(self, block: BlockRef) -> int:
        """How many validators there have ever been: their ids are 1 up to this."""
        return await self._uint(self._stake_manager, "NFTCounter()", block) - 1

    async def validator_nonce(self, staking_info: Address, validator_id: ValidatorId, block: BlockRef) -> int:
        """The last nonce that StakingInfo logged for a validator."""
        (word,) = await self._words(staking_info, encode_call("validatorNonce(uint256)", validator_id), 1, block)
        return int.from_bytes(word)

    async def validator(self, validator_id: ValidatorId, block: BlockRef) -> ValidatorView:
        """One validator at a block; one that never was has the zero signer."""
        data = encode_call("validators(uint256)", validator_id)
        words = await self._words(self._stake_manager, data, VALIDATOR_WORDS, block)
        amount, activation_epoch, deactivation_epoch, delegated = (int.from_bytes(words[i]) for i in (0, 2, 3, 11))
        return ValidatorView(
            signer=Address(words[5][12:]),
            stake_wei=Wei(amount + delegated),
            activation_epoch=activation_epoch,
            deactivation_epoch=deactivation_epoch,
        )

    async def _uint(self, contract: Address, getter: str, block: BlockRef) -> int:
        (word,) = await self._words(contract, encode_call(getter), 1, block)
        return int.from_bytes(word)

    async def _words(self, contract: Address, data: bytes, count: int, block: BlockRef) -> tuple[bytes, ...]:
        answer = await self._reader.call(contract, data, block)
        if len(answer) != count * WORD_BYTES:
            raise BadAnswer(f"a contract call answered {len(answer)} bytes, not {count} words: is the address right?")
        return tuple(answer[i : i + WORD_BYTES] for i in range(0, len(answer), WORD_BYTES))
