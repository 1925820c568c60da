"""The proof generation API's routes: its JSON, its statuses, its words, and proofs that hold."""

import pytest

from bridge.burns.service import ServiceLimits
from bridge.codec import merkle
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf_of
from bridge.codec.hexadecimal import checksum_address, from_hex, to_hex
from bridge.codec.types import Hash32
from node.api.settings import ApiSettings
from tests.unit.api.client import Client, client_of_node
from tests.unit.burns.world import PROPOSER, burn_log, transfer_log

UNKNOWN = to_hex(keccak256(b"unknown"))
TRANSFER = to_hex(TRANSFER_TOPIC)
OTHER_EVENT = to_hex(keccak256(b"SomethingElse()"))
BASE = "/api/v1/matic"
FOR_EVER = "public, max-age=31536000, immutable"

BAD_HASH = "Incorrect Burn tx or Event Signature!"
BAD_RANGE = "Invalid start or end or block numbers!"


async def own_payload(client: Client, transaction: str, log_index: int) -> object:
    proof = await client.get(f"/sidewarden/v1/burns/{transaction}/proof?log_index={log_index}")
    assert proof.status == 200, proof.text
    return proof.json["payload"]


async def test_exit_payload__by_token_index__is_that_of_the_log_which_matic_js_selects() -> None:
    async with client_of_node() as client:
        transaction = to_hex(
            await client.node.world.ready_burn(transfer_log(), burn_log(1), transfer_log(), burn_log(2))
        )
        own = [await own_payload(client, transaction, log_index) for log_index in (1, 3)]
        for query, payload in (
            ("", own[0]),
            ("&tokenIndex=", own[0]),
            ("&tokenIndex=0", own[0]),
            ("&tokenIndex=1", own[1]),
            ("&tokenIndex=01&somethingElse=1", own[1]),
        ):
            answer = await client.get(f"{BASE}/exit-payload/{transaction}?eventSignature={TRANSFER}{query}")
            assert answer.json == {"message": "Payload generation success", "result": payload}, query
        every = await client.get(f"{BASE}/all-exit-payloads/{transaction}?eventSignature={TRANSFER}")
        assert every.json == {"message": "Payload generation success", "result": own}
        capitals = await client.get(f"{BASE}/exit-payload/0x{transaction[2:].upper()}?eventSignature=%20{TRANSFER}%20")
        assert capitals.json["result"] == own[0]


async def test_all_exit_payloads__larger_than_an_answer_may_be__are_to_be_asked_for_one_by_one() -> None:
    logs = (burn_log(1), burn_log(2), burn_log(3))
    async with client_of_node() as client:
        transaction = to_hex(await client.node.world.ready_burn(*logs))
        alone = await client.get(f"{BASE}/exit-payload/{transaction}?eventSignature={TRANSFER}")
    size = len(from_hex(alone.json["result"]))
    for limit, status in ((3 * size, 200), (3 * size - 1, 409)):
        async with client_of_node(limits=ServiceLimits(payload_bytes_max=limit)) as client:
            transaction = to_hex(await client.node.world.ready_burn(*logs))
            path = f"{transaction}?eventSignature={TRANSFER}"
            assert (await client.get(f"{BASE}/all-exit-payloads/{path}")).status == status
            assert (await client.get(f"{BASE}/exit-payload/{path}&tokenIndex=2")).status == 200


async def test_answers__that_are_finished__may_be_kept_for_ever_and_are_known_again() -> None:
    async with client_of_node() as client:
        transaction = to_hex(await client.node.world.ready_burn())
        for path in (
            f"{BASE}/exit-payload/{transaction}?eventSignature={TRANSFER}",
            f"{BASE}/all-exit-payloads/{transaction}?eventSignature={TRANSFER}",
            f"{BASE}/block-included/1",
            f"{BASE}/fast-merkle-proof?start=0&end={client.node.world.root.checkpoints[0].end}&number=1",
        ):
            answer = await client.get(path)
            assert (answer.status, answer.headers["Cache-Control"]) == (200, FOR_EVER), path
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            known = {"If-None-Match": answer.headers["Etag"]}
            async with client.session.get(client.url + path, headers=known) as again:
                assert (again.status, await again.read()) == (304, b"")


async def test_block_included__of_a_checkpointed_block__tells_the_checkpoint_as_the_contract_has_it() -> None:
    async with client_of_node() as client:
        await client.node.world.ready_burn()
        answer = await client.get(f"{BASE}/block-included/03")
        (checkpoint,) = client.node.world.root.checkpoints
        assert answer.json == {
            "headerBlockNumber": hex(10_000),
            "blockNumber": "03",
            "start": "0",
            "end": str(checkpoint.end),
            "proposer": checksum_address(PROPOSER),
            "root": to_hex(checkpoint.root),
            "createdAt": str(checkpoint.created_at),
            "message": "success",
        }


async def test_block_proof__of_each_block_of_a_checkpoint__leads_to_its_root() -> None:
    async with client_of_node() as client:
        await client.node.world.ready_burn()
        blocks, (checkpoint,) = client.node.world.side.blocks, client.node.world.root.checkpoints
        for number in range(checkpoint.end + 1):
            answer = await client.get(f"{BASE}/fast-merkle-proof?start=0&end={checkpoint.end}&number={number}")
            proof = from_hex(answer.json["proof"])
            siblings = tuple(Hash32(proof[place : place + 32]) for place in range(0, len(proof), 32))
            assert merkle.verify(leaf_of(blocks[number].header), number, siblings, checkpoint.root)


async def test_health_check__as_the_other_api__succeeds() -> None:
    async with client_of_node() as client:
        answer = await client.get("/health-check")
        assert (answer.status, answer.json) == (200, {"success": True, "message": "Health Check Success"})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("matic/block-included/x", "Invalid block number!"),
        ("matic/block-included/-1", "Invalid block number!"),
        ("matic/block-included/1.5", "Invalid block number!"),
        (f"matic/block-included/{2**53}", "Invalid block number!"),
        ("matic/fast-merkle-proof", BAD_RANGE),
        ("matic/fast-merkle-proof?start=0&end=7", BAD_RANGE),
        ("matic/fast-merkle-proof?start=0&end=7&number=", BAD_RANGE),
        ("matic/fast-merkle-proof?start=0&end=7&number=8", BAD_RANGE),
        ("matic/fast-merkle-proof?start=7&end=0&number=3", BAD_RANGE),
        ("matic/fast-merkle-proof?start=0&end=7&number=1&number=2", BAD_RANGE),
        ("matic/fast-merkle-proof?start=0&end=32768&number=1", BAD_RANGE),
        (f"matic/exit-payload/{UNKNOWN}", "Burn tx or Event Signature missing!"),
        (f"matic/exit-payload/{UNKNOWN}?eventSignature=%20", "Burn tx or Event Signature missing!"),
        (f"matic/all-exit-payloads/{UNKNOWN}", "Burn tx or Event Signature missing!"),
        (f"matic/exit-payload/{UNKNOWN[:-1]}?eventSignature={TRANSFER}", BAD_HASH),
        (f"matic/exit-payload/{UNKNOWN}?eventSignature={TRANSFER}0", BAD_HASH),
        (f"matic/exit-payload/{UNKNOWN}?eventSignature=0x{'zz' * 32}", BAD_HASH),
        (f"matic/exit-payload/{UNKNOWN}?eventSignature={TRANSFER}&tokenIndex=-1", "Incorrect token index!"),
        (f"matic/exit-payload/{UNKNOWN}?eventSignature={TRANSFER}&tokenIndex=65537", "Incorrect token index!"),
        (
            f"moon/exit-payload/{UNKNOWN}?eventSignature={TRANSFER}",
            "Invalid network moon. Network can either be matic, mumbai or amoy for PoS v1 routes",
        ),
        ("moon/exit-payload/0x12?eventSignature=0x12", BAD_HASH),
    ],
)
async def test_mistake__of_a_user__is_400_in_the_words_and_the_order_of_the_other_api(path: str, message: str) -> None:
    async with client_of_node() as client:
        answer = await client.get(f"/api/v1/{path}")
        assert (answer.status, answer.json) == (400, {"error": True, "msg": message})
        assert answer.headers["Cache-Control"] == "no-store"


async def test_absence__of_what_was_asked__is_404_in_the_words_of_the_other_api() -> None:
    async with client_of_node() as client:
        world = client.node.world
        ready = to_hex(await world.ready_burn())
        pending = to_hex(world.side.burn(burn_log(1)))
        await world.follow()
        for path, message in (
            (f"exit-payload/{UNKNOWN}?eventSignature={TRANSFER}", "Incorrect burn transaction"),
            (f"all-exit-payloads/{UNKNOWN}?eventSignature={TRANSFER}", "Incorrect burn transaction"),
            (f"exit-payload/{pending}?eventSignature={TRANSFER}", "Burn transaction has not been checkpointed yet"),
            (
                f"all-exit-payloads/{pending}?eventSignature={TRANSFER}",
                "Burn transaction has not been checkpointed yet",
            ),
            (f"exit-payload/{ready}?eventSignature={OTHER_EVENT}", "Event Signature log not found in tx receipt"),
            (f"all-exit-payloads/{ready}?eventSignature={OTHER_EVENT}", "Event Signature log not found in tx receipt"),
            (
                f"exit-payload/{ready}?eventSignature={TRANSFER}&tokenIndex=1",
                "Index is grater than the number of tokens in this transaction",
            ),
            (f"block-included/{world.root.checkpoints[0].end + 1}", "No block found"),
        ):
            answer = await client.get(f"{BASE}/{path}")
            assert (answer.status, answer.json) == (404, {"error": True, "message": message}), path
        other_range = await client.get(f"{BASE}/fast-merkle-proof?start=0&end=6&number=1")
        assert (other_range.status, other_range.json["error"]) == (404, True)
        async with client.session.get(f"{client.url}{BASE}/exit-payloads/{ready}") as no_route:
            assert (no_route.status, await no_route.json()) == (404, {"error": {"message": "Not found"}})


async def test_failures__of_others__are_told_in_the_form_of_the_other_api() -> None:
    async with client_of_node(
        ApiSettings(port=0, requests_per_client_burst=1, requests_per_client_per_s=0.01)
    ) as client:
        client.node.world.side.hidden = 4
        path = f"{BASE}/exit-payload/{UNKNOWN}?eventSignature={TRANSFER}"
        behind, too_fast = await client.get(path), await client.get(path)
        assert (behind.status, too_fast.status) == (503, 429)
        for answer in (behind, too_fast):
            assert (answer.json["error"], set(answer.json)) == (True, {"error", "message"})
            assert int(answer.headers["Retry-After"]) >= 1


async def test_network__by_the_name_of_a_root_chain__is_that_one() -> None:
    async with client_of_node(ApiSettings(port=0, proof_networks=("polygon",)), root_chains=2) as client:
        transaction = to_hex(await client.node.world.ready_burn())
        path = f"exit-payload/{transaction}?eventSignature={TRANSFER}"
        answers = {name: await client.get(f"/api/v1/{name}/{path}") for name in ("polygon", "root0", "root1", "matic")}
        assert [answer.status for answer in answers.values()] == [200, 200, 404, 400]
        assert answers["polygon"].json == answers["root0"].json
        assert "can either be polygon for" in str(answers["matic"].json["msg"])
