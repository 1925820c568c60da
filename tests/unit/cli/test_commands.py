"""`status` and `burn` against the API itself, over a node whose chains and status the test sets."""

import asyncio
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from node.cli.main import main
from node.duties.status import DutyStatus, Reason, Why
from tests.unit.api.node import GENESIS_TIME, Served, healthy_status, served_node
from tests.unit.burns.world import burn_log, transfer_log


async def run(served: Served, *arguments: str) -> Result:
    """Run a command against the node, beside its event loop."""
    return await asyncio.to_thread(CliRunner().invoke, main, [*arguments, "--api", served.url])


async def test_status__of_a_healthy_node__names_the_one_reason_and_when_things_happened_last() -> None:
    async with served_node() as served:
        root = healthy_status(served.node.state).root_chains[0]

        ran = await run(served, "status")

    assert ran.exit_code == 0
    assert f"waiting   {root.why.reason.value}: {root.why.text}" in ran.output
    assert "last      acknowledged header 20000" in ran.output
    assert "funds     the submission account pays for 4,000 checkpoints" in ran.output
    assert "STOPPED" not in ran.output


async def test_status__of_a_node_in_trouble__shows_all_of_it() -> None:
    async with served_node() as served:
        healthy = healthy_status(served.node.state)
        served.node.edited_status = replace(
            healthy,
            validator_id=None,
            stopped_signing=Why(Reason.TWIN_NODE, "another node uses our key"),
            leaving_acks=3,
            side_chain=replace(healthy.side_chain, down_reason="RPC_DOWN: all endpoints fail"),
            root_chains=(replace(healthy.root_chains[0], deadline_s=None, proposed_start=None, last_built=None),),
            duties=(DutyStatus("attest", GENESIS_TIME, 2, "ValueError: x"),),
            alarms=("LEAVING_THIRD: 40% of the power is leaving",),
            evidence=0,
        )

        ran = await run(served, "status")

    for line in (
        "no validator: the contract names none of its keys",
        "STOPPED     TWIN_NODE: another node uses our key",
        "LEAVING     keep this node running for 3 more acks",
        "side chain  DOWN: RPC_DOWN: all endpoints fail",
        "duty        attest failed 2 times, last: ValueError: x",
        "alarm       LEAVING_THIRD: 40% of the power is leaving",
    ):
        assert line in ran.output


async def test_status__as_json__is_the_api_s_own_answer() -> None:
    async with served_node() as served:
        ran = await run(served, "status", "--json")

    told = json.loads(ran.output)
    assert told["root_chains"][0]["why"]["reason"] in {reason.value for reason in Reason}


async def test_burn__unknown_then_pending_then_ready__is_told_and_then_proved() -> None:
    async with served_node() as served:
        world = served.node.world
        unknown = await run(served, "burn", to_hex(keccak256(b"unknown")))
        transaction = to_hex(world.side.burn(transfer_log(), burn_log(7)))
        await world.follow()
        pending = await run(served, "burn", transaction)
        world.side.mine(count=8)
        world.root.checkpoint(7)
        world.root.mine(count=2)
        await world.follow()
        ready = await run(served, "burn", transaction)
        as_json = await run(served, "burn", transaction, "--json")

    assert unknown.output.startswith("NOT_FOUND: ")
    assert pending.output.startswith("PENDING: ")
    assert "blocks to go" in pending.output
    assert ready.output.startswith("READY: ")
    assert "burnt 7 units of token" in ready.output
    told = json.loads(as_json.output)
    assert told["status"] == "READY"
    assert ready.output.splitlines()[-1] == told["proofs"][0]["payload"]
    assert {ran.exit_code for ran in (unknown, pending, ready, as_json)} == {0}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("0x12",), "BAD_PARAMETER: tx: must be 0x and 64 hexadecimal digits"),
        (("../../health?x=%00 #",), "BAD_PARAMETER: tx"),
    ],
)
async def test_burn__of_what_is_no_hash__is_refused_in_the_node_s_words(arguments: tuple[str, ...], words: str) -> None:
    async with served_node() as served:
        ran = await run(served, "burn", *arguments)

    assert ran.exit_code == 1
    assert words in ran.output


async def test_burn__of_another_log__names_the_logs_that_are_burns() -> None:
    async with served_node() as served:
        transaction = to_hex(served.node.world.side.burn(transfer_log(), burn_log(7)))
        await served.node.world.follow()

        ran = await run(served, "burn", transaction, "--log-index", "0")

    assert ran.exit_code == 1
    assert "log 0 of this transaction is no burn; the burns are at 1" in ran.output
