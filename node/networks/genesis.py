"""The genesis of a network, read from its contracts at a confirmed block, as every operator can read it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.chain.errors import NotHeld
from bridge.chain.reader import ChainReader
from bridge.codec import events
from bridge.codec.feed import FilterEntry
from bridge.codec.header import Header
from bridge.codec.hexadecimal import checksum_address
from bridge.codec.secp256k1 import address_of
from bridge.codec.types import Address, BlockNumber, PublicKey, UnixSeconds, ValidatorId
from node.app.genesis import VALIDATORS_MAX, Genesis, GenesisValidator, RootChainGenesis
from node.app.parameters import Finality, Parameters, RootChainParameters
from node.duties.contract_view import ContractReader, ValidatorView
from node.duties.genesis_check import contract_reader
from node.networks.errors import ContractsUnfit

VALIDATORS_EVER_MAX = 10_000
CALLS_AT_ONCE = 8
_STAKING_TOPICS = (
    events.STAKED_TOPIC,
    events.STAKE_UPDATE_TOPIC,
    events.SIGNER_CHANGE_TOPIC,
    events.UNSTAKE_INIT_TOPIC,
)
_CHECKPOINT_TOPICS = (events.NEW_HEADER_BLOCK_TOPIC, events.RESET_HEADER_BLOCK_TOPIC)
_UPGRADE_TOPICS = (events.UPGRADED_TOPIC, events.PROXY_UPDATED_TOPIC)


@dataclass(frozen=True, slots=True)
class RegisteredValidator:
    """A validator in force, as the contracts have it; they keep no public key."""

    id: ValidatorId
    view: ValidatorView
    nonce: int


def feed_filter(parameters: RootChainParameters) -> tuple[FilterEntry, ...]:
    """The logs that the feed of a root chain carries: checkpoints, staking, and upgrades of the proxies."""
    wanted = [(parameters.root_chain_address, topic) for topic in (*_CHECKPOINT_TOPICS, *_UPGRADE_TOPICS)]
    if any(parameters.stake_manager_address):
        wanted += [(parameters.staking_info_address, topic) for topic in _STAKING_TOPICS]
        wanted += [(parameters.stake_manager_address, topic) for topic in _UPGRADE_TOPICS]
    return tuple(FilterEntry(address, topic, BlockNumber(0)) for address, topic in sorted(wanted))


async def confirmed_header(reader: ChainReader, root_chain: RootChainParameters) -> Header:
    """The newest header that the network's own rule calls confirmed. Raises ChainError."""
    if root_chain.finality is Finality.DEPTH:
        block = BlockNumber(max(0, await reader.head_number() - root_chain.confirmations))
        header = await reader.header(block)
    else:
        header = await reader.header("safe" if root_chain.finality is Finality.SAFE else "finalized")
    if header is None:
        raise NotHeld(f"the node of {root_chain.name} does not show its confirmed block")
    return header


async def registered_validators(
    reader: ChainReader, root_chain: RootChainParameters, block: BlockNumber
) -> tuple[RegisteredValidator, ...]:
    """Every validator in force at a block, ascending by id. Raises ChainError, ContractsUnfit."""
    contracts = contract_reader(reader, root_chain)
    ever = await contracts.validators_ever(block)
    if ever > VALIDATORS_EVER_MAX:
        raise ContractsUnfit(f"StakeManager has had {ever} validators; {VALIDATORS_EVER_MAX:,} are read at most")
    epoch = (await contracts.staking(block)).epoch
    gate = asyncio.Semaphore(CALLS_AT_ONCE)

    async def read(validator: ValidatorId) -> RegisteredValidator | None:
        async with gate:
            return await _registered(contracts, root_chain.staking_info_address, validator, epoch, block)

    async with asyncio.TaskGroup() as group:
        reads = [group.create_task(read(ValidatorId(number))) for number in range(1, ever + 1)]
    found = tuple(validator for one in reads if (validator := one.result()) is not None)
    if not 1 <= len(found) <= VALIDATORS_MAX:
        raise ContractsUnfit(f"StakeManager has {len(found)} validators in force; 1 to {VALIDATORS_MAX:,} are needed")
    return found


async def read_genesis(
    name: str,
    network: Parameters,
    root_chain: RootChainParameters,
    reader: ChainReader,
    public_keys: Sequence[PublicKey],
    now_s: UnixSeconds,
) -> Genesis:
    """The genesis of a network with one root chain, at its confirmed head.

    `public_keys` must hold those of all validators in force, in any order, for the contract keeps only addresses.
    Raises ChainError, GenesisError, ContractsUnfit.
    """
    header = await confirmed_header(reader, root_chain)
    block = header.number
    contracts = contract_reader(reader, root_chain)
    checkpoints, staking = await contracts.checkpoints(block), await contracts.staking(block)
    validators = await registered_validators(reader, root_chain, block)
    genesis = Genesis(
        name=name,
        time_s=now_s,
        epoch=staking.epoch,
        staking_root_chain=0,
        parameters=network,
        validators=_with_keys(validators, {address_of(key): key for key in public_keys}),
        root_chains=(
            RootChainGenesis(
                parameters=root_chain,
                filter=feed_filter(root_chain),
                block_number=block,
                block_hash=header.hash,
                block_time=header.timestamp,
                last_header_id=checkpoints.last_header_id,
                last_end=checkpoints.last_end,
                next_header_id=checkpoints.next_header_id,
                account_root=staking.account_root,
                state_id=0,
            ),
        ),
        parent=b"",
    )
    return genesis.checked()


async def _registered(
    contracts: ContractReader, staking_info: Address, validator: ValidatorId, epoch: int, block: BlockNumber
) -> RegisteredValidator | None:
    """The validator if it is in force: who leaves is until its epoch has come."""
    view = await contracts.validator(validator, block)
    has_left = 0 < view.deactivation_epoch <= epoch
    if not any(view.signer) or has_left or not view.stake_wei:
        return None
    return RegisteredValidator(validator, view, await contracts.validator_nonce(staking_info, validator, block))


def _with_keys(
    validators: Sequence[RegisteredValidator], keys: Mapping[Address, PublicKey]
) -> tuple[GenesisValidator, ...]:
    missing = [checksum_address(one.view.signer) for one in validators if one.view.signer not in keys]
    if missing:
        raise ContractsUnfit(f"StakeManager names signers whose keys are not given: {', '.join(missing)}")
    return tuple(
        GenesisValidator(
            id=one.id,
            signer=one.view.signer,
            public_key=keys[one.view.signer],
            stake_wei=one.view.stake_wei,
            nonce=one.nonce,
            activation_epoch=one.view.activation_epoch,
            deactivation_epoch=one.view.deactivation_epoch,
        )
        for one in validators
    )
