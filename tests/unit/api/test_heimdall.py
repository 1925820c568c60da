"""Heimdall's routes answer what Bor and tools made for Heimdall read."""

from base64 import b64decode
from dataclasses import replace
from typing import cast

from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import BlockNumber, UnixSeconds
from node.app.proposers import rotated
from tests.unit.api.client import Answer, Client, Json, client_of_node
from tests.unit.api.node import GENESIS_TIME, root_hash


def inside(answer: Answer, *names: str) -> Json:
    """The object under these names."""
    found = answer.json
    for name in names:
        found = cast(Json, found[name])
    return found


async def test_params__of_the_network__are_those_of_its_first_root_chain() -> None:
    async with client_of_node() as client:
        assert inside(await client.get("/checkpoints/params"), "params") == {
            "checkpoint_buffer_time": "24s",
            "avg_checkpoint_length": "8",
            "max_checkpoint_length": "64",
            "child_chain_block_interval": "10000",
        }


async def test_latest__before_and_after_the_first_ack__is_503_and_then_what_bor_decodes() -> None:
    async with client_of_node() as client:
        none = await client.get("/checkpoints/latest")
        assert (none.status, none.code, none.json["code"]) == (503, "NO_CHECKPOINT_YET", 14)
        client.node.acknowledge(1)
        latest = inside(await client.get("/checkpoints/latest"), "checkpoint")
        assert b64decode(str(latest["root_hash"])) == root_hash(1)
        assert (latest["id"], latest["start_block"], latest["end_block"]) == ("1", "0", "7")
        assert latest["bor_chain_id"] == "15001"
        assert (await client.get("/checkpoints/1")).json == {"checkpoint": latest}


async def test_checkpoint__that_is_not_there__is_a_gateway_error() -> None:
    async with client_of_node() as client:
        answer = await client.get("/checkpoints/9")
        assert (answer.status, answer.json["code"], answer.code) == (404, 5, "CHECKPOINT_NOT_FOUND")


async def test_count_and_last_no_ack__as_they_move__are_strings() -> None:
    async with client_of_node() as client:
        assert (await client.get("/checkpoints/count")).json == {"ack_count": "0"}
        assert (await client.get("/checkpoints/last-no-ack")).json == {"last_no_ack_id": "0"}
        client.node.acknowledge(1)
        turn = replace(client.node.state.turns[0], last_no_ack_s=UnixSeconds(77))
        client.node.put(replace(client.node.state, turns=(turn,)))
        assert (await client.get("/checkpoints/count")).json == {"ack_count": "1"}
        assert (await client.get("/checkpoints/last-no-ack")).json == {"last_no_ack_id": "77"}


async def test_buffer__empty_and_full__is_zero_valued_and_the_proposal() -> None:
    async with client_of_node() as client:
        empty = inside(await client.get("/checkpoints/buffer"), "checkpoint")
        assert (empty["proposer"], empty["end_block"]) == ("", "0")
        proposal = client.node.propose(1)
        full = inside(await client.get("/checkpoints/buffer"), "checkpoint")
        assert (full["proposer"], full["end_block"]) == (to_hex(proposal.proposer), "7")
        overview = await client.get("/checkpoints/overview")
        assert overview.json["buffer_checkpoint"] == full
        assert overview.json["validator_count"] == "4"


async def test_prepare_next__not_due_and_due__says_so_and_gives_the_root_of_own_headers() -> None:
    async with client_of_node() as client:
        assert (await client.get("/checkpoints/prepare-next")).code == "NO_RANGE_YET"
        turn = replace(client.node.state.turns[0], deadline=UnixSeconds(GENESIS_TIME + 50), head_limit=BlockNumber(9))
        client.node.put(replace(client.node.state, turns=(turn,)))
        assert (await client.get("/checkpoints/prepare-next")).code == "HEADERS_NOT_HELD"
        client.node.world.side.mine(count=10)
        await client.node.world.follow()
        prepared = inside(await client.get("/checkpoints/prepare-next"), "checkpoint")
        assert (prepared["start_block"], prepared["end_block"]) == ("0", "7")
        client.node.world.root.checkpoint(7)
        assert b64decode(str(prepared["root_hash"])) == client.node.world.root.checkpoints[0].root


async def test_list__page_by_page__is_ascending_and_ends() -> None:
    async with client_of_node() as client:
        for number in range(1, 6):
            client.node.acknowledge(number)
        seen: list[object] = []
        path = "/checkpoints/list?pagination.limit=2"
        while True:
            page = await client.get(path)
            seen.extend(one["id"] for one in cast(list[Json], page.json["checkpoint_list"]))
            key = inside(page, "pagination")["next_key"]
            if key is None:
                break
            path = f"/checkpoints/list?pagination.limit=2&pagination.key={key}"
        assert seen == ["1", "2", "3", "4", "5"]
        assert inside(page, "pagination")["total"] == "5"
        offset = await client.get("/checkpoints/list?pagination.limit=9&pagination.offset=3")
        assert [one["id"] for one in cast(list[Json], offset.json["checkpoint_list"])] == ["4", "5"]


async def test_validators__by_set_id_and_signer__are_the_same() -> None:
    async with client_of_node() as client:
        validators = inside(await client.get("/stake/validators-set"), "validator_set")
        assert validators["total_voting_power"] == "340"
        listed = cast(list[Json], validators["validators"])
        assert [one["signer"] for one in listed] == sorted(str(one["signer"]) for one in listed)
        for one in listed:
            assert inside(await client.get(f"/stake/validator/{one['val_id']}"), "validator") == one
            assert inside(await client.get(f"/stake/signer/{one['signer']}"), "validator") == one
            upper = str(one["signer"])[2:].upper()
            assert inside(await client.get(f"/stake/signer/{upper}"), "validator") == one
            assert (await client.get(f"/stake/validator-status/{one['signer']}")).json == {"is_old": True}
            assert len(b64decode(str(one["pub_key"]))) == 65
        assert (await client.get("/stake/total-power")).json == {"total_power": "340"}


async def test_validators__that_are_not_there__are_not_found_and_not_current() -> None:
    async with client_of_node() as client:
        stranger = "0x" + "ab" * 20
        assert (await client.get(f"/stake/signer/{stranger}")).code == "VALIDATOR_NOT_FOUND"
        assert (await client.get("/stake/validator/99")).code == "VALIDATOR_NOT_FOUND"
        assert (await client.get(f"/stake/validator-status/{stranger}")).json == {"is_old": False}


async def test_proposers__now_and_next__follow_the_rotation_and_are_capped_to_the_set() -> None:
    async with client_of_node() as client:
        current = inside(await client.get("/stake/proposers/current"), "validator")
        vector = client.node.state.priorities[0]
        assert current["signer"] == to_hex(vector.proposer)
        expected = []
        for _ in range(4):
            expected.append(to_hex(vector.proposer))
            vector = rotated(vector)
        assert await _proposers(client, 4) == expected
        assert await _proposers(client, 1) == expected[:1]
        assert await _proposers(client, 1_000) == expected


async def test_former_validator__by_id__is_still_known() -> None:
    async with client_of_node() as client:
        validators = client.node.state.validators
        gone = validators.members[3]
        section = replace(validators, members=validators.members[:3], former=(gone,))
        client.node.put(replace(client.node.state, validators=section))
        assert inside(await client.get("/stake/validator/4"), "validator")["signer"] == to_hex(gone.signer)


async def _proposers(client: Client, times: int) -> list[object]:
    answer = await client.get(f"/stake/proposers/{times}")
    return [one["signer"] for one in cast(list[Json], answer.json["proposers"])]


async def test_checkpoints__of_a_node_that_started_from_a_snapshot__are_served_as_far_as_they_are_held() -> None:
    async with client_of_node() as client:
        for number in range(1, 66):
            client.node.acknowledge(number)
        client.node.start_from_snapshot()
        assert inside(await client.get("/checkpoints/latest"), "checkpoint")["id"] == "65"
        for path in ("/checkpoints/64", "/checkpoints/list?pagination.limit=5"):
            answer = await client.get(path)
            assert (answer.status, answer.json["code"]) == (503, 14), path
            assert "snapshot" in str(answer.json["message"])
        client.node.reset(1)
        answer = await client.get("/checkpoints/latest")
        assert (answer.status, answer.code) == (503, "HISTORY_NOT_HELD"), "not: there is none"
