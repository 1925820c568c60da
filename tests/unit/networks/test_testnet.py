"""`sidewarden testnet` on real chains: contracts of our own, and those that somebody else has deployed."""

import json
import stat
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.codec.abi import encode_call
from bridge.codec.checkpoint import DataForm
from bridge.codec.types import Wei
from config.file import check_against_genesis, load_home
from contracts import calls
from contracts.deployment import DeploymentPlan, DeploymentStep, root_deployment, side_deployment
from node.app.genesis import genesis_hash
from node.app.genesis_file import genesis_from_json
from node.app.parameters import QuorumUnit
from node.engine.comet.node_key import read_node_id
from node.keys.errors import KeystoreError
from node.keys.keystore import DEVNET, open_keystores, read_password, write_keystore
from node.keys.private_key import PrivateKey
from node.keys.record import SigningRecord
from node.networks.accounts import Account, account_of
from node.networks.contracts_file import contracts_to_json, deployed, read_contracts
from node.networks.deploy import STAKES_TOKENS, Staker, stakes
from node.networks.errors import ContractsUnfit, OutputRefused, SettingsImpossible
from node.networks.homes import NODE_KEY
from node.networks.testnet import Adopt, Deploy, Testnet, TestnetSettings, make_testnet
from node.store.local import LocalStore
from tests.unit.networks.world import CHAIN_IDS, PAYER, ROOT, SIDE, Chains, two_chains

TOKEN = 10**18
FUNDS_WEI = Wei(3 * 10**16)
OWNER = account_of(b"\x21" * 32)
SIGNERS = tuple(account_of(bytes([number]) * 32) for number in (0x31, 0x32, 0x33, 0x34))


@pytest.fixture
async def chains() -> AsyncIterator[Chains]:
    async with two_chains(OWNER.address, *(one.address for one in SIGNERS)) as both:
        yield both


async def make(chains: Chains, output: Path, way: Deploy | Adopt, **options: Any) -> Testnet:
    """The command on these chains, with quick keystores."""
    urls = (chains.local.rpc_url(ROOT),), (chains.local.rpc_url(SIDE),)
    settings = TestnetSettings(output, *urls, way, keystore_cost=DEVNET, funds_wei=FUNDS_WEI, **options)
    return await chains.while_blocks_come(make_testnet(settings, chains.transport, chains.clock, chains.said.append))


async def by_somebody_else(chains: Chains, signers: Sequence[Account] = SIGNERS) -> DeploymentPlan:
    """Contracts in the polygon form, in which validators have staked; the first has staked more since."""
    plan = DeploymentPlan(PAYER.address, PAYER.address, CHAIN_IDS[SIDE], DataForm.POLYGON)
    deployment = root_deployment(plan)
    stakers = [Staker(one.public_key, one.address) for one in signers]
    mint = calls.mint(deployment.contracts.stake_token, signers[0].address, Wei(TOKEN))
    steps = (*deployment.steps, *stakes(deployment.contracts, PAYER.address, stakers), mint)
    await chains.while_blocks_come(chains.deployer(ROOT).send(steps))
    await chains.while_blocks_come(chains.deployer(SIDE).send(side_deployment(plan).steps))
    here = deployment.contracts
    more = (
        DeploymentStep("approve", here.stake_token, encode_call("approve(address,uint256)", here.stake_manager, TOKEN)),
        DeploymentStep("restake", here.stake_manager, encode_call("restakePOL(uint256,uint256,bool)", 1, TOKEN, False)),
    )
    await chains.while_blocks_come(chains.deployer(ROOT, signers[0]).send(more))
    await chains.local.mine(ROOT, 3)
    return plan


def given(tmp_path: Path, plan: DeploymentPlan, signers: Sequence[Account] = SIGNERS) -> Adopt:
    """What their operators bring: a file of contracts, and keystores."""
    file, password_file, keystores = tmp_path / "contracts.json", tmp_path / "password", tmp_path / "keystores"
    file.write_text(contracts_to_json(deployed(plan)))
    password_file.write_text("their password\n")
    password_file.chmod(0o600)
    for signer in signers:
        write_keystore(keystores, PrivateKey(signer.private_key), "their password", DEVNET, bytes)
    return Adopt(read_contracts(file), keystores, password_file, PAYER)


async def test_testnet__of_contracts_of_its_own__homes_are_ready_to_start(chains: Chains, tmp_path: Path) -> None:
    output = tmp_path / "net"
    made = await make(chains, output, Deploy(PAYER, 4), api_port=21_000, p2p_port=22_000, name="ours")

    genesis = genesis_from_json((output / "genesis.json").read_text())
    assert genesis == made.genesis
    assert (genesis.name, genesis.parameters.side_chain_id) == ("ours", CHAIN_IDS[SIDE])
    assert [one.stake_wei // TOKEN for one in genesis.validators] == list(STAKES_TOKENS)
    parameters = genesis.root_chains[0].parameters
    assert (parameters.data_form, parameters.quorum_unit) == (DataForm.BOUND, QuorumUnit.TOKENS)
    head = chains.local.chain(ROOT).head.number
    assert genesis.root_chains[0].block_number <= head - parameters.confirmations

    ids = [read_node_id(output / str(index) / NODE_KEY) for index in range(4)]
    for index, member in enumerate(made.members):
        home = load_home(member.home)
        check_against_genesis(home.config, genesis)
        comet = home.config.engine.comet
        assert (home.config.engine.kind, comet.p2p_host, comet.p2p_port) == ("comet", "127.0.0.1", 22_000 + index)
        assert (home.config.api.host, home.config.api.port) == ("127.0.0.1", 21_000 + index)
        others = [f"{ids[other]}@127.0.0.1:{22_000 + other}" for other in range(4) if other != index]
        assert list(comet.persistent_peers) == others
        assert (member.home / "genesis.json").read_bytes() == (output / "genesis.json").read_bytes()
        assert home.config.keys.signers == (genesis.validators[index].signer,)
        assert await chains.root.balance(member.submission) == FUNDS_WEI
        wanted = (*home.config.keys.signers, member.submission)
        assert len(open_keystores(member.home / "keystore", wanted, read_password(member.home / "password"))) == 2
        local = LocalStore(member.home / "local.db")
        SigningRecord.open(member.home / "signing.db", local).close()
        local.close()


async def test_testnet__its_files__show_no_secret_to_others(chains: Chains, tmp_path: Path) -> None:
    output = tmp_path / "net"
    output.mkdir(mode=0o755)
    made = await make(chains, output, Deploy(PAYER, 1))

    for path in (output, output / "0", *(path for path in output.rglob("*") if path.is_file())):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    secrets = [PAYER.private_key.hex(), (output / "0" / "password").read_text().strip()]
    told = made.summary + "".join(chains.said) + (output / "summary.txt").read_text()
    assert not [secret for secret in secrets if secret in told]


async def test_testnet__for_several_machines__same_ports_on_each_and_peers_by_host(
    chains: Chains, tmp_path: Path
) -> None:
    made = await make(chains, tmp_path / "net", Deploy(PAYER, 3), hostnames=("alpha", "beta.example", "10.0.0.3"))

    for member, host in zip(made.members, ("alpha", "beta.example", "10.0.0.3"), strict=True):
        config = load_home(member.home).config
        assert config.engine.comet.p2p_host == "0.0.0.0"  # noqa: S104 - what was asked for
        assert config.engine.comet.external_address == f"{host}:26656"
        assert config.api.host == "127.0.0.1"
        assert f"{member.home} -> {host}" in made.summary
        assert all(peer.endswith(":26656") and host not in peer for peer in config.engine.comet.persistent_peers)


async def test_testnet__of_contracts_by_somebody_else__genesis_has_what_they_have(
    chains: Chains, tmp_path: Path
) -> None:
    plan = await by_somebody_else(chains)
    made = await make(chains, tmp_path / "net", given(tmp_path, plan))

    assert [one.signer for one in made.genesis.validators] == [one.address for one in SIGNERS]
    assert [one.public_key for one in made.genesis.validators] == [one.public_key for one in SIGNERS]
    assert [one.nonce for one in made.genesis.validators] == [2, 1, 1, 1], "the first has restaked"
    assert made.genesis.validators[0].stake_wei == (STAKES_TOKENS[0] + 1) * TOKEN
    parameters = made.genesis.root_chains[0].parameters
    assert parameters.root_chain_address == root_deployment(plan).contracts.root_chain
    assert parameters.data_form is DataForm.POLYGON
    for member, signer in zip(made.members, SIGNERS, strict=True):
        assert load_home(member.home).config.keys.signers == (signer.address,)
        assert await chains.root.balance(member.submission) == FUNDS_WEI


async def test_testnet__contracts_with_a_signer_whose_keystore_is_not_given__named(
    chains: Chains, tmp_path: Path
) -> None:
    plan = await by_somebody_else(chains)
    way = given(tmp_path, plan, SIGNERS[:3])
    with pytest.raises(KeystoreError, match=r"must hold exactly one file with 0x.* in its name, and holds 0"):
        await make(chains, tmp_path / "net", way)
    assert not (tmp_path / "net").exists()


async def test_testnet__contracts_with_another_number_of_validators__refused_naming_both(
    chains: Chains, tmp_path: Path
) -> None:
    way = given(tmp_path, await by_somebody_else(chains))
    with pytest.raises(ContractsUnfit, match="has 4 validators in force, and --validators says 5"):
        await make(chains, tmp_path / "net", replace(way, validators=5))


async def test_testnet__an_address_of_something_else__refused_with_the_contract(chains: Chains, tmp_path: Path) -> None:
    plan = await by_somebody_else(chains)
    way = given(tmp_path, plan)
    elsewhere = replace(way.contracts, on_root={**way.contracts.on_root, "RootChain": OWNER.address})
    with pytest.raises(ContractsUnfit, match=r"RootChain at 0x.*is the address right"):
        await make(chains, tmp_path / "net", replace(way, contracts=elsewhere))


async def test_testnet__two_networks_on_the_same_contracts__differ_by_their_names(
    chains: Chains, tmp_path: Path
) -> None:
    plan = await by_somebody_else(chains)
    way = given(tmp_path, plan)
    first, second = [await make(chains, tmp_path / name, way, name=name) for name in ("one", "two")]
    assert genesis_hash(first.genesis) != genesis_hash(second.genesis)


async def test_testnet__into_a_directory_that_is_in_use__refused_before_anything_is_sent(
    chains: Chains, tmp_path: Path
) -> None:
    (tmp_path / "signing.db").write_text("precious")
    with pytest.raises(OutputRefused, match="is not empty"):
        await make(chains, tmp_path, Deploy(PAYER, 1))
    assert await chains.root.transaction_count(PAYER.address) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"way": Deploy(PAYER, 0)}, "--validators"),
        ({"way": Deploy(PAYER, 101)}, "--validators"),
        ({"hostnames": ("one", "one")}, "differ"),
        ({"name": "n" * 51}, "50 characters"),
    ],
)
def test_settings__impossible__refused_naming_the_option(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    usual: dict[str, Any] = {"root_urls": ("http://r",), "side_urls": ("http://s",), "way": Deploy(PAYER, 4)}
    with pytest.raises(SettingsImpossible, match=words):
        TestnetSettings(tmp_path, **{**usual, **options})


@pytest.mark.parametrize(
    ("api_port", "p2p_port", "hostnames"),
    [(1317, 1320, ()), (65_533, 26_656, ()), (1317, 26_656, ("a", "b"))],
    ids=["overlap", "beyond the last", "too few hosts"],
)
def test_places__that_cannot_be__refused(
    tmp_path: Path, api_port: int, p2p_port: int, hostnames: tuple[str, ...]
) -> None:
    settings = TestnetSettings(
        *(tmp_path, ("http://r",), ("http://s",), Deploy(PAYER, 4)),
        hostnames=hostnames,
        api_port=api_port,
        p2p_port=p2p_port,
    )
    with pytest.raises(SettingsImpossible):
        settings.places(4)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "is no file of contracts"),
        ("[]", "is no file of contracts"),
        ({"root_chain": {}}, "must name RootChain, StakeManager, StakingInfo"),
        ({"root_chain": {}, "quorum": "wei"}, "unknown field"),
        ({"root_chain": {}, "quorum_unit": "stones"}, "is no file of contracts"),
        ({"root_chain": dict.fromkeys(("RootChain", "StakeManager", "StakingInfo"), "0x12")}, "no address"),
        (" " * 70_000, "larger than"),
    ],
)
def test_contracts_file__that_names_no_contracts__refused(tmp_path: Path, document: object, words: str) -> None:
    file = tmp_path / "contracts.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(ContractsUnfit, match=words):
        read_contracts(file)


def test_contracts_file__of_polygon__needs_only_the_addresses(tmp_path: Path) -> None:
    file = tmp_path / "contracts.json"
    named = {name: f"0x{number:040x}" for number, name in enumerate(("RootChain", "StakeManager", "StakingInfo"), 1)}
    file.write_text(json.dumps({"root_chain": named}))
    contracts = read_contracts(file)
    assert (contracts.data_form, contracts.quorum_unit) == (DataForm.POLYGON, QuorumUnit.WEI)
    assert contracts.root_chain_manager is None
    assert contracts.agreed.stake_manager == bytes(19) + b"\x02"
