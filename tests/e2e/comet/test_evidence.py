"""A validator that signed two votes at one height of a real CometBFT network: proved, recorded and said."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.chain.clock import SystemClock
from bridge.codec.consensus import BlockId, Vote, VoteType, sign_digest, to_engine, vote_sign_bytes
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import sign
from node.app.abci import MisbehaviorType
from node.app.evidence import decode_evidence
from node.app.history import EVIDENCE_LOG
from node.devnet.chains_process import ChainsProcess
from node.devnet.network import Devnet
from node.devnet.settings import DevnetSettings
from node.engine.comet.rpc import CometRpc
from node.validator.together import run_together

CLOCK = SystemClock()
HEIGHT = 2
"""Where the validator signs twice."""
POWER = 100


@pytest.mark.timeout(120)
async def test_evidence__of_two_votes_at_one_height__is_in_the_state_and_an_alarm(tmp_path: Path) -> None:
    settings = DevnetSettings(tmp_path / "devnet", 1, api_port=0, engine="comet")
    devnet = await Devnet.start(settings, CLOCK, ChainsProcess.start)
    try:
        async with asyncio.timeout(100):
            await run_together(_story(devnet), devnet.run())
    finally:
        await devnet.close()


async def _story(devnet: Devnet) -> None:
    (validator,) = devnet.validators
    await _until(lambda: validator.committed.height > HEIGHT)
    rpc = validator.engine_rpc
    assert isinstance(rpc, CometRpc)
    block_time = await _block_time(rpc)
    answer = json.loads(await rpc.raw("broadcast_evidence", {"evidence": _evidence(devnet, block_time)}))
    assert "error" not in answer, answer

    await _until(lambda: validator.committed.state.evidence_log.count == 1)
    (data,) = validator.opened.state_store.log_entries(EVIDENCE_LOG, 0, 10)
    entry = decode_evidence(data)
    signer = devnet.accounts.signers[0].address
    assert (entry.type, entry.signer, entry.validator) == (MisbehaviorType.DUPLICATE_VOTE, signer, 1)
    assert (entry.height, entry.power, entry.total_power) == (HEIGHT, POWER, POWER)
    assert entry.misbehaved_s == int(datetime.fromisoformat(block_time[:19] + "+00:00").timestamp())
    status = validator.status()
    assert status.evidence == 1
    assert any(alarm.startswith("MISBEHAVIOR: validator 1") for alarm in status.alarms)


async def _block_time(rpc: CometRpc) -> str:
    answer = json.loads(await rpc.raw("header", {"height": str(HEIGHT)}))
    found: str = answer["result"]["header"]["time"]
    return found


def _evidence(devnet: Devnet, block_time: str) -> dict[str, Any]:
    """What CometBFT makes itself when it sees both votes; the lower block stands first."""
    votes = sorted((_vote(devnet, keccak256(b"a")), _vote(devnet, keccak256(b"b"))), key=_hash)
    return {
        "type": "tendermint/DuplicateVoteEvidence",
        "value": {
            "vote_a": votes[0],
            "vote_b": votes[1],
            "TotalVotingPower": str(POWER),
            "ValidatorPower": str(POWER),
            "Timestamp": block_time,
        },
    }


def _hash(vote: dict[str, Any]) -> str:
    found: str = vote["block_id"]["hash"]
    return found


def _vote(devnet: Devnet, block_hash: bytes) -> dict[str, Any]:
    """A precommit for a block that never was, signed with the validator's key past its record."""
    account, time_ns = devnet.accounts.signers[0], 1_800_000_000 * 10**9
    block_id = BlockId(keccak256(block_hash), 1, keccak256(b"parts"))
    vote = Vote(VoteType.PRECOMMIT, HEIGHT, 0, block_id, time_ns)
    signature = to_engine(sign(sign_digest(vote_sign_bytes(vote, devnet.genesis.name)), account.private_key))
    return {
        "type": int(vote.type),
        "height": str(HEIGHT),
        "round": 0,
        "block_id": {
            "hash": block_id.hash.hex().upper(),
            "parts": {"total": 1, "hash": block_id.parts_hash.hex().upper()},
        },
        "timestamp": "2027-01-15T08:00:00Z",
        "validator_address": account.address.hex().upper(),
        "validator_index": 0,
        "signature": b64encode(signature).decode(),
        "extension": None,
        "extension_signature": None,
    }


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await CLOCK.sleep(0.2)
