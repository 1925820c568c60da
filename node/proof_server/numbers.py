"""A proof server's metrics, read at scrape time; those that a node has too have the node's names."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge.chain.endpoint import EndpointState
from node.api.metrics import ServerMetrics
from node.proof_server.server import ProofServer
from node.proof_server.tail import FollowTail

Labels = tuple[str, ...]
Samples = Callable[[ProofServer], Iterable[tuple[Labels, float | None]]]


@dataclass(frozen=True, slots=True)
class _Declared:
    """One metric; a counter if its name says so. A value of None is not known, and not shown."""

    name: str
    labels: Labels
    text: str
    samples: Samples


def _tails(server: ProofServer) -> tuple[FollowTail, ...]:
    return (server.side, *(root.tail for root in server.roots))


_CHAIN = ("chain",)
_ENDPOINT = ("chain", "endpoint")
DECLARED = (
    _Declared(
        "sidewarden_ready", (), "1 while nothing is missing.", lambda server: [((), float(not server.missing()))]
    ),
    _Declared(
        "sidewarden_chain_head_block",
        _CHAIN,
        "Highest block seen.",
        lambda server: [((one.chain,), None if one.head is None else one.head.number) for one in _tails(server)],
    ),
    _Declared(
        "sidewarden_chain_confirmed_block",
        _CHAIN,
        "Highest confirmed block.",
        lambda server: [
            ((one.chain,), None if one.confirmed is None else one.confirmed.number) for one in _tails(server)
        ],
    ),
    _Declared(
        "sidewarden_chain_up",
        _CHAIN,
        "1 while the chain can be read.",
        lambda server: [((one.chain,), float(one.trouble is None)) for one in _tails(server)],
    ),
    _Declared(
        "sidewarden_index_checkpoints",
        _CHAIN,
        "Checkpoints in the index.",
        lambda server: [((one.index.chain,), one.index.indexer.progress().checkpoints) for one in server.roots],
    ),
    _Declared(
        "sidewarden_index_read_block",
        _CHAIN,
        "Root-chain block up to which the index has read.",
        lambda server: [((one.index.chain,), one.index.indexer.progress().read_to) for one in server.roots],
    ),
    _Declared(
        "sidewarden_rpc_up",
        _ENDPOINT,
        "1 while the endpoint is used.",
        lambda server: [
            ((one.chain, one.report.label), float(one.report.state is EndpointState.READY))
            for one in server.endpoints()
        ],
    ),
    _Declared(
        "sidewarden_rpc_calls_total",
        _ENDPOINT,
        "Requests sent to the endpoint.",
        lambda server: [((one.chain, one.report.label), one.report.calls) for one in server.endpoints()],
    ),
    _Declared(
        "sidewarden_rpc_errors_total",
        (*_ENDPOINT, "code"),
        "Failures of the endpoint, by code.",
        lambda server: [
            ((one.chain, one.report.label, code), count)
            for one in server.endpoints()
            for code, count in one.report.errors
        ],
    ),
    _Declared(
        "sidewarden_duty_failures_total",
        ("duty",),
        "Passes of the duty that failed.",
        lambda server: [((duty.name,), duty.failures) for duty in server.duties()],
    ),
)


class ProofServerMetrics(ServerMetrics):
    """One server's registry."""

    def __init__(self, server: ProofServer) -> None:
        super().__init__(_Numbers(server))


class _Numbers(Collector):
    def __init__(self, server: ProofServer) -> None:
        self._server = server

    def describe(self) -> Iterator[Metric]:
        """The families without values."""
        return (_family(declared) for declared in DECLARED)

    def collect(self) -> Iterator[Metric]:
        """The families with the values of now."""
        for declared in DECLARED:
            family = _family(declared)
            for labels, value in declared.samples(self._server):
                if value is not None:
                    family.add_metric(labels, value)
            yield family


def _family(declared: _Declared) -> GaugeMetricFamily | CounterMetricFamily:
    family = CounterMetricFamily if declared.name.endswith("_total") else GaugeMetricFamily
    return family(declared.name, declared.text, labels=declared.labels)
