"""Tables of statistics fit a terminal of 80 columns, whatever is in them."""

from io import StringIO

from rich.console import Console
from rich.table import Table

from node.cli.simulation_tables import differences_table, measures_table, recoveries_table
from node.simulation.costs import Costs
from node.simulation.events import EventKind
from node.simulation.plan import FaultKind
from node.simulation.run import Outcome
from node.simulation.statistics import compare, summarise
from tests.simulation.outcomes import ack, begins, ends, event, fault, outcome_of, plan_of

KILL = fault(1, FaultKind.KILL_IN_CALL, 10.0, 5.0, 2)


def seed(*acks: float, gas: int = 200_000) -> Outcome:
    return outcome_of(
        *(begins(KILL), ends(KILL), *(ack(at_s, count) for count, at_s in enumerate(acks, 1))),
        *(event(40.0, EventKind.HEALED), event(99.0, EventKind.CONVERGED)),
        plan=plan_of(KILL),
        costs=Costs(gas=gas, fees_wei=gas * 10**12),
    )


def printed(table: Table) -> list[str]:
    written = StringIO()
    Console(file=written, width=80).print(table)
    return [line.strip() for line in written.getvalue().splitlines()]


BEFORE = [seed(20.0, 60.0), seed(30.0), seed(30.0, 45.0, 90.0)]
AFTER = [seed(20.0, 60.0), seed(30.0, 80.0, gas=150_000), seed(30.0, 45.0, 90.0)]


def test_tables__of_two_settings__have_a_line_for_each_measure_with_both_means() -> None:
    before, after = summarise("devnet", BEFORE), summarise("devnet with hasty.toml", AFTER)

    lines = printed(differences_table(before, after, compare(BEFORE, AFTER)))

    assert lines[0] == "devnet with hasty.toml after devnet: the same 3 seeds"
    (gas,) = (line.split() for line in lines if line.startswith("gas, per checkpoint"))
    assert gas[-5:] == ["122,222", "80,556", "1", "2", "0"]
    assert not any("…" in line for line in lines)


def test_tables__of_recoveries__show_the_spread_and_who_never_recovered() -> None:
    lines = printed(recoveries_table([summarise("devnet", BEFORE), summarise("devnet with hasty.toml", AFTER)]))

    (all_over,) = (" ".join(line.split()) for line in lines if line.startswith("all faults over"))
    assert all_over == "all faults over 3 5 / 20 / 20, 1 never 20 / 40 / 40"
    assert any(line.startswith("kill in a consensus call") for line in lines)
    assert not any("…" in line for line in lines)


def test_tables__of_one_setting__show_means_and_halts() -> None:
    halted = outcome_of(event(9.0, EventKind.HALTED, "SIDE_REORG_BELOW_SIGNED: block 7 is another"))

    lines = printed(measures_table(summarise("devnet", [*BEFORE, halted])))

    assert lines[0] == "devnet: 4 seeds"
    assert any(line.split()[-1] == "1" for line in lines if line.startswith("halted: SIDE_REORG_BELOW_SIGNED"))
