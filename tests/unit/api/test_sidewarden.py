"""Our own routes: health, status, metrics, checkpoints."""

from dataclasses import replace

import pytest

from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import UnixSeconds
from node.api.archive import CheckpointArchive
from node.api.metrics_table import DECLARED
from node.app.abci import MisbehaviorType
from node.app.evidence import EvidenceEntry
from node.app.history import EVIDENCE_LOG
from node.app.state import Stage
from node.app.store import MemoryStateStore
from node.duties.status import ClockStatus, Reason, Why
from tests.unit.api.client import Client, client_of_node
from tests.unit.api.node import GENESIS_TIME, chain_status, healthy_status, root_hash


async def test_health__of_a_running_node__is_ok() -> None:
    async with client_of_node() as client:
        assert (await client.get("/health")).json == {"status": "OK", "version": "0.1.0"}


async def test_ready__with_everything_there__is_ready() -> None:
    async with client_of_node() as client:
        answer = await client.get("/ready")
        assert (answer.status, answer.json) == (200, {"ready": True, "missing": []})


async def test_ready__with_everything_missing__names_each() -> None:
    async with client_of_node() as client:
        status = healthy_status(client.node.state)
        client.node.edited_status = replace(
            status,
            engine_quorum=False,
            engine_power_share_permille=441,
            paused=True,
            caught_up=False,
            stopped_signing=Why(Reason.STALE_RECORD, "import the record"),
            clock=ClockStatus("600 s behind", 600.0, servers=4, answering=4),
            side_chain=chain_status("side", "side: no RPC endpoint answers"),
            root_chains=(replace(status.root_chains[0], chain=chain_status("root0", "down")),),
        )
        answer = await client.get("/ready")
        assert answer.status == 503
        missing = answer.json["missing"]
        assert isinstance(missing, list)
        assert [one["code"] for one in missing if isinstance(one, dict)] == [
            "ENGINE_NO_QUORUM",
            "VALIDATOR_PAUSED",
            "CATCHING_UP",
            "STALE_RECORD",
            "CLOCK_SKEW",
            "SIDE_RPC_DOWN",
            "ROOT_RPC_DOWN",
        ]


async def test_status__of_a_waiting_node__says_why_in_one_reason() -> None:
    async with client_of_node(root_chains=2) as client:
        status = (await client.get("/sidewarden/v1/status")).json
        roots = status["root_chains"]
        assert isinstance(roots, list)
        first = roots[0]
        assert isinstance(first, dict)
        assert first["why"] == {
            "reason": "WAITING_FOR_SIDE_BLOCKS",
            "text": "5 side-chain blocks are missing",
            "number": 5,
        }
        assert first["submitter_balance_wei"] == str(3 * 10**18)
        assert first["last_acknowledged"] == {"number": 20_000, "time_s": 1_700_000_009.0}


async def test_metrics__of_a_node__show_each_declared_name_and_exactly_one_reason() -> None:
    async with client_of_node() as client:
        client.node.acknowledge(1)
        await client.get("/sidewarden/v1/status")
        text = (await client.get("/metrics")).text
        for declared in DECLARED:
            assert f"# HELP {declared.name} {declared.text}" in text
        assert 'sidewarden_waiting_reason{reason="WAITING_FOR_SIDE_BLOCKS",root_chain="root0"} 1.0' in text
        assert sum(line.endswith(" 1.0") for line in text.splitlines() if "sidewarden_waiting_reason{" in line) == 1
        assert 'sidewarden_checkpoint_last_submitted_seconds{root_chain="root0"} 0.0' in text
        assert 'sidewarden_checkpoint_last_acknowledged_seconds{root_chain="root0"} 1.700000009e+09' in text
        assert 'sidewarden_rpc_errors_total{chain="side",code="RPC_TIMEOUT",endpoint="side#0"} 2.0' in text
        assert 'sidewarden_checkpoint_last_own_signature{root_chain="root0",timing="IN_TIME"} 1.0' in text
        assert 'sidewarden_checkpoint_last_own_signature{root_chain="root0",timing="MISSING"} 0.0' in text
        assert "\nsidewarden_clock_skew 0.0\n" in text
        assert "\nsidewarden_clock_offset_seconds 0.25\n" in text
        assert "\nsidewarden_ntp_servers_answering 3.0\n" in text
        assert 'sidewarden_verdicts_total{root_chain="root0",verdict="VALID"} 3.0' in text
        assert 'sidewarden_api_requests_total{route="/sidewarden/v1/status",status="200"} 1.0' in text


async def test_openapi_route__of_a_node__serves_the_description() -> None:
    async with client_of_node() as client:
        assert (await client.get("/openapi.yaml")).text.startswith("openapi: 3.1.0")


async def test_checkpoint__acknowledged__shows_who_signed_when_late_and_missing() -> None:
    async with client_of_node() as client:
        client.node.acknowledge(1)
        answer = await client.get("/sidewarden/v1/checkpoints/1")
        assert (answer.json["status"], answer.json["root_hash"]) == ("ACKNOWLEDGED", to_hex(root_hash(1)))
        assert [one["timing"] for one in _objects(answer.json["signatures"])] == ["IN_TIME", "IN_TIME", "LATE"]
        assert (answer.json["missing"], answer.json["signed_power"], answer.json["total_power"]) == ([4], 270, 340)

        client.node.acknowledge(2)
        client.node.sign_late(1)
        answer = await client.get("/sidewarden/v1/checkpoints/1?root_chain=root0")
        assert [one["timing"] for one in _objects(answer.json["signatures"])][-1] == "AFTER_ACK"
        assert answer.json["missing"] == []


@pytest.mark.parametrize("stage", [Stage.COLLECTING, Stage.GRACE, Stage.OPEN])
async def test_checkpoint__being_signed__shows_its_stage_and_refusals(stage: Stage) -> None:
    async with client_of_node() as client:
        client.node.propose(1, stage)
        answer = await client.get("/sidewarden/v1/checkpoints/1")
        assert answer.json["status"] == stage.name
        assert [one["validator_id"] for one in _objects(answer.json["refusals"])] == [2]
        assert (answer.json["missing"], answer.json["signed_power"]) == ([3, 4], 100)


async def test_checkpoints__page_by_page__show_all_newest_first() -> None:
    async with client_of_node() as client:
        for number in range(1, 8):
            client.node.acknowledge(number)
        seen: list[object] = []
        path = "/sidewarden/v1/checkpoints?limit=3"
        for _ in range(3):
            page = (await client.get(path)).json
            seen.extend(one["number"] for one in _objects(page["checkpoints"]))
            path = f"/sidewarden/v1/checkpoints?limit=3&before={page['next_before']}"
        assert seen == [7, 6, 5, 4, 3, 2, 1]
        assert (page["next_before"], page["total"]) == (None, 7)


async def test_checkpoints__of_another_root_chain__are_apart() -> None:
    async with client_of_node(root_chains=2) as client:
        client.node.acknowledge(1)
        client.node.acknowledge(1, root_chain=1)
        client.node.acknowledge(2, root_chain=1)
        assert (await client.get("/sidewarden/v1/checkpoints?root_chain=root1")).json["total"] == 2
        assert (await client.get("/sidewarden/v1/checkpoints")).json["total"] == 1


async def test_checkpoints__after_a_reset__show_what_stands_on_the_root_chain() -> None:
    async with client_of_node() as client:
        for number in range(1, 5):
            client.node.acknowledge(number)
        await client.get("/sidewarden/v1/checkpoints/4")
        client.node.reset(3)
        assert (await client.get("/sidewarden/v1/checkpoints/3")).code == "CHECKPOINT_NOT_FOUND"
        client.node.acknowledge(3)
        assert (await client.get("/sidewarden/v1/checkpoints")).json["total"] == 3


async def test_checkpoints__while_a_long_log_is_read__ask_to_come_again_and_then_answer() -> None:
    async with client_of_node() as client:
        client.node.archive = CheckpointArchive(client.node.store, lambda: client.node.committed, scan_entries_max=2)
        for number in range(1, 6):
            client.node.acknowledge(number)
        answers = [await client.get("/sidewarden/v1/checkpoints/1") for _ in range(3)]
        assert [one.status for one in answers] == [503, 503, 200]
        assert answers[0].code == "HISTORY_INDEXING"
        assert answers[0].headers["Retry-After"] == "1"


async def test_checkpoints__of_a_node_without_the_log__are_not_held() -> None:
    async with client_of_node() as client:
        client.node.acknowledge(1)
        client.node.archive = CheckpointArchive(MemoryStateStore(), lambda: client.node.committed)
        answer = await client.get("/sidewarden/v1/checkpoints/1")
        assert (answer.status, answer.code) == (503, "HISTORY_NOT_HELD")


async def test_checkpoints__of_a_node_that_started_from_a_snapshot__ends_where_the_log_is_not_held() -> None:
    async with client_of_node() as client:
        for number in range(1, 68):
            client.node.acknowledge(number)
        client.node.start_from_snapshot()
        page = (await client.get("/sidewarden/v1/checkpoints?limit=50")).json
        assert [one["number"] for one in _objects(page["checkpoints"])] == [67, 66, 65]
        assert (page["next_before"], page["total"]) == (65, None)
        for path in ("checkpoints?before=65", "checkpoints/64", "checkpoints/1"):
            answer = await client.get(f"/sidewarden/v1/{path}")
            assert (answer.status, answer.code) == (503, "HISTORY_NOT_HELD"), path
        assert (await client.get("/sidewarden/v1/checkpoints/65")).status == 200
        assert (await client.get("/sidewarden/v1/checkpoints/68")).code == "CHECKPOINT_NOT_FOUND"
        client.node.acknowledge(68)
        assert (await client.get("/sidewarden/v1/checkpoints/68")).status == 200


def _evidence(client: Client, height: int) -> EvidenceEntry:
    """Validator 2 signed two votes at this height."""
    member = client.node.state.validators.tally_set[1]
    times = UnixSeconds(GENESIS_TIME + height), height + 2, UnixSeconds(GENESIS_TIME + height + 2)
    return EvidenceEntry(MisbehaviorType.DUPLICATE_VOTE, member.signer, member.id, 90, 340, height, *times)


async def test_evidence__page_by_page__is_newest_first_and_ends() -> None:
    async with client_of_node() as client:
        assert (await client.get("/sidewarden/v1/evidence")).json == {"evidence": [], "next_before": None, "total": 0}
        for height in (5, 6, 7):
            client.node.append_evidence(_evidence(client, height))
        page = (await client.get("/sidewarden/v1/evidence?limit=2")).json
        assert [(one["index"], one["height"]) for one in _objects(page["evidence"])] == [(2, 7), (1, 6)]
        rest = (await client.get(f"/sidewarden/v1/evidence?before={page['next_before']}")).json
        (first,) = _objects(rest["evidence"])
        assert (first["index"], first["type"], first["validator"]) == (0, "DUPLICATE_VOTE", 2)
        assert (await client.get("/sidewarden/v1/evidence?before=99&limit=3")).json["next_before"] is None


async def test_evidence__before_the_snapshot_that_the_node_started_from__is_not_held() -> None:
    async with client_of_node() as client:
        for height in range(65):
            client.node.append_evidence(_evidence(client, height))
        client.node.start_from_snapshot(EVIDENCE_LOG)
        page = (await client.get("/sidewarden/v1/evidence")).json
        assert (page["next_before"], page["total"]) == (64, 65)
        answer = await client.get("/sidewarden/v1/evidence?before=64")
        assert (answer.status, answer.code) == (503, "HISTORY_NOT_HELD")


def _objects(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
