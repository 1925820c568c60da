"""The published matic.js on a devnet: two versions of it, each with both plug-ins, from npm and unchanged.

What a user's program does goes through: burn, wait, exit by matic.js's own proof and by the proof API, ask whether it
is paid, deposit. Where matic.js builds a payload itself, it is ours byte for byte.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from eth_account import Account as EthAccount

from tests.e2e.maticjs.abi_store import addresses, running_abi_store
from tests.e2e.maticjs.nfts import deposit_for, nft_ids_of
from tests.e2e.maticjs.program import HERE, Program
from tests.e2e.process import TEST_S, DevnetProcess, Json, ask
from tests.e2e.user import User

pytestmark = [pytest.mark.clients, pytest.mark.xdist_group("devnet"), pytest.mark.timeout(TEST_S)]

PACKAGES = {"3.9.2": "@maticnetwork/maticjs", "3.7.7": "maticjs-3.7.7"}
NETWORKS = {"v1": "matic", "amoy": "amoy"}
"""How the proof API calls a network, by matic.js's version of it."""
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
TRANSFER_BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
FIRST_FUNDER = 1
COIN_WEI = 10**18
ERC20_WEI = 3 * 10**18
NFTS = 3
"""The first is burnt alone, the others together."""
ERC1155_IDS = (7, 2**200)
ERC1155_AMOUNT = 5
LEGACY_REFUSED = "invalid RLP: remainder must be zero"
"""What 3.9.2 says of every transaction without a type: a fault of its own."""


@dataclass(frozen=True)
class Run:
    """One program with one matic.js, one plug-in and an account of its own."""

    release: str
    plugin: str
    network: str
    version: str

    @property
    def name(self) -> str:
        return f"{self.release}-{self.plugin}"


RUNS = (
    Run("3.9.2", "ethers", "mainnet", "v1"),
    Run("3.9.2", "web3", "testnet", "amoy"),
    Run("3.7.7", "ethers", "testnet", "amoy"),
    Run("3.7.7", "web3", "mainnet", "v1"),
)


def started(run: Run, funder: User, account: Any, store: str) -> Program:
    """Give a new account coins and tokens, and start its program."""
    for chain in (funder.side, funder.root):
        assert funder.pay(chain, account.address, COIN_WEI)["status"] == 1
    transfer = funder.child_token.functions.transfer(account.address, 2 * ERC20_WEI)
    assert funder.send(funder.side, transfer)["status"] == 1
    described = funder.devnet.described
    root, side = described["root_chains"][0], described["side_chain"]

    def pair(name: str) -> Json:
        return {"root": root["contracts"][name], "side": side["contracts"][name]}

    settings = {
        "plugin": run.plugin,
        "network": run.network,
        "version": run.version,
        "root": {"rpc": root["rpc_url"]},
        "side": {"rpc": side["rpc_url"]},
        "address": account.address,
        "key": account.key.to_0x_hex(),
        "proofApi": described["validators"][1]["api_url"],
        "tokens": {
            "erc20": {**pair("DemoToken"), "amount": str(ERC20_WEI)},
            "erc721": {**pair("DemoERC721"), "ids": [str(nft) for nft in nft_ids_of(RUNS.index(run), NFTS)]},
            "erc1155": {
                **pair("DemoERC1155"),
                "ids": [str(one) for one in ERC1155_IDS],
                "amount": str(ERC1155_AMOUNT),
            },
        },
    }
    return Program(settings, PACKAGES[run.release], store)


Programs = dict[Run, Program]


@pytest.fixture(scope="module")
def programs(devnet: DevnetProcess) -> Iterator[Programs]:
    """All four, at the same time."""
    if shutil.which("npm") is None:
        pytest.skip("matic.js comes from npm, which is not on this machine")
    assert (HERE / "node_modules").exists(), "matic.js is not installed: run `make maticjs`"
    described = devnet.described
    index = addresses(described["root_chains"][0]["contracts"], described["side_chain"]["contracts"])
    with ExitStack() as cleanup:
        store = cleanup.enter_context(running_abi_store(index))
        funders = [User(devnet, FIRST_FUNDER + place) for place in range(len(RUNS))]
        accounts = [EthAccount.create() for _ in RUNS]
        deposit_for(funders[0], [one.address for one in accounts], NFTS, ERC1155_IDS, 2 * ERC1155_AMOUNT)
        with ThreadPoolExecutor() as at_once:
            begin = partial(started, store=store)
            running = list(at_once.map(begin, RUNS, funders, accounts))
        for program in running:
            cleanup.callback(program.close)
        yield dict(zip(RUNS, running, strict=True))


@pytest.fixture
def api(run: Run, devnet: DevnetProcess) -> str:
    """The proof API for a run."""
    return f"{devnet.described['validators'][1]['api_url']}/api/v1/{NETWORKS[run.version]}"


each_run = pytest.mark.parametrize("run", RUNS, ids=[run.name for run in RUNS])


@each_run
def test_burns__until_they_are_checkpointed__have_no_proof(run: Run, programs: Programs) -> None:
    early = programs[run].step("checkpointed")["early"]
    assert early == {"refusal": "Burn transaction has not been checkpointed as yet"}


@each_run
def test_erc20__burnt_and_exited_and_deposited_by_matic_js__goes_through(
    run: Run, programs: Programs, api: str
) -> None:
    seen = programs[run].step("erc20")
    burn, legacy = seen["burn"], seen["legacyBurn"]
    succeeded = ("burn", "legacyBurn", "exit", "fasterExit", "approval", "deposit")
    assert [seen[step]["status"] for step in succeeded] == [1] * len(succeeded)
    assert seen["own"] == seen["fast"] == {"value": payload(api, burn["hash"], TRANSFER)}
    assert seen["every"] == {"value": [seen["own"]["value"]]}, "from block-included and fast-merkle-proof"
    assert (seen["exitedBefore"], seen["exitedAfter"]) == (False, {"value": True})
    if run.release == "3.9.2":
        assert seen["ownOfLegacy"] == seen["exitedAfterOfLegacy"] == {"refusal": LEGACY_REFUSED}
    else:
        assert seen["ownOfLegacy"] == {"value": payload(api, legacy["hash"], TRANSFER)}
        assert seen["exitedAfterOfLegacy"] == {"value": True}
    assert "EXIT_ALREADY_PROCESSED" in seen["again"]["refusal"]
    assert int(seen["balanceAfter"]) - int(seen["balanceBefore"]) == 2 * ERC20_WEI


@each_run
def test_erc721__burnt_alone_and_in_a_batch__has_an_exit_for_each(run: Run, programs: Programs, api: str) -> None:
    seen = programs[run].step("erc721")
    burn, batch = seen["burn"]["hash"], seen["batch"]["hash"]
    steps = [seen[step] for step in ("burn", "batch", "exit", "approval", "deposit")] + seen["exitOfBatch"]
    assert [step["status"] for step in steps] == [1] * len(steps)
    assert seen["own"] == {"value": payload(api, burn, TRANSFER)}
    every = [payload(api, batch, TRANSFER, index) for index in range(len(seen["exitOfBatch"]))]
    assert len(set(every)) == len(every) == NFTS - 1
    assert [own["value"] for own in seen["ownOfBatch"]] == every
    assert seen["every"] == {"value": every} == {"value": payload(api, batch, TRANSFER, route="all-exit-payloads")}
    assert seen["exited"] is True
    # Asked for the last one each time, matic.js tells of the first one: a fault of its own.
    assert seen["exitedOfBatch"] == [True] * len(every)
    assert seen["held"] == NFTS


@each_run
def test_erc1155__burnt_alone_and_in_a_batch__has_an_exit_for_all(run: Run, programs: Programs, api: str) -> None:
    seen = programs[run].step("erc1155")
    burn, batch = seen["burn"]["hash"], seen["batch"]["hash"]
    steps = [seen[step] for step in ("burn", "batch", "exit", "exitOfBatch", "approval", "deposit")]
    assert [step["status"] for step in steps] == [1] * len(steps)
    assert seen["own"] == {"value": payload(api, burn, TRANSFER_SINGLE)}
    assert seen["ownOfBatch"] == {"value": payload(api, batch, TRANSFER_BATCH)}
    assert (seen["exited"], seen["exitedOfBatch"]) == ([True, False], True)
    assert seen["balances"] == [str(2 * ERC1155_AMOUNT), str(ERC1155_AMOUNT)]


@each_run
def test_proof_api__asked_by_matic_js__has_always_answered(run: Run, programs: Programs) -> None:
    """Else it builds the payload itself, and says nothing."""
    asked = [one for one in programs[run].step("end")["fetched"] if one["path"].startswith("/api/v1/")]
    assert {one["path"].split("/")[4] for one in asked} == {"exit-payload", "block-included", "fast-merkle-proof"}
    assert [one["status"] for one in asked] == [200] * len(asked)


def payload(api: str, burn: str, signature: str, index: int = 0, route: str = "exit-payload") -> Any:
    """The proof API's payload, or all of them."""
    status, answer = ask(f"{api}/{route}/{burn}?eventSignature={signature}&tokenIndex={index}")
    assert status == 200, answer
    return answer["result"]
