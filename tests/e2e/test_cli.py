"""The commands of the README on a real devnet: what a person sees, and how a command ends that cannot do its work."""

import json
import subprocess
from pathlib import Path

import pytest

from bridge.codec.abi import encode_call
from bridge.codec.hexadecimal import from_hex, to_hex
from node.duties.status import Reason
from tests.e2e.process import SIDEWARDEN, TEST_S, WAIT_S, DevnetProcess, rss_bytes
from tests.e2e.user import User

pytestmark = pytest.mark.xdist_group("devnet")

FIRST_ACK_S = 30.0
BURNT_WEI = 3 * 10**18
RSS_BYTES_MAX = 600 * 1_000_000
ROOT_CONTRACTS = {
    *("RootChain", "StakeManager", "StakingInfo", "StateSender"),
    *("RootChainManager", "ERC20Predicate", "StakeToken", "DemoToken"),
    *("EtherPredicate", "MintableERC20Predicate", "ERC721Predicate", "MintableERC721Predicate"),
    *("ERC1155Predicate", "MintableERC1155Predicate", "DemoERC721", "DemoERC1155"),
    *("DemoMintableERC20", "DemoMintableERC721", "DemoMintableERC1155"),
    *("Registry", "WithdrawManager", "DepositManager", "ERC20PredicateBurnOnly", "ERC721PredicateBurnOnly"),
    *("PlasmaDemoToken", "PlasmaDemoNft", "DemoTunnel"),
}
SIDE_CONTRACTS = {
    *("ChildChainManager", "DemoToken", "Ether", "DemoERC721", "DemoERC1155"),
    *("DemoMintableERC20", "DemoMintableERC721", "DemoMintableERC1155"),
    *("ChildChain", "NativeToken", "PlasmaEther", "PlasmaDemoToken", "PlasmaDemoNft", "DemoTunnel"),
}


def run(*arguments: str, timeout_s: float = WAIT_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SIDEWARDEN, *arguments], capture_output=True, text=True, timeout=timeout_s, check=False)


def test_devnet__on_a_fresh_home__acknowledges_its_first_checkpoint_within_30_s(devnet: DevnetProcess) -> None:
    took_s = devnet.wait_for("ack: header 10000 with blocks 0 to ")

    assert took_s < FIRST_ACK_S, f"{took_s:.1f} s"
    for step in (
        "is due",
        "proposes blocks 0 to",
        "signs: 100.0 %",
        "submits with L1 transaction",
        "mined in L1 block",
    ):
        assert step in devnet.output


def test_devnet__all_its_processes__take_less_than_600_mb(devnet: DevnetProcess) -> None:
    sizes = {pid: rss_bytes(pid) for pid in devnet.tree()}

    assert len(sizes) == 2, "the devnet and the child that serves the chains"
    assert sum(sizes.values()) < RSS_BYTES_MAX, {pid: f"{size / 1e6:.0f} MB" for pid, size in sizes.items()}


def test_devnet_json__names_everything_in_its_agreed_shape_and_is_private(devnet: DevnetProcess) -> None:
    assert (devnet.home / "devnet.json").stat().st_mode & 0o777 == 0o600
    told = devnet.described
    assert list(told) == ["side_chain", "root_chains", "validators", "accounts", "control_url", "control_token"]
    assert set(told["side_chain"]) == {"chain_id", "rpc_url", "contracts"}
    assert set(told["side_chain"]["contracts"]) == SIDE_CONTRACTS
    (root,) = told["root_chains"]
    assert set(root) == {"name", "chain_id", "rpc_url", "contracts"}
    assert set(root["contracts"]) == ROOT_CONTRACTS
    assert [set(validator) for validator in told["validators"]] == [{"index", "signer", "api_url", "home"}] * 4
    assert [validator["index"] for validator in told["validators"]] == [0, 1, 2, 3]
    for chain, place in (("side", told["side_chain"]), ("root", root)):
        assert int(devnet.rpc(chain, "eth_chainId"), 16) == place["chain_id"]
        for address in place["contracts"].values():
            assert devnet.rpc(chain, "eth_getCode", address, "latest") != "0x"
    assert told["accounts"]
    for account in told["accounts"]:
        assert set(account) == {"address", "private_key"}
        assert len(from_hex(account["private_key"])) == 32
        for chain in ("side", "root"):
            assert int(devnet.rpc(chain, "eth_getBalance", account["address"], "latest"), 16) > 0
        assert demo_tokens(devnet, account["address"]) > 0


def demo_tokens(devnet: DevnetProcess, owner: str) -> int:
    """What an account holds of the demo token on the side chain."""
    call = to_hex(encode_call("balanceOf(address)", from_hex(owner)))
    token = devnet.described["side_chain"]["contracts"]["DemoToken"]
    return int(devnet.rpc("side", "eth_call", {"to": token, "data": call}, "latest"), 16)


def test_status__of_the_devnet__names_one_reason_for_each_validator(devnet: DevnetProcess) -> None:
    ran = run("status", "--home", str(devnet.home))
    as_json = run("status", "--home", str(devnet.home), "--json")

    assert ran.returncode == as_json.returncode == 0
    assert ran.stdout.startswith("validator 1  validator 1, 29.4% of the power, signer 0x")
    assert [line.split(":")[0] for line in ran.stdout.splitlines()[-3:]] == [
        "  validator 2, 26.5% of the power",
        "  validator 3, 23.5% of the power",
        "  validator 4, 20.6% of the power",
    ]
    assert json.loads(as_json.stdout)["root_chains"][0]["why"]["reason"] in {reason.value for reason in Reason}


def test_status__of_one_validator_s_home__asks_that_validator(devnet: DevnetProcess) -> None:
    ran = run("status", "--home", devnet.described["validators"][2]["home"])

    assert ran.stdout.startswith("validator 3  validator 3, 23.5% of the power")


def test_keys__of_the_devnet__are_all_in_use(devnet: DevnetProcess) -> None:
    listed = json.loads(run("keys", "--home", str(devnet.home), "--json").stdout)

    assert [signer["use"] for home in listed for signer in home["signers"]] == ["SIGNS"] * 4
    assert [home["signers"][0]["address"] for home in listed] == [v["signer"] for v in devnet.described["validators"]]
    assert all(home["running"] for home in listed)
    signer = listed[1]["signers"][0]["address"]
    refused = run("keys", "--home", listed[1]["home"], "drop", signer)
    assert (refused.returncode, refused.stderr.split(":")[1].strip()) == (1, "KEY_IN_USE")


def test_devnet__on_a_home_in_use__is_told_which_process_has_it(devnet: DevnetProcess) -> None:
    ran = run("devnet", "--home", str(devnet.home), "--api-port", "0")

    assert ran.returncode == 1
    assert f"Error: HOME_IN_USE: process {devnet.pid} runs on {devnet.home} already" in ran.stderr


def test_start__of_a_validator_that_the_devnet_runs__is_told_which_process_has_it(devnet: DevnetProcess) -> None:
    ran = run("start", "--home", str(devnet.home / "validators" / "0"))

    assert ran.returncode == 1
    assert ran.stderr.startswith("Error: DATABASE_IN_USE: ")
    assert f"in use by process {devnet.pid}: stop it first" in ran.stderr


def test_devnet__on_ports_that_are_taken__names_the_option(devnet: DevnetProcess, tmp_path: Path) -> None:
    taken = int(devnet.described["validators"][0]["api_url"].rpartition(":")[2])

    ran = run("devnet", "--home", str(tmp_path), "--api-port", str(taken - 1))

    assert ran.returncode == 1
    assert f"Error: DEVNET_PORT_BUSY: port {taken} for the API of validator 2 is taken" in ran.stderr
    assert "give another --api-port" in ran.stderr
    assert not (tmp_path / "genesis.json").exists(), "it was refused before anything was made"


@pytest.mark.parametrize("validators", ["2", "3"])
def test_devnet__where_one_validator_would_hold_a_third__is_refused(validators: str, tmp_path: Path) -> None:
    ran = run("devnet", "--home", str(tmp_path), "--validators", validators)

    assert ran.returncode == 1
    assert "Error: DEVNET_SETTINGS: " in ran.stderr


@pytest.mark.timeout(TEST_S)
def test_burn__waited_for_and_sent_by_the_command__comes_out_to_the_burner(
    devnet: DevnetProcess, tmp_path: Path
) -> None:
    user = User(devnet)
    token = user.contract("DemoToken")
    burn = user.send(user.side, user.child_token.functions.withdraw(BURNT_WEI))["transactionHash"].to_0x_hex()
    before_wei = token.functions.balanceOf(user.account.address).call()

    home, proof = ("--home", str(devnet.home)), tmp_path / "proof.bin"
    ran = run("burn", burn, *home, "--wait", "--out", str(proof), "--send", "--yes", "--json", timeout_s=TEST_S)
    again = run("burn", burn, *home, "--send", "--yes")
    without_a_server = run(
        *("burn", burn, "--side-rpc", devnet.described["side_chain"]["rpc_url"]),
        *("--root-rpc", devnet.described["root_chains"][0]["rpc_url"]),
        *("--root-chain-contract", devnet.described["root_chains"][0]["contracts"]["RootChain"]),
        *("--root-chain-manager", devnet.described["root_chains"][0]["contracts"]["RootChainManager"], "--json"),
    )

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["status"], told["sent"]["sender"]) == ("EXITED", user.account.address.lower())
    assert token.functions.balanceOf(user.account.address).call() == before_wei + BURNT_WEI
    assert to_hex(proof.read_bytes()) == told["proofs"][0]["payload"]
    assert (again.returncode, again.stderr.split(":")[1].strip()) == (1, "EXIT_TAKEN")
    assert told["sent"]["transaction_hash"] in again.stderr
    alone = json.loads(without_a_server.stdout)
    assert alone["status"] == "EXITED"
    assert alone["proofs"][0]["payload"] == told["proofs"][0]["payload"]
