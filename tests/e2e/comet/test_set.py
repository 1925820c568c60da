"""The engine's validators on real CometBFT follow StakeManager, two heights later; who leaves votes until then."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.codec.abi import encode_call
from bridge.codec.consensus import BlockIdFlag
from bridge.codec.types import Address, Wei
from contracts import calls
from contracts.deployment import DeploymentStep
from node.devnet.bootstrap import ROOT
from node.engine.commits import CommittedBlock
from node.networks.accounts import Account
from tests.e2e.comet.test_votes import VICTIM, Watched, running
from tests.e2e.process import TEST_S
from tests.e2e.test_staking import JOINER_ID, STRANGERS, TOKEN

pytestmark = [pytest.mark.xdist_group("set"), pytest.mark.timeout(TEST_S)]

IN_COMMIT_AFTER = 3
"""An update of block H acts from H + 2 on, whose commit is in the block after."""


async def test_set__one_joins_and_one_leaves__two_heights_later_and_the_leaver_s_node_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as network:
        blocks: list[CommittedBlock] = []
        network.devnet.engine.subscribe(0, blocks.append)
        accounts, contracts = network.devnet.accounts, network.devnet.contracts.root
        owner, joiner = accounts.demo[1], STRANGERS[0].address
        await _send(
            network,
            accounts.deployer,
            calls.mint(contracts.stake_token, accounts.deployer.address, Wei(30 * TOKEN)),
            *calls.stake(contracts, owner.address, Wei(30 * TOKEN), STRANGERS[0].public_key),
        )
        await network.until(lambda: joiner in _flags(blocks[-1:]))
        assert blocks[-1].height == _updated_at(blocks) + IN_COMMIT_AFTER

        # It leaves, whose node is not there; and one whose node is, and which votes to the end.
        leaver = accounts.signers[VICTIM].address
        await _send(network, owner, _unstake(network, JOINER_ID))
        await _send(network, accounts.submitters[VICTIM], _unstake(network, VICTIM + 1))
        await network.until(lambda: not {joiner, leaver} & set(_flags(blocks[-1:])))
        assert blocks[-1].height == _updated_at(blocks) + IN_COMMIT_AFTER
        last = max(block.height for block in blocks if leaver in _flags([block]))
        assert _flags(blocks[last - blocks[0].height :])[leaver] is BlockIdFlag.COMMIT
        assert set(_flags(blocks[-1:])) == {signer.address for signer in accounts.signers[:VICTIM]}

        # Its node follows what the others decide.
        height = network.devnet.validators[VICTIM].committed.height
        await network.until(lambda: network.devnet.validators[VICTIM].committed.height > height + 3)


def _flags(blocks: Sequence[CommittedBlock]) -> dict[Address, BlockIdFlag]:
    """Who had to sign the block before the first of these, and who has."""
    return {vote.address: vote.flag for block in blocks[:1] for vote in block.last_commit}


def _updated_at(blocks: Sequence[CommittedBlock]) -> int:
    """The last block that changed the engine's set."""
    return max(block.height for block in blocks if block.response.validator_updates)


def _unstake(network: Watched, validator: int) -> DeploymentStep:
    call = encode_call("unstakePOL(uint256)", validator)
    return DeploymentStep("unstake", network.devnet.contracts.root.stake_manager, call)


async def _send(network: Watched, account: Account, *steps: DeploymentStep) -> None:
    wallet = network.devnet.wallet(account, ROOT)
    for step in steps:
        assert step.to is not None
        await wallet.send(step.to, step.data)
