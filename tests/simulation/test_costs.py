"""What a reorg takes back is not paid for."""

from dataclasses import replace

from node.simulation.events import EventKind
from node.simulation.plan import FaultKind
from node.simulation.run import simulate
from node.simulation.settings import ROOT
from tests.simulation.outcomes import QUIET, fault, plan_of, quiet_outcome


def test_costs__of_a_quiet_run__are_one_submission_for_each_checkpoint() -> None:
    outcome = quiet_outcome()

    landed = [one for one in outcome.events if one.kind is EventKind.LANDED]
    assert outcome.costs.submissions == len(landed) >= outcome.acks
    assert outcome.costs.failed == 0
    assert outcome.costs.fees_wei > outcome.costs.gas > 50_000 * outcome.acks


def test_costs__of_a_submission_that_is_mined_again_after_a_reorg__are_counted_once() -> None:
    first_s = next(one.at_s for one in quiet_outcome().events if one.kind is EventKind.LANDED)
    reorg = replace(fault(1, FaultKind.CHAIN_REORG, first_s + 0.5), chain=ROOT, amount=1.0)

    outcome = simulate(replace(plan_of(reorg, chaos_s=QUIET.trouble_s), seed=1), QUIET)

    landed = [one.number for one in outcome.events if one.kind is EventKind.LANDED]
    assert landed.count(10_000) == 2
    assert outcome.costs.submissions == len(set(landed))
