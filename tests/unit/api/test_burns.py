"""Burns over HTTP: the statuses, the proof, and each error with its HTTP status and code."""

from dataclasses import replace
from typing import cast

from bridge.burns import errors
from bridge.codec.exit_payload import decode_payload
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_hex, to_hex
from node.api.routes_burns import ANSWERS
from node.duties.status import Reason, Why
from tests.unit.api.client import Json, client_of_node
from tests.unit.burns.world import burn_log, transfer_log

UNKNOWN = to_hex(keccak256(b"unknown"))


async def test_burn__from_unknown_to_ready__is_told_and_proved() -> None:
    async with client_of_node() as client:
        world = client.node.world
        assert (await client.get(f"/sidewarden/v1/burns/{UNKNOWN}")).json["status"] == "NOT_FOUND"
        transaction = to_hex(world.side.burn(burn_log(2**80)))
        await world.follow()
        pending = await client.get(f"/sidewarden/v1/burns/{transaction}")
        assert pending.json["status"] == "PENDING"
        early = await client.get(f"/sidewarden/v1/burns/{transaction}/proof?log_index=0")
        assert (early.status, early.code) == (409, "BURN_NOT_READY")
        details = cast(Json, cast(Json, early.json["error"])["details"])
        assert (details["status"], details["to_go"]) == ("PENDING", pending.json["to_go"])

        world.side.mine(count=8)
        world.root.checkpoint(7)
        world.root.mine(count=2)
        await world.follow()
        ready = await client.get(f"/sidewarden/v1/burns/{transaction}")
        assert ready.json["status"] == "READY"
        (burn,) = cast(list[Json], ready.json["burns"])
        assert (burn["log_index"], burn["amounts"]) == (0, [str(2**80)])
        proof = await client.get(f"/sidewarden/v1/burns/{transaction}/proof")
        assert decode_payload(from_hex(proof.json["payload"])).log_index == 0
        assert proof.json["simulated"] is True


async def test_proof__of_what_is_not_there__has_its_code() -> None:
    async with client_of_node(root_chains=2) as client:
        base = "/sidewarden/v1/burns/"
        missing = await client.get(f"{base}{UNKNOWN}/proof")
        assert (missing.status, missing.code) == (404, "BURN_NOT_FOUND")
        transaction = to_hex(await client.node.world.ready_burn(burn_log(1), transfer_log(), burn_log(2)))
        for query, status, code in (
            ("", 409, "LOG_INDEX_NEEDED"),
            ("?log_index=1", 404, "LOG_NOT_A_BURN"),
            ("?log_index=0", 409, "ROOT_CHAIN_NEEDED"),
            ("?log_index=0&root_chain=moon", 404, "ROOT_CHAIN_UNKNOWN"),
            ("?log_index=0&root_chain=root1", 409, "BURN_NOT_READY"),
        ):
            answer = await client.get(f"{base}{transaction}/proof{query}")
            assert (answer.status, answer.code) == (status, code), query
        assert (await client.get(f"{base}{transaction}/proof?log_index=2&root_chain=root0")).status == 200


async def test_burn__with_a_false_answer__names_the_endpoint_with_502() -> None:
    async with client_of_node() as client:
        world = client.node.world
        transaction = to_hex(await world.ready_burn())

        def false(method: str, _: list[object], result: object) -> object:
            if method == "eth_getTransactionReceipt" and isinstance(result, dict):
                return {**result, "transactionIndex": "0x1"}
            return result

        world.tamper = false
        answer = await client.get(f"/sidewarden/v1/burns/{transaction}/proof")
        assert (answer.status, answer.code) == (502, "ENDPOINT_FALSE")
        details = cast(Json, cast(Json, answer.json["error"])["details"])
        assert str(details["endpoint"]) in answer.text
        assert "key-0123456789" not in answer.text


async def test_burn__at_an_endpoint_that_is_behind__is_503_with_retry_after() -> None:
    async with client_of_node() as client:
        client.node.world.side.hidden = 4
        answer = await client.get(f"/sidewarden/v1/burns/{UNKNOWN}")
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "CANNOT_TELL", "1")


def test_burn_errors__all_of_them__have_an_http_status() -> None:
    concrete = {*errors.BurnError.__subclasses__(), *errors.EndpointFault.__subclasses__()} - {errors.EndpointFault}
    assert set(ANSWERS) == concrete


async def test_burn__while_the_side_chain_contradicts_a_signed_block__warns() -> None:
    async with client_of_node() as client:
        transaction = to_hex(await client.node.world.ready_burn(burn_log(1)))
        paths = [f"/sidewarden/v1/burns/{transaction}", f"/sidewarden/v1/burns/{transaction}/proof"]
        assert [(await client.get(path)).json["warning"] for path in paths] == [None, None]
        stopped = Why(Reason.SIDE_REORG_BELOW_SIGNED, "block 7 is another one")
        client.node.edited_status = replace(client.node.status(), stopped_signing=stopped)
        assert [(await client.get(path)).json["warning"] for path in paths] == ["block 7 is another one"] * 2
