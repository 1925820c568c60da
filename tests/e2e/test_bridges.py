"""Everything that can be burnt on a devnet comes out on its root chain, by what the API says of it and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from bridge.codec.abi import encode_call
from bridge.codec.hexadecimal import from_hex, to_hex
from bridge.codec.types import Address, Hash32, Wei
from contracts import plasma_calls, token_calls
from contracts.deployment import DeploymentStep
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.bridges import HALF_EXIT_PERIOD_S, Bridges, ids_of
from tests.e2e.harness import Network, running_network

ACCOUNT = 1
FEW = 7
GAS_LIMIT = 2_000_000


@dataclass(frozen=True, slots=True)
class Way:
    """A burn, and the kind that the API is to say of each of its logs that can be exited."""

    kinds: tuple[str, ...]
    step: DeploymentStep


def ways(bridges: Bridges) -> tuple[Way, ...]:
    """One of each kind."""
    side, plasma = bridges.side_tokens, bridges.side_plasma
    ids = list(ids_of(ACCOUNT))
    with_metadata = encode_call("withdrawWithMetadata(uint256)", ids[3])
    return (
        Way(("ERC20",), token_calls.withdraw(side.ether, FEW)),
        Way(("ERC721",), token_calls.withdraw(side.erc721, ids[0])),
        Way(("ERC721", "ERC721"), token_calls.withdraw_erc721_batch(side.erc721, ids[1:3])),
        Way(("ERC1155",), token_calls.withdraw_erc1155(side.erc1155, 1, FEW)),
        Way(("ERC1155_BATCH",), token_calls.withdraw_erc1155_batch(side.erc1155, [1, 2], [FEW, FEW])),
        Way(("ERC20",), token_calls.withdraw(side.mintable_erc20, FEW)),
        Way(("ERC721",), token_calls.withdraw(side.mintable_erc721, ids[0])),
        Way(("ERC721_BATCH",), token_calls.withdraw_erc721_batch(side.mintable_erc721, ids[1:3])),
        Way(("ERC721_METADATA",), DeploymentStep("burn", side.mintable_erc721, with_metadata)),
        Way(("ERC1155",), token_calls.withdraw_erc1155(side.mintable_erc1155, 1, FEW)),
        Way(("ERC1155_BATCH",), token_calls.withdraw_erc1155_batch(side.mintable_erc1155, [1, 2], [FEW, FEW])),
        Way(("PLASMA_ERC20",), plasma_calls.withdraw(plasma.demo_token, FEW)),
        Way(("PLASMA_ERC721",), plasma_calls.withdraw(plasma.demo_nft, ACCOUNT + 1)),
        Way(("PLASMA_ERC20",), plasma_calls.withdraw_native(plasma, Wei(FEW))),
        Way(("MESSAGE",), plasma_calls.send_to_root(plasma, b"hello")),
    )


async def send(network: Network, chain: str, *steps: DeploymentStep) -> tuple[Hash32, ...]:
    """Send steps of the account, each of which must succeed."""
    wallet = network.wallet(chain, ACCOUNT)
    sent = []
    for step in steps:
        assert step.to is not None
        sent.append(await wallet.send(step.to, step.data, step.value_wei, GAS_LIMIT))
    for each in sent:
        for _ in range(50):
            receipt = cast(dict[str, Any] | None, await network.rpc(chain, "eth_getTransactionReceipt", to_hex(each)))
            if receipt is not None:
                break
            await network.round()
        assert receipt is not None
        assert receipt["status"] == "0x1"
    return tuple(sent)


async def reports_once(network: Network, burns: Sequence[Hash32], status: str) -> list[dict[str, Any]]:
    """What the API says of each, once they have this status; asked seldom, for it limits what one client asks."""
    for _ in range(30):
        await network.rounds(20)
        if (await report(network, burns[-1]))["status"] == status:
            break
    reports = [await report(network, burn) for burn in burns]
    assert [one["status"] for one in reports] == [status] * len(burns)
    return reports


async def report(network: Network, burn: Hash32) -> dict[str, Any]:
    """What the API says of a burn."""
    return cast(dict[str, Any], (await network.get(f"/sidewarden/v1/burns/{to_hex(burn)}")).json)


async def test_burns__of_every_kind__are_exited_where_and_how_the_api_says() -> None:
    async with running_network(bridges=True) as network:
        plan = network.devnet.contracts.bridges
        assert plan is not None
        bridges = plan.bridges
        chosen = ways(bridges)
        burns = await send(network, SIDE, *(way.step for way in chosen))
        reports = await reports_once(network, burns, "READY")

        exits = []
        for way, burn, said in zip(chosen, burns, reports, strict=True):
            wanted = [one for one in said["burns"] if one["kind"] in way.kinds]
            assert tuple(one["kind"] for one in wanted) == way.kinds
            for one in wanted:
                path = f"/sidewarden/v1/burns/{to_hex(burn)}/proof?log_index={one['log_index']}"
                proof = cast(dict[str, Any], (await network.get(path, validator=1)).json)
                assert proof["simulated"], way
                call = encode_call(proof["exit_function"], from_hex(proof["payload"]))
                exits.append(DeploymentStep("exit", Address(from_hex(proof["exit_contract"])), call))
        sent = await send(network, ROOT, *exits)

        exited = await reports_once(network, burns, "EXITED")
        named = {
            burn["root_chains"][0]["exit"]["transaction_hash"]
            for said in exited
            for burn in said["burns"]
            if burn["root_chains"][0]["exit"] is not None
        }
        assert named == {to_hex(each) for each in sent}
        await plasma_is_paid(network, bridges)


async def plasma_is_paid(network: Network, bridges: Bridges) -> None:
    """Plasma exits are paid once their time has come."""
    holder = network.wallet(ROOT, ACCOUNT).address
    token = bridges.root_plasma.demo_token
    before = network.read_uint(token, "balanceOf(address)", holder)
    await network.rounds(4 * HALF_EXIT_PERIOD_S)
    await send(network, ROOT, plasma_calls.process_exits(bridges.root_plasma, token))
    assert network.read_uint(token, "balanceOf(address)", holder) == before + FEW
    assert network.read_uint(bridges.root_plasma.demo_nft, "balanceOf(address)", holder) == 0
    await send(network, ROOT, plasma_calls.process_exits(bridges.root_plasma, bridges.root_plasma.demo_nft))
    assert network.read_uint(bridges.root_plasma.demo_nft, "balanceOf(address)", holder) == 1
