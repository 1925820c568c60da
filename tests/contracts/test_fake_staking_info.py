"""FakeStakingInfo: the contract by which tests of log readers emit what no honest contract would."""

import pytest

from bridge.codec.hash import keccak256
from bridge.codec.receipts import Log
from contracts.deployment import DeploymentStep
from tests.contracts.crossing import Crossing, free_log
from tests.contracts.harness import STRANGER, invoke

TOPICS = tuple(keccak256(bytes([number])) for number in range(4))


def emit(crossing: Crossing, topics: int, data: bytes) -> DeploymentStep:
    return invoke(crossing.free_token, "emitLog(bytes32[],bytes)", TOPICS[:topics], data)


@pytest.mark.parametrize("topics", range(5))
@pytest.mark.parametrize("size", [0, 1, 32, 33])
def test_emit_log__of_any_shape__is_emitted_exactly(crossing: Crossing, topics: int, size: int) -> None:
    data = bytes(range(size))
    mined = crossing.side.send(STRANGER, emit(crossing, topics, data))
    assert mined.logs == (Log(crossing.free_token, TOPICS[:topics], data),)


def test_emit_log__of_100_kb__fits_a_transaction(crossing: Crossing) -> None:
    mined = crossing.side.send(STRANGER, emit(crossing, 1, b"\x00" * 100_000))
    assert len(mined.logs[0].data) == 100_000


def test_repeat_log__200_times__is_one_receipt(crossing: Crossing) -> None:
    mined = crossing.side.send(STRANGER, free_log(crossing.free_token, TOPICS[:2], b"again", count=200))
    assert mined.logs == (Log(crossing.free_token, TOPICS[:2], b"again"),) * 200


def test_emit_log__five_topics__is_refused(crossing: Crossing) -> None:
    step = invoke(crossing.free_token, "emitLog(bytes32[],bytes)", (*TOPICS, TOPICS[0]), b"")
    assert crossing.side.refusal(STRANGER, step) == "TooManyTopics"
