"""Statistics: recoveries are measured to the next checkpoint, and settings are compared seed by seed."""

from node.simulation.costs import Costs
from node.simulation.events import EventKind
from node.simulation.plan import FaultKind
from node.simulation.run import Outcome
from node.simulation.statistics import ALL_KINDS, compare, summarise
from tests.simulation.outcomes import ack, begins, ends, event, fault, outcome_of, plan_of

KILL = fault(1, FaultKind.KILL, 10.0, 5.0, 2)
AGAIN = fault(2, FaultKind.KILL, 30.0, 5.0, 2)
REORG = fault(3, FaultKind.CHAIN_REORG, 20.0)


def troubled(*acks: float, no_acks: int = 0, gas: int = 0) -> Outcome:
    return outcome_of(
        *(begins(KILL), ends(KILL), begins(AGAIN), ends(AGAIN), begins(REORG)),
        *(ack(at_s, count) for count, at_s in enumerate(acks, 1)),
        *(event(50.0, EventKind.NO_ACK, "turn 1 ran out", None, 1) for _ in range(no_acks)),
        *(event(60.0, EventKind.HEALED), event(100.0, EventKind.CONVERGED)),
        plan=plan_of(KILL, REORG, AGAIN),
        costs=Costs(gas=gas),
    )


def test_statistics__of_recoveries__run_from_the_last_end_of_a_kind_to_the_next_ack() -> None:
    summary = summarise("devnet", [troubled(12.0, 40.0, 70.0), troubled(25.0, 38.0, 90.0), troubled(36.0, 65.0)])

    told = {each.kind: each for each in summary.recoveries}
    assert list(told) == [ALL_KINDS, "kill", "reorg"]
    kill, reorg, healed = told["kill"].seconds, told["reorg"].seconds, told[ALL_KINDS].seconds
    assert kill is not None
    assert reorg is not None
    assert healed is not None
    assert (kill.median, kill.most, kill.worst) == (3.0, 5.0, 5.0)
    assert (reorg.median, reorg.worst) == (16.0, 20.0)
    assert (healed.median, healed.worst) == (10.0, 30.0)


def test_statistics__of_a_seed_without_another_ack__counts_it_as_never() -> None:
    (healed, kill, _) = summarise("devnet", [troubled(40.0), troubled(5.0)]).recoveries

    assert (healed.never, healed.seconds) == (2, None)
    assert (kill.seeds, kill.never) == (2, 1)


def test_statistics__of_halts__are_by_reason() -> None:
    halted = outcome_of(event(9.0, EventKind.HALTED, "SIDE_REORG_BELOW_SIGNED: block 7 is another"))

    assert summarise("devnet", [halted, halted]).halts == (("SIDE_REORG_BELOW_SIGNED", 2),)


def test_compare__of_two_settings__counts_seeds_that_are_better_and_worse() -> None:
    before = [troubled(40.0, gas=100), troubled(40.0, 70.0, gas=100)]
    after = [troubled(40.0, no_acks=2, gas=50), troubled(40.0, 70.0, gas=100)]

    told = {each.measure.name: each for each in compare(before, after)}

    no_acks, gas = told["no-acks"], told["gas"]
    assert (no_acks.before, no_acks.after) == (0, 1)
    assert (no_acks.lower, no_acks.equal, no_acks.higher) == (0, 1, 1)
    assert (gas.before, gas.after, gas.lower, gas.equal) == (75, 50, 1, 1)
    assert "longest wait for one" in told


def test_compare__of_what_neither_can_tell__leaves_it_out() -> None:
    nothing = [outcome_of(event(9.0, EventKind.HEALED))]

    assert "gas" not in {each.measure.name for each in compare(nothing, nothing)}
