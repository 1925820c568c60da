"""The genesis of a devnet, read from its contracts at a confirmed block, as the operators of a real network would."""

from bridge.chain.reader import ChainReader
from bridge.codec import events
from bridge.codec.feed import FilterEntry
from bridge.codec.types import BlockNumber, PublicKey, UnixSeconds, ValidatorId
from node.app.genesis import Genesis, GenesisValidator, RootChainGenesis
from node.app.parameters import Parameters, RootChainParameters
from node.devnet.settings import DevnetError
from node.duties.genesis_check import contract_reader

_STAKING_TOPICS = (
    events.STAKED_TOPIC,
    events.STAKE_UPDATE_TOPIC,
    events.SIGNER_CHANGE_TOPIC,
    events.UNSTAKE_INIT_TOPIC,
)
_CHECKPOINT_TOPICS = (events.NEW_HEADER_BLOCK_TOPIC, events.RESET_HEADER_BLOCK_TOPIC)
_UPGRADE_TOPICS = (events.UPGRADED_TOPIC, events.PROXY_UPDATED_TOPIC)


def feed_filter(parameters: RootChainParameters) -> tuple[FilterEntry, ...]:
    """The logs that the feed of a root chain carries: checkpoints, staking, and upgrades of the proxies."""
    wanted = [(parameters.root_chain_address, topic) for topic in (*_CHECKPOINT_TOPICS, *_UPGRADE_TOPICS)]
    if any(parameters.stake_manager_address):
        wanted += [(parameters.staking_info_address, topic) for topic in _STAKING_TOPICS]
        wanted += [(parameters.stake_manager_address, topic) for topic in _UPGRADE_TOPICS]
    return tuple(FilterEntry(address, topic, BlockNumber(0)) for address, topic in sorted(wanted))


async def read_genesis(
    name: str,
    network: Parameters,
    root_chain: RootChainParameters,
    reader: ChainReader,
    public_keys: tuple[PublicKey, ...],
    now_s: UnixSeconds,
) -> Genesis:
    """The genesis of a network with one root chain, at its confirmed head. Raises ChainError, GenesisError.

    `public_keys` are those of validators 1, 2, …, for the contract keeps only their addresses.
    """
    block = BlockNumber(await reader.head_number() - root_chain.confirmations)
    header = await reader.header(block)
    if header is None:
        raise DevnetError(f"root-chain block {block} is not there")
    contracts = contract_reader(reader, root_chain)
    checkpoints, staking = await contracts.checkpoints(block), await contracts.staking(block)
    validators = [
        await _validator(reader, root_chain, ValidatorId(index + 1), key, block)
        for index, key in enumerate(public_keys)
    ]
    genesis = Genesis(
        name=name,
        time_s=now_s,
        epoch=staking.epoch,
        staking_root_chain=0,
        parameters=network,
        validators=tuple(validators),
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


async def _validator(
    reader: ChainReader, root_chain: RootChainParameters, validator: ValidatorId, key: PublicKey, block: BlockNumber
) -> GenesisValidator:
    seen = await contract_reader(reader, root_chain).validator(validator, block)
    return GenesisValidator(
        id=validator,
        signer=seen.signer,
        public_key=key,
        stake_wei=seen.stake_wei,
        nonce=1,
        activation_epoch=seen.activation_epoch,
        deactivation_epoch=seen.deactivation_epoch,
    )
