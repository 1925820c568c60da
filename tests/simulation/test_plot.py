"""The timeline is well-formed, accessible, has a lane for everything, and draws what happened where it happened."""

from xml.etree import ElementTree

import pytest

from node.simulation.events import EventKind
from node.simulation.plan import FaultKind
from node.simulation.plot import LEFT_PX, RIGHT_PX, WIDTH_PX, draw_timeline
from node.simulation.run import Outcome
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

SVG = "{http://www.w3.org/2000/svg}"


def parsed(drawing: str) -> ElementTree.Element:
    """The drawing as XML."""
    return ElementTree.fromstring(drawing)  # noqa: S314 - it is our own


def drawn(outcome: Outcome) -> ElementTree.Element:
    return parsed(draw_timeline(outcome, SETTINGS))


def lane(drawing: ElementTree.Element, name: str) -> ElementTree.Element:
    (found,) = (group for group in drawing.iter(f"{SVG}g") if group.get("data-lane") == name)
    return found


def test_plot__of_a_real_run__is_well_formed_with_each_lane_and_all_checkpoints() -> None:
    outcome = quiet_outcome()

    drawing = parsed(draw_timeline(outcome, QUIET))

    names = [group.get("data-lane") for group in drawing.iter(f"{SVG}g")]
    assert names == ["faults", "validator 0", "turns", "checkpoints"]
    assert len(list(lane(drawing, "checkpoints").iter(f"{SVG}circle"))) == outcome.acks
    assert drawing.get("role") == "img"
    title, description = drawing.find(f"{SVG}title"), drawing.find(f"{SVG}desc")
    assert title is not None
    assert (title.text or "").startswith("seed 1: 1 validator at devnet pace")
    assert description is not None
    assert f"{outcome.acks} acks" in (description.text or "")


def test_plot__of_a_fault_and_a_validator_down__places_them_by_time() -> None:
    kill = fault(4, FaultKind.KILL, 25.0, 50.0, 2)
    drawing = drawn(
        outcome_of(
            *(begins(kill), event(25.0, EventKind.DOWN, "kill", 2), event(75.0, EventKind.UP, "is up", 2), ends(kill)),
            *(ack(80.0, 1), event(100.0, EventKind.CONVERGED)),
            plan=plan_of(kill, chaos_s=90),
        )
    )
    width = RIGHT_PX - LEFT_PX

    (bar,) = lane(drawing, "faults").iter(f"{SVG}rect")
    _, down = lane(drawing, "validator 2").iter(f"{SVG}rect")

    for rectangle in (bar, down):
        assert float(rectangle.get("x", "")) == pytest.approx(LEFT_PX + width / 4, abs=0.1)
        assert float(rectangle.get("width", "")) == pytest.approx(width / 2, abs=0.1)
    assert down.get("class") == "down"


def test_plot__of_many_faults_at_once__overlaps_no_bar_and_leaves_no_label_outside() -> None:
    faults = [fault(number, FaultKind.GOSSIP_LOSS, 90.0, 8.0) for number in range(1, 31)]
    faults += [fault(31, FaultKind.NONCE_STOLEN, 99.0, 0.0, 3)]
    events = [step for one in faults for step in (begins(one), ends(one))]
    drawing = drawn(outcome_of(*events, event(100.0, EventKind.HEALED), plan=plan_of(*faults, chaos_s=100)))

    bars = [(float(bar.get("x", "")), float(bar.get("y", ""))) for bar in lane(drawing, "faults").iter(f"{SVG}rect")]
    labels = list(lane(drawing, "faults").iter(f"{SVG}text"))[1:]

    assert len(set(bars)) == len(bars) == 31
    for label in labels:
        assert label.get("text-anchor") == "end" or float(label.get("x", "")) < WIDTH_PX - 100


def test_plot__of_words_with_markup__escapes_them() -> None:
    drawing = drawn(outcome_of(event(5.0, EventKind.DOWN, '<b> & "x"', 1), event(9.0, EventKind.HEALED)))

    _, down = lane(drawing, "validator 1").iter(f"{SVG}rect")

    assert '<b> & "x"' in (down[0].text or "")
