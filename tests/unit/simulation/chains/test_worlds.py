"""Worlds over models and over the real contracts are the same world."""

from bridge.codec.abi import encode_call
from bridge.codec.checkpoint import DataForm
from bridge.codec.types import ZERO_ADDRESS
from contracts.deployment import RootContracts
from node.devnet.bootstrap import DEPOSIT_WEI
from node.networks.deploy import STAKES_TOKENS
from node.simulation.chains.worlds import World
from tests.unit.simulation.chains.script import ACCOUNTS, ADDRESSES, START, TOKEN, new_script
from tests.unit.simulation.chains.views import views_of


def test_worlds__of_both_kinds__have_the_same_blocks_and_contracts() -> None:
    script = new_script(0, DataForm.BOUND)
    for twins in (script.root, script.side):
        assert twins.model.head.timestamp == twins.evm.head.timestamp == START
        for number in range(twins.model.head.number + 1):
            twins.compare_block(number)
        twins.compare_accounts(ADDRESSES)
    for name, contract in script.contracts.root.by_name().items():
        for view in views_of(contract, name):
            script.root.call(contract, view.data(script.source, ADDRESSES), ZERO_ADDRESS)
    for account in ACCOUNTS.demo:
        call = encode_call("balanceOf(address)", account.address)
        held = script.side.call(script.contracts.side.demo_token, call, ZERO_ADDRESS)
        assert int.from_bytes(held.data) == DEPOSIT_WEI


def test_root_world__of_four_validators__has_their_stakes(world: World[RootContracts]) -> None:
    manager, chain = world.contracts.stake_manager, world.chain
    for validator_id, (signer, tokens) in enumerate(zip(ACCOUNTS.signers, STAKES_TOKENS, strict=True), start=1):
        words = chain.call(manager, encode_call("validators(uint256)", validator_id))
        assert int.from_bytes(words[:32]) == tokens * TOKEN
        assert words[5 * 32 + 12 : 6 * 32] == signer.address
