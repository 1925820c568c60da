"""The timeline of a simulation as an SVG: faults, validators, turns and checkpoints above one axis of virtual time."""

from collections.abc import Callable

from node.simulation.events import EventKind
from node.simulation.fault_words import sentence
from node.simulation.plan import LASTING, Fault, FaultKind
from node.simulation.report import facts, headline, mix, result_line
from node.simulation.run import Outcome
from node.simulation.settings import SimulationSettings
from node.simulation.svg import Svg, width_px
from node.simulation.timeline import Absence, FaultSpan, Timeline, timeline_of
from node.simulation.words import clock

WIDTH_PX = 1_200
LEFT_PX = 110.0
RIGHT_PX = 1_180.0
TOP_PX = 74.0
ROW_PX = 18.0
BAR_PX = 13.0
GAP_PX = 14.0
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400)
TICKS_MAX = 14
MOMENT_PX = 3.0
"""The least width of a bar, so that what lasts a moment is seen."""
HEADER_ID_STEP = 10_000

_ABSENT = {Absence.DOWN: "down", Absence.PAUSED: "paused", Absence.STOPPED: "stopped"}
_MARKS = {
    EventKind.HEALED: ("healed", "faults over"),
    EventKind.CONVERGED: ("converged", "converged"),
    EventKind.HALTED: ("halted", "halted"),
    EventKind.VIOLATION: ("violation", "violation"),
}
_LEGEND = (
    (
        *(("fault", "fault"), ("byzantine", "against the rules, or damage for good"), ("deep", "beyond confirmations")),
        *(("up", "validator up"), ("down", "down"), ("paused", "paused"), ("stopped", "stopped signing")),
    ),
    (
        *(("proposed", "turn: proposed"), ("open", "open for submission"), ("landed", "on the root chain")),
        *(("ack", "checkpoint acknowledged"), ("no-ack", "no-ack"), ("rejected", "rejected")),
    ),
)
"""Classes and words, in rows."""


def draw_timeline(outcome: Outcome, settings: SimulationSettings) -> str:
    """The whole SVG file, readable on light and dark."""
    return _Drawing(outcome, settings).document()


class _Drawing:
    def __init__(self, outcome: Outcome, settings: SimulationSettings) -> None:
        self._svg = Svg()
        self._outcome = outcome
        self._settings = settings
        self._timeline: Timeline = timeline_of(outcome)
        self._end_s = max(self._timeline.end_s, 1.0)
        self._rows = _packed(self._timeline.faults, self._x)
        self._validators_y = TOP_PX + ROW_PX * max(1, len(self._rows)) + GAP_PX
        self._turns_y = self._validators_y + ROW_PX * settings.validators + GAP_PX
        self._checkpoints_y = self._turns_y + ROW_PX + GAP_PX
        self._axis_y = self._checkpoints_y + ROW_PX + GAP_PX

    def document(self) -> str:
        outcome, svg = self._outcome, self._svg
        title = headline(outcome.plan, self._settings)
        svg.text(10, 24, title, "head")
        svg.text(10, 44, result_line(outcome)[:190], "small")
        self._draw_grid()
        self._draw_faults()
        self._draw_validators()
        self._draw_turns()
        self._draw_checkpoints()
        self._draw_marks()
        self._draw_legend()
        description = f"{facts(outcome)}. What goes wrong: {mix(outcome.plan)}. {result_line(outcome)}"
        return svg.document(WIDTH_PX, self._axis_y + 78, title, description)

    def _x(self, at_s: float) -> float:
        return LEFT_PX + (RIGHT_PX - LEFT_PX) * min(at_s, self._end_s) / self._end_s

    def _bar(self, kind: str, begin_s: float, end_s: float, y: float, words: str) -> None:
        x = self._x(begin_s)
        title = f"{words}, {clock(begin_s)} to {clock(end_s)}"
        self._svg.bar(kind, x, y, max(MOMENT_PX, self._x(end_s) - x), BAR_PX, title)

    def _draw_grid(self) -> None:
        svg, top, bottom = self._svg, TOP_PX - 6, self._axis_y
        healed_s = self._end_s if self._timeline.healed_s is None else self._timeline.healed_s
        svg.bar("chaos", LEFT_PX, top, self._x(healed_s) - LEFT_PX, bottom - top)
        step_s = next((step for step in STEPS_S if self._end_s / step <= TICKS_MAX), STEPS_S[-1])
        for tick in range(int(self._end_s / step_s) + 1):
            x = self._x(tick * step_s)
            svg.line("grid", x, top, x, bottom)
            svg.text(x, bottom + 14, clock(tick * step_s), "small dim", "middle")

    def _draw_faults(self) -> None:
        self._lane("faults", TOP_PX)
        for row, spans in enumerate(self._rows):
            y = TOP_PX + ROW_PX * row
            for span in spans:
                self._bar(_fault_class(span.fault), span.begin_s, span.end_s, y, sentence(span.fault))
                self._svg.text(*self._label_place(span, y), _label(span.fault), "small", self._label_anchor(span))
        self._svg.end()

    def _label_anchor(self, span: FaultSpan) -> str:
        return "end" if _is_left(span, self._x) else "start"

    def _label_place(self, span: FaultSpan, y: float) -> tuple[float, float]:
        begin_px, end_px = self._x(span.begin_s), max(self._x(span.end_s), self._x(span.begin_s) + MOMENT_PX)
        if width_px(_label(span.fault)) < end_px - begin_px - 6:
            return begin_px + 4, y + 10.5
        return (begin_px - 4 if _is_left(span, self._x) else end_px + 4), y + 10.5

    def _draw_validators(self) -> None:
        for index in range(self._settings.validators):
            y = self._validators_y + ROW_PX * index
            self._lane(f"validator {index}", y)
            self._bar("up", 0.0, self._end_s, y, f"validator {index} is up")
            for span in self._timeline.absences:
                if span.validator == index:
                    words = f"validator {index}: {span.why}"
                    self._bar(_ABSENT[span.how], span.begin_s, span.end_s, y, words)
            self._svg.end()

    def _draw_turns(self) -> None:
        self._lane("turns", self._turns_y)
        for turn in self._timeline.turns:
            opened_s = turn.end_s if turn.opened_s is None else turn.opened_s
            landed_s = turn.end_s if turn.landed_s is None else turn.landed_s
            self._bar("proposed", turn.proposed_s, opened_s, self._turns_y, f"{turn.text}, proposed")
            if turn.opened_s is not None:
                self._bar("open", opened_s, landed_s, self._turns_y, f"{turn.text}, open for submission")
            if turn.landed_s is not None:
                self._bar("landed", landed_s, turn.end_s, self._turns_y, f"{turn.text}, on the root chain")
        self._svg.end()

    def _draw_checkpoints(self) -> None:
        y = self._checkpoints_y + BAR_PX / 2
        self._lane("checkpoints", self._checkpoints_y)
        last_px = 0.0
        for event in self._timeline.acks:
            x = self._x(event.at_s)
            self._svg.dot("ack", x, y, f"{event.text}, {clock(event.at_s)}")
            number = str((event.number or 0) // HEADER_ID_STEP)
            if x - last_px > width_px(number) + 8:
                self._svg.text(x, y + 18, number, "small dim", "middle")
                last_px = x
        for event in self._timeline.no_acks:
            self._svg.mark("no-ack", self._x(event.at_s), y, f"no-ack: {event.text}, {clock(event.at_s)}")
        for event in self._timeline.rejections:
            self._svg.mark("rejected", self._x(event.at_s), y, f"rejected: {event.text}, {clock(event.at_s)}")
        self._svg.end()

    def _draw_marks(self) -> None:
        """The end of the faults and of the simulation, each with its words above the lanes."""
        for event in self._outcome.events:
            if event.kind in _MARKS:
                kind, words = _MARKS[event.kind]
                x = self._x(event.at_s)
                self._svg.line(kind, x, TOP_PX - 6, x, self._axis_y)
                self._svg.text(x, TOP_PX - 10, words, "small", "middle" if x < RIGHT_PX - 40 else "end")

    def _draw_legend(self) -> None:
        for row, entries in enumerate(_LEGEND):
            x, y = LEFT_PX, self._axis_y + 30 + ROW_PX * row
            for kind, words in entries:
                if kind == "ack":
                    self._svg.dot(kind, x + 6, y + 6, words)
                elif kind in ("no-ack", "rejected"):
                    self._svg.mark(kind, x + 6, y + 6, words)
                else:
                    self._svg.bar(kind, x, y, 12, 12)
                self._svg.text(x + 16, y + 10, words, "small dim")
                x += 34 + width_px(words)

    def _lane(self, name: str, y: float) -> None:
        self._svg.begin(name)
        self._svg.text(LEFT_PX - 10, y + 10.5, name, "small", "end")


def _label(fault: Fault) -> str:
    where = "" if fault.chain is None else f" {fault.chain}"
    who = "" if fault.validator is None else f" v{fault.validator}"
    return f"#{fault.number} {fault.kind.value}{where}{who}"


def _fault_class(fault: Fault) -> str:
    if fault.kind is FaultKind.CHAIN_REORG_DEEP:
        return "deep"
    return "byzantine" if fault.kind in LASTING else "fault"


def _is_left(span: FaultSpan, x: Callable[[float], float]) -> bool:
    """Whether a label stands left of its bar, because there is no room inside or to the right."""
    words_px = width_px(_label(span.fault))
    return words_px >= x(span.end_s) - x(span.begin_s) - 6 and x(span.end_s) + words_px + 12 > RIGHT_PX


def _packed(spans: tuple[FaultSpan, ...], x: Callable[[float], float]) -> list[list[FaultSpan]]:
    """Spans in as few rows as they and their labels need: each goes into the first row that is free."""
    rows: list[list[FaultSpan]] = []
    ends_px: list[float] = []
    for span in spans:
        words_px, begin_px = width_px(_label(span.fault)) + 12, x(span.begin_s)
        bar_end_px = max(x(span.end_s), begin_px + MOMENT_PX)
        if _is_left(span, x):
            begin_px, end_px = begin_px - words_px, bar_end_px
        else:
            end_px = bar_end_px if words_px < bar_end_px - begin_px + 6 else bar_end_px + words_px
        row = next((index for index, taken_px in enumerate(ends_px) if taken_px + 4 <= begin_px), len(rows))
        if row == len(rows):
            rows.append([])
            ends_px.append(0.0)
        rows[row].append(span)
        ends_px[row] = end_px
    return rows
