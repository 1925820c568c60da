"""The check of genesis over this node's own RPC, once, before its first signature (docs/protocol.md P3).

Nobody signs a genesis: everybody compares it with the contracts at the block that it names. A node whose RPC no longer
has that block's state compares the committed state with the contracts at the feed's cursor instead, and each proposal
with them before it signs.
"""

from collections.abc import Sequence

from bridge.chain.errors import CallReverted, NotHeld, RpcRefused
from bridge.chain.reader import ChainReader
from bridge.codec.feed import DONE_INDEX
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import BlockNumber
from node.app.genesis import Genesis
from node.app.genesis_state import genesis_state
from node.app.parameters import RootChainParameters
from node.app.state import Proposal, State, ValidatorRecord
from node.duties.contract_view import ContractReader, StakingView


class GenesisContradicted(Exception):
    """The root chain says something else than the genesis, or than the state that followed from it."""

    code = "GENESIS_CONTRADICTED"


async def check_genesis(genesis: Genesis, index: int, reader: ChainReader, state: State) -> BlockNumber:
    """Compare one root chain's part of the genesis with its contracts; the block at which it was compared.

    Raises GenesisContradicted; ChainError when this node cannot tell yet.
    """
    root_chain = genesis.root_chains[index]
    contracts = contract_reader(reader, root_chain.parameters)
    block = root_chain.block_number
    start = genesis_state(genesis)
    header = await reader.header(block)
    if header is None:
        raise NotHeld(f"the node of {root_chain.parameters.name} does not show block {block}, which genesis names")
    _same("hash of the genesis block", to_hex(header.hash), to_hex(root_chain.block_hash))
    _same("time of the genesis block", header.timestamp, root_chain.block_time)
    if start.feeds[index].cursor.next_index != DONE_INDEX:
        # A fork in the midst of a block: no call shows the state between its logs.
        return await _check_at_cursor(genesis, index, contracts, state)
    try:
        view = await contracts.checkpoints(block)
        _same("contract_chain_id", await contracts.side_chain_id(block), root_chain.parameters.contract_chain_id)
        _same("last_header_id", view.last_header_id, root_chain.last_header_id)
        _same("next_header_id", view.next_header_id, root_chain.next_header_id)
        _same("next start", view.next_start, root_chain.next_start)
        if index == genesis.staking_root_chain:
            staking = await contracts.staking(block)
            _same("epoch", staking.epoch, genesis.epoch)
            _same("account_root", to_hex(staking.account_root), to_hex(root_chain.account_root))
            await _check_validators(start.validators.members, staking, contracts, block)
    except (RpcRefused, CallReverted):
        return await _check_at_cursor(genesis, index, contracts, state)
    return block


async def expects(reader: ChainReader, parameters: RootChainParameters, proposal: Proposal, block: BlockNumber) -> bool:
    """Whether RootChain, at a confirmed block, takes this checkpoint next, or has taken one under its id already.

    For a node that has not seen the genesis block's state itself, before each signature. Raises ChainError.
    """
    view = await contract_reader(reader, parameters).checkpoints(block)
    if view.next_header_id > proposal.header_id:
        return True
    return (view.next_header_id, view.next_start) == (proposal.header_id, proposal.start)


def contract_reader(reader: ChainReader, parameters: RootChainParameters) -> ContractReader:
    """The calls of a root chain's contracts."""
    return ContractReader(reader, parameters.root_chain_address, parameters.stake_manager_address)


async def _check_at_cursor(genesis: Genesis, index: int, contracts: ContractReader, state: State) -> BlockNumber:
    cursor, turn = state.feeds[index].cursor, state.turns[index]
    if cursor.next_index != DONE_INDEX:
        raise NotHeld("the feed stands inside a block, so its state is of no block that could be called")
    block = cursor.number
    view = await contracts.checkpoints(block)
    _same("next header id", view.next_header_id, turn.next_header_id)
    if turn.next_start is not None:
        _same("next start", view.next_start, turn.next_start)
    if index == genesis.staking_root_chain:
        staking = await contracts.staking(block)
        _same("epoch", staking.epoch, state.validators.epoch)
        await _check_validators(state.validators.members, staking, contracts, block)
    return block


async def _check_validators(
    validators: Sequence[ValidatorRecord],
    staking: StakingView,
    contracts: ContractReader,
    block: BlockNumber,
) -> None:
    """Each validator that we know, and by the total that there is none that we do not know."""
    for validator in validators:
        seen = await contracts.validator(validator.id, block)
        place = f"of validator {validator.id}"
        _same(f"signer {place}", to_hex(seen.signer), to_hex(validator.signer))
        _same(f"stake_wei {place}", seen.stake_wei, validator.stake_wei)
        _same(f"activation_epoch {place}", seen.activation_epoch, validator.activation_epoch)
        _same(f"deactivation_epoch {place}", seen.deactivation_epoch, validator.deactivation_epoch)
    _same("stake of all validators", staking.total_stake_wei, sum(validator.stake_wei for validator in validators))


def _same(what: str, on_chain: object, here: object) -> None:
    if on_chain != here:
        raise GenesisContradicted(
            f"{what}: the root chain says {on_chain}, genesis or state {here}; "
            "compare genesis.json with the other operators"
        )
