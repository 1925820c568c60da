"""The story names causes before effects, tells everything once, and leaves out what goes as it should."""

import pytest

from node.duties.status import Reason
from node.simulation.checks.check import Violation
from node.simulation.costs import Costs
from node.simulation.events import EventKind
from node.simulation.fault_words import sentence
from node.simulation.plan import Fault, FaultKind
from node.simulation.story import IN_ORDER, TROUBLE, tell
from node.simulation.words import clock, length, some_validators
from tests.simulation.outcomes import (
    QUIET,
    SETTINGS,
    ack,
    begins,
    ends,
    event,
    fault,
    outcome_of,
    plan_of,
    quiet_outcome,
)

TOLD_OTHERWISE = {
    *(Reason.VALIDATOR_PAUSED, Reason.STALE_RECORD, Reason.TWIN_NODE, Reason.SIDE_REORG_BELOW_SIGNED),
    *(Reason.GENESIS_CONTRADICTED, Reason.CATCHING_UP),
    *(Reason.UPGRADE_NEEDED, Reason.ENGINE_DOWN, Reason.ENGINE_STRANDED, Reason.CLOCK_SKEW),
}
"""By lines about the validator itself, or of CometBFT's alone."""


def test_story__of_a_real_run__mentions_each_ack_and_the_end() -> None:
    outcome = quiet_outcome()

    told = tell(outcome, QUIET)

    for one in outcome.events:
        if one.kind is EventKind.ACKNOWLEDGED:
            assert any(line.strip().startswith(clock(one.at_s)) and one.text in line for line in told)
    assert outcome.acks >= 2
    assert any("converged" in line for line in told)
    assert told[-1].startswith(f"cost: {outcome.costs.submissions} submissions")
    assert not any("WAITING_FOR" in line for line in told)


def test_story__of_the_same_trouble_of_several__is_one_line() -> None:
    down = [event(12.0, EventKind.REASON, Reason.ROOT_RPC_DOWN.value, index) for index in (3, 1)]

    told = tell(outcome_of(*down), SETTINGS)

    assert [line for line in told if "ROOT_RPC_DOWN" in line] == [
        "    0:12  validators 1 and 3: no endpoint of the root chain answers well (ROOT_RPC_DOWN)"
    ]


def test_story__of_a_kill__tells_it_once_and_when_the_validator_is_back() -> None:
    kill = fault(4, FaultKind.KILL, 10.0, 8.0, 2)
    outcome = outcome_of(
        *(begins(kill), event(10.0, EventKind.DOWN, "kill", 2), event(18.0, EventKind.UP, "is up", 2), ends(kill)),
        ack(20.0, 1),
        plan=plan_of(kill),
    )

    told = tell(outcome, SETTINGS)

    assert told[:3] == [
        "    0:10  #4 validator 2 is killed, until 0:18",
        "    0:18  validator 2 is back, 8 s after going down",
        "    0:20  checkpoint: header 10000, up to side-chain block 8; 2 s after the end of #4",
    ]


def test_story__of_a_validator_that_crashes_at_each_start__counts_the_starts() -> None:
    outcome = outcome_of(
        *(event(5.0, EventKind.CRASHED, "DiskFull: no room. Make some", 1), event(5.0, EventKind.DOWN, "crashed", 1)),
        *(event(10.0, EventKind.UP, "is up", 1), event(10.2, EventKind.DOWN, "crashed", 1)),
        *(event(15.0, EventKind.UP, "is up", 1), event(30.0, EventKind.HEALED, "everybody comes back")),
    )

    told = tell(outcome, SETTINGS)

    assert "    0:05  validator 1 goes down: DiskFull: no room" in told
    assert "    0:15  validator 1 is back, 10 s after going down, after 1 failed start" in told
    assert sum("goes down" in line for line in told) == 1


def test_story__of_a_late_checkpoint__says_what_was_waited_for_and_how_long() -> None:
    waits = [
        *((10.0, Reason.WAITING_FOR_INTERVAL), (20.0, Reason.FEE_CEILING), (80.0, Reason.WAITING_FOR_CONFIRMATIONS)),
        (95.0, Reason.WAITING_FOR_INTERVAL),
    ]
    reasons = [event(at_s, EventKind.REASON, reason.value, index) for at_s, reason in waits for index in range(4)]

    told = tell(outcome_of(ack(10.0, 1), *reasons, ack(95.0, 2), event(96.0, EventKind.HEALED)), SETTINGS)

    (late,) = (line for line in told if "late" in line)
    assert "late, after 85 s: 60 s with FEE_CEILING, 15 s for confirmations, 10 s for the interval" in late


def test_story__of_turns_that_fail__tells_each_with_its_end() -> None:
    outcome = outcome_of(
        *(
            event(30.0, EventKind.NO_ACK, "turn 3 ran out", None, 3),
            event(40.0, EventKind.REJECTED, "turn 4: bad", None, 4),
        ),
        event(50.0, EventKind.SUBMISSION_FAILED, "in root-chain block 9, 50,000 gas", 1),
        event(60.0, EventKind.VIOLATION, "true roots: header 10000"),
        violation=Violation("true roots", "header 10000"),
        costs=Costs(submissions=2, failed=1, gas=150_000, fees_wei=10**15),
    )

    told = "\n".join(tell(outcome, SETTINGS))

    assert "0:30  no-ack: turn 3 ran out" in told
    assert "0:40  rejected: turn 4: bad" in told
    assert "0:50  a submission of validator 1 fails in root-chain block 9" in told
    assert "1:00  VIOLATION: true roots: header 10000" in told
    assert "cost: 2 submissions, 1 of them failed, 150,000 gas, 0.001000 of the root chain's coin" in told


@pytest.mark.parametrize("kind", list(FaultKind))
def test_sentence__of_each_kind_of_fault__is_whole(kind: FaultKind) -> None:
    words = sentence(Fault(1, kind, 1.0, 2.0, validator=3, chain="root", endpoint="a", amount=0.5))

    assert "{" not in words
    assert "None" not in words


def test_reasons__all_of_them__have_words_in_the_story() -> None:
    assert set(IN_ORDER) | set(TROUBLE) | TOLD_OTHERWISE == set(Reason)


def test_words__of_times_lengths_and_names__read_well() -> None:
    assert [clock(at_s) for at_s in (0.0, 65.9, 3_725.0)] == ["0:00", "1:05", "1:02:05"]
    assert [length(seconds) for seconds in (0.4, 119.0, 150.0, 660.0)] == ["0 s", "119 s", "2 min 30 s", "11 min"]
    assert [some_validators(indexes) for indexes in ([2], [1, 0], [2, 0, 1])] == [
        *("validator 2", "validators 0 and 1"),
        "validators 0, 1 and 2",
    ]
