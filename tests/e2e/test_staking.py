"""The set of validators follows the contract: joining, stake, leaving, new signers; and logs that nobody expects."""

from itertools import chain

from bridge.codec.abi import encode_call, encode_values
from bridge.codec.events import STAKE_UPDATE_TOPIC, STAKED_TOPIC, UNSTAKE_INIT_TOPIC
from bridge.codec.feed import DONE_INDEX, Cursor
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, BlockNumber, Hash32, PublicKey, Wei
from contracts import calls
from contracts.deployment import DeploymentStep, contract_address
from contracts.loader import constructor_data
from node.app.errors import LogOutcome
from node.app.history import CheckpointEntry, NoAckEntry
from node.devnet.accounts import draw_accounts
from node.devnet.bootstrap import ROOT
from node.devnet.network import DevnetOptions
from tests.e2e.harness import Network, running_network

TOKEN = 10**18
JOINER_ID = 5
STRANGERS = draw_accounts(seed=77, validators=4).signers
"""Keys that no devnet has."""


async def test_staking__validator_joins_and_leaves__counts_from_its_log_until_the_ack_of_its_epoch() -> None:
    async with running_network() as network:
        contracts, accounts = network.devnet.contracts.root, network.devnet.accounts
        owner, joiner = accounts.demo[1], STRANGERS[0]
        await network.succeed(
            accounts.deployer,
            calls.mint(contracts.stake_token, accounts.deployer.address, Wei(30 * TOKEN)),
            *calls.stake(contracts, owner.address, Wei(30 * TOKEN), joiner.public_key),
        )
        await network.until(lambda: _powers(network).get(JOINER_ID) == 30)
        await network.until(lambda: joiner.address in _engine_signers(network))
        await network.until_acks(2)
        assert JOINER_ID in _last_ack(network).missing, "its node is not there"

        await network.succeed(owner, _manager(network, "unstakePOL(uint256)", JOINER_ID))
        acks = network.turn.acks
        assert JOINER_ID in _powers(network), "who leaves counts until its epoch ends"
        await network.until(lambda: JOINER_ID not in _powers(network))
        assert network.turn.acks > acks
        await network.until_acks(network.turn.acks + 1)
        no_acks = [entry for entry in network.history() if isinstance(entry, NoAckEntry)]
        assert {entry.proposer for entry in no_acks} <= {joiner.address}


async def test_staking__stake_raised__powers_follow_everywhere() -> None:
    async with running_network() as network:
        contracts, accounts = network.devnet.contracts.root, network.devnet.accounts
        index = 3
        owner = accounts.submitters[index]
        await network.succeed(accounts.deployer, calls.mint(contracts.stake_token, owner.address, Wei(25 * TOKEN)))
        approve = encode_call("approve(address,uint256)", contracts.stake_manager, 25 * TOKEN)
        await network.succeed(
            owner,
            DeploymentStep("approve", contracts.stake_token, approve),
            _manager(network, "restakePOL(uint256,uint256,bool)", index + 1, 25 * TOKEN, False),
        )
        await network.until(lambda: _powers(network)[index + 1] == 95)
        await network.until_acks(2)
        assert network.status(index).power == 95


async def test_staking__two_of_four_change_their_signers_at_once__nothing_stops() -> None:
    """Together they hold over a third: without both keys at hand there would be no quorum to notice the change."""
    async with running_network() as network:
        await network.until_acks(1)
        changing = (2, 3)
        await network.close()
        for index in changing:
            network.add_signer_key(index, STRANGERS[index])
        await network.start()
        sent = [
            await network.send(
                network.devnet.accounts.submitters[index],
                _manager(network, "updateSigner(uint256,bytes)", index + 1, STRANGERS[index].public_key),
            )
            for index in changing
        ]
        await network.settled(*chain.from_iterable(sent))
        await network.until(lambda: {STRANGERS[index].address for index in changing} <= _signers(network))
        acks = network.turn.acks
        await network.until_acks(acks + 2)
        last = _last_ack(network)
        assert last.missing == ()
        assert {STRANGERS[index].address for index in changing} <= {one.signer for one in last.signatures}
        assert network.turn.no_acks == 0
        assert all(network.status(index).stopped_signing is None for index in range(4))


async def test_staking__removed_by_force__gone_at_once_and_the_others_go_on() -> None:
    async with running_network() as network:
        await network.until_acks(1)
        await network.succeed(network.devnet.accounts.deployer, _manager(network, "forceUnstakePOL(uint256)", 4))
        await network.until(lambda: 4 not in _powers(network))
        await network.until_acks(3)
        assert _last_ack(network).missing == ()


async def test_feed__logs_that_no_honest_contract_emits__applied_or_ignored_by_rule() -> None:
    probe = draw_accounts(seed=0, validators=4).demo[1].address
    fake = contract_address(probe, nonce=0)
    async with running_network(options=DevnetOptions(periodic_blocks=False, staking_info=fake)) as network:
        sender = network.devnet.accounts.demo[1]
        await network.succeed(sender, DeploymentStep("create", None, constructor_data("FakeStakingInfo")))
        off_curve, brief = 50, 60
        block = await network.succeed(
            sender,
            _staked(fake, off_curve, STRANGERS[0].address, PublicKey(b"\x01" * 64)),
            _staked(fake, brief, STRANGERS[1].address, STRANGERS[1].public_key),
            _log(
                fake,
                (UNSTAKE_INIT_TOPIC, _word(7), _word(brief), _word(TOKEN)),
                encode_values(("uint256",) * 2, (2, 1)),
            ),
            _log(fake, (STAKE_UPDATE_TOPIC, _word(1), _word(7), _word(101 * TOKEN)), b""),
            _log(fake, (STAKE_UPDATE_TOPIC, _word(99), _word(1), _word(TOKEN)), b"", count=200),
            _log(fake, (STAKED_TOPIC, _word(1), _word(2), _word(3)), bytes(100_000)),
            _log(fake, (keccak256(b"Unknown()"),), b""),
        )
        await network.until(lambda: network.state.feeds[0].cursor == _end_of(network, block))
        feed, section = network.state.feeds[0], network.state.validators
        assert feed.alerted_logs == 1 + 200 + 1, "a nonce out of order, unknown validators, data that is too long"
        assert feed.last_alert is not None
        assert feed.last_alert.outcome is LogOutcome.MALFORMED
        assert [step.block_number for step in feed.applied].count(block) == 4, "at most 64 logs a step"
        assert {member.id for member in section.members} == {1, 2, 3, 4, off_curve}
        assert [former.id for former in section.former] == [brief]
        assert {member.id: member.power for member in section.tally_set} == {1: 101, 2: 90, 3: 80, 4: 70}
        assert not network.state.engine_set.is_frozen
        await network.until_acks(2)


def _manager(network: Network, signature: str, *arguments: object) -> DeploymentStep:
    return DeploymentStep(signature, network.devnet.contracts.root.stake_manager, encode_call(signature, *arguments))


def _staked(fake: Address, validator: int, signer: Address, key: PublicKey) -> DeploymentStep:
    data = encode_values(("uint256", "uint256", "uint256", "bytes"), (1, TOKEN, TOKEN, key))
    return _log(fake, (STAKED_TOPIC, Hash32(signer.rjust(32, b"\0")), _word(validator), _word(1)), data)


def _log(fake: Address, topics: tuple[Hash32, ...], data: bytes, count: int = 1) -> DeploymentStep:
    return DeploymentStep("log", fake, encode_call("repeatLog(uint256,bytes32[],bytes)", count, topics, data))


def _word(number: int) -> Hash32:
    return Hash32(number.to_bytes(32))


def _end_of(network: Network, block: BlockNumber) -> Cursor:
    return Cursor(block, network.chain(ROOT).header(block).hash, DONE_INDEX)


def _powers(network: Network) -> dict[int, int]:
    return {member.id: member.power for member in network.state.validators.tally_set}


def _signers(network: Network) -> set[Address]:
    return {member.signer for member in network.state.validators.tally_set}


def _engine_signers(network: Network) -> set[Address]:
    return {member.address for member in network.devnet.local_engine.validators.validators}


def _last_ack(network: Network) -> CheckpointEntry:
    return [entry for entry in network.history() if isinstance(entry, CheckpointEntry)][-1]
