"""Every metric of a node in one table: name, what it says, labels, and where in the node's values it is read.

Names end in their unit: `_seconds` is a duration or a time since 1970, `_total` a counter that starts at 0 with the
process. A time of 0 means never, and is there from the first scrape on, so that no alert on an age is switched off by
absence.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bridge.chain.endpoint import EndpointState
from node.api.checkpoints import MISSING, Timing
from node.api.view import ChainEndpoint, VerdictCount
from node.duties.status import ChainStatus, ClockStatus, DutyStatus, Moment, NodeStatus, Reason, RootChainStatus


@dataclass(frozen=True, slots=True)
class OwnPart:
    """How this validator took part in the last acknowledged checkpoint of a root chain."""

    root_chain: str
    part: str
    """A `Timing`, or MISSING."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one scrape reads of the node."""

    status: NodeStatus
    endpoints: tuple[ChainEndpoint, ...]
    verdicts: tuple[VerdictCount, ...]
    own_parts: tuple[OwnPart, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One value with the values of its labels."""

    labels: tuple[str, ...]
    value: float


Samples: TypeAlias = Callable[[Facts], Iterable[Sample]]


@dataclass(frozen=True, slots=True)
class Declared:
    """One metric; a counter if its name says so."""

    name: str
    labels: tuple[str, ...]
    text: str
    samples: Samples

    @property
    def is_counter(self) -> bool:
        """Whether it only rises."""
        return self.name.endswith("_total")


def _node(read: Callable[[NodeStatus], float]) -> Samples:
    """One value of the node."""
    return lambda facts: (Sample((), read(facts.status)),)


def _root(read: Callable[[RootChainStatus], float | None]) -> Samples:
    """One value per root chain; none where it is unknown."""
    return lambda facts: _known((root.name, read(root)) for root in facts.status.root_chains)


def _chain(read: Callable[[ChainStatus], float | None]) -> Samples:
    """One value per chain, the side chain's first; none where it is unknown."""
    return lambda facts: _known((chain.name, read(chain)) for chain in _chains(facts.status))


def _duty(read: Callable[[DutyStatus], float]) -> Samples:
    """One value per duty."""
    return lambda facts: (Sample((duty.name,), read(duty)) for duty in facts.status.duties)


def _endpoint(read: Callable[[ChainEndpoint], float]) -> Samples:
    """One value per RPC endpoint."""
    return lambda facts: (Sample((one.chain, one.report.label), read(one)) for one in facts.endpoints)


def _known(values: Iterable[tuple[str, float | None]]) -> Iterator[Sample]:
    return (Sample((name,), value) for name, value in values if value is not None)


def _chains(status: NodeStatus) -> tuple[ChainStatus, ...]:
    return (status.side_chain, *(root.chain for root in status.root_chains))


def _time(moment: Moment | None) -> float:
    return 0.0 if moment is None else moment.time_s


def _number(moment: Moment | None) -> float | None:
    return None if moment is None else moment.number


def _info(facts: Facts) -> Iterator[Sample]:
    yield Sample((facts.status.version, facts.status.moniker), 1.0)


def _reasons(facts: Facts) -> Iterator[Sample]:
    for root in facts.status.root_chains:
        for reason in Reason:
            yield Sample((root.name, reason.value), float(root.why.reason is reason))


def _verdicts(facts: Facts) -> Iterator[Sample]:
    return (Sample((one.root_chain, one.verdict), one.count) for one in facts.verdicts)


def _own_parts(facts: Facts) -> Iterator[Sample]:
    for one in facts.own_parts:
        for part in (*Timing, MISSING):
            yield Sample((one.root_chain, part), float(one.part == part))


def _endpoint_errors(facts: Facts) -> Iterator[Sample]:
    for one in facts.endpoints:
        for code, count in one.report.errors:
            yield Sample((one.chain, one.report.label, code), count)


def _stopped_signing(facts: Facts) -> Iterator[Sample]:
    stopped = facts.status.stopped_signing
    yield Sample((stopped.reason.value if stopped is not None else "",), float(stopped is not None))


def _clock(read: Callable[[ClockStatus], float | None]) -> Samples:
    """One value of the clock; none where it is not looked at, or unknown."""

    def samples(facts: Facts) -> tuple[Sample, ...]:
        clock = facts.status.clock
        value = None if clock is None else read(clock)
        return () if value is None else (Sample((), value),)

    return samples


_ROOT = ("root_chain",)
_CHAIN = ("chain",)
_DUTY = ("duty",)
_ENDPOINT = ("chain", "endpoint")

NODE_METRICS = (
    Declared("sidewarden_info", ("version", "moniker"), "Always 1; the labels say which program this is.", _info),
    Declared("sidewarden_engine_height", (), "Last committed block of the engine.", _node(lambda s: s.engine_height)),
    Declared(
        "sidewarden_engine_time_seconds", (), "Time of the last committed block.", _node(lambda s: s.engine_time_s)
    ),
    Declared(
        "sidewarden_engine_power_share_ratio",
        (),
        "Share of the engine's power that takes part, as this node sees it.",
        _node(lambda s: s.engine_power_share_permille / 1000),
    ),
    Declared(
        "sidewarden_engine_quorum", (), "1 while over 2/3 of the power takes part.", _node(lambda s: s.engine_quorum)
    ),
    Declared("sidewarden_power", (), "This validator's power in tallies, whole tokens.", _node(lambda s: s.power)),
    Declared("sidewarden_power_all", (), "Power of all validators.", _node(lambda s: s.total_power)),
    Declared("sidewarden_caught_up", (), "1 once the node has replayed all blocks.", _node(lambda s: s.caught_up)),
    Declared("sidewarden_paused", (), "1 while an operator has paused the validator.", _node(lambda s: s.paused)),
    Declared(
        "sidewarden_signing_stopped", ("reason",), "1 while the signer refuses to sign, and why.", _stopped_signing
    ),
    Declared(
        "sidewarden_clock_skew",
        (),
        "1 while our clock is wrong and no precommit is signed.",
        _clock(lambda c: c.skew is not None),
    ),
    Declared(
        "sidewarden_clock_offset_seconds",
        (),
        "How far NTP servers are ahead of our clock; absent while none answers.",
        _clock(lambda c: c.offset_s),
    ),
    Declared("sidewarden_ntp_servers_answering", (), "NTP servers that answered last.", _clock(lambda c: c.answering)),
    Declared(
        "sidewarden_evidence_total",
        (),
        "Pieces of evidence of misbehaviour in the engine, of all validators since genesis.",
        _node(lambda s: s.evidence),
    ),
    Declared("sidewarden_alarms", (), "Alarms that the status names.", _node(lambda s: len(s.alarms))),
)

CHAIN_METRICS = (
    Declared("sidewarden_chain_head_block", _CHAIN, "Highest block seen.", _chain(lambda c: c.head)),
    Declared("sidewarden_chain_confirmed_block", _CHAIN, "Highest confirmed block.", _chain(lambda c: c.confirmed)),
    Declared(
        "sidewarden_chain_confirmed_time_seconds",
        _CHAIN,
        "Timestamp of the highest confirmed block.",
        _chain(lambda c: c.confirmed_time_s or 0),
    ),
    Declared(
        "sidewarden_chain_last_progress_seconds",
        _CHAIN,
        "When the follower last got a new block.",
        _chain(lambda c: c.last_progress_s),
    ),
    Declared("sidewarden_chain_up", _CHAIN, "1 while the chain can be read.", _chain(lambda c: c.down_reason is None)),
    Declared(
        "sidewarden_rpc_up",
        _ENDPOINT,
        "1 while the endpoint is in use, 0 while it is paused or serves another chain.",
        _endpoint(lambda e: e.report.state in (EndpointState.READY, EndpointState.UNCHECKED)),
    ),
    Declared(
        "sidewarden_rpc_calls_total", _ENDPOINT, "Requests sent to the endpoint.", _endpoint(lambda e: e.report.calls)
    ),
    Declared(
        "sidewarden_rpc_errors_total", (*_ENDPOINT, "code"), "Failures of the endpoint, by code.", _endpoint_errors
    ),
)

ROOT_CHAIN_METRICS = (
    Declared(
        "sidewarden_waiting_reason",
        (*_ROOT, "reason"),
        "1 for the one reason why the next checkpoint has not happened yet, 0 for all others.",
        _reasons,
    ),
    Declared(
        "sidewarden_checkpoint_last_built_seconds",
        _ROOT,
        "When this node last knew the root of a proposed or due range.",
        _root(lambda r: _time(r.last_built)),
    ),
    Declared(
        "sidewarden_checkpoint_last_signed_seconds",
        _ROOT,
        "When this node last signed a checkpoint.",
        _root(lambda r: _time(r.last_signed)),
    ),
    Declared(
        "sidewarden_checkpoint_last_submitted_seconds",
        _ROOT,
        "When this node last sent a checkpoint to the root chain.",
        _root(lambda r: _time(r.last_submitted)),
    ),
    Declared(
        "sidewarden_checkpoint_last_acknowledged_seconds",
        _ROOT,
        "When the network last agreed that the root chain has a new checkpoint.",
        _root(lambda r: _time(r.last_acknowledged)),
    ),
    Declared(
        "sidewarden_checkpoint_last_acknowledged_header_id",
        _ROOT,
        "Header id of that checkpoint.",
        _root(lambda r: _number(r.last_acknowledged)),
    ),
    Declared(
        "sidewarden_checkpoint_next_start_block",
        _ROOT,
        "First block of the next checkpoint.",
        _root(lambda r: r.next_start),
    ),
    Declared(
        "sidewarden_checkpoint_signed_ratio",
        _ROOT,
        "Share of power that signed the open proposal.",
        _root(lambda r: r.signed_permille / 1000),
    ),
    Declared("sidewarden_turn", _ROOT, "Number of the current turn.", _root(lambda r: r.turn)),
    Declared("sidewarden_turn_proposer_id", _ROOT, "Validator whose turn it is.", _root(lambda r: r.proposer_id)),
    Declared(
        "sidewarden_turn_deadline_seconds",
        _ROOT,
        "When the turn ends without an ack; 0 while it is not due.",
        _root(lambda r: r.deadline_s or 0),
    ),
    Declared("sidewarden_no_acks", _ROOT, "Turns that ended without an ack since genesis.", _root(lambda r: r.no_acks)),
    Declared(
        "sidewarden_feed_cursor_block",
        _ROOT,
        "Block up to which the root chain's logs are applied.",
        _root(lambda r: r.cursor),
    ),
    Declared("sidewarden_feed_step", _ROOT, "Number of the next step of the feed.", _root(lambda r: r.step_number)),
    Declared(
        "sidewarden_submitter_balance_wei",
        _ROOT,
        "Balance of the account that pays for submissions.",
        _root(lambda r: r.submitter_balance_wei),
    ),
    Declared(
        "sidewarden_submitter_checkpoints_left",
        _ROOT,
        "Checkpoints that this balance still pays for.",
        _root(lambda r: r.submitter_checkpoints_left),
    ),
    Declared(
        "sidewarden_checkpoint_last_own_signature",
        (*_ROOT, "timing"),
        "1 for how this validator signed the last acknowledged checkpoint, or MISSING; 0 for the others.",
        _own_parts,
    ),
    Declared("sidewarden_verdicts_total", (*_ROOT, "verdict"), "This node's verdicts about proposals.", _verdicts),
)

DUTY_METRICS = (
    Declared(
        "sidewarden_duty_last_progress_seconds",
        _DUTY,
        "When the duty last finished a pass.",
        _duty(lambda d: d.last_progress_s),
    ),
    Declared("sidewarden_duty_failures_total", _DUTY, "Passes of the duty that failed.", _duty(lambda d: d.failures)),
)

DECLARED: tuple[Declared, ...] = (*NODE_METRICS, *CHAIN_METRICS, *ROOT_CHAIN_METRICS, *DUTY_METRICS)
