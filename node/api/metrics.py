"""A node's metrics: its own registry, filled at scrape time from the same values that the status route shows.

`metrics_table.DECLARED` is the one place that says which metrics there are. The API counts its own requests besides.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from node.api.metrics_table import DECLARED, Declared, Facts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ServerMetrics:
    """One server's registry: what a collector reads at each scrape, and a count of the answers besides."""

    def __init__(self, collector: Collector) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(collector)
        self._requests = Counter(
            "sidewarden_api_requests_total",
            "Requests answered by the API, by route and HTTP status.",
            ("route", "status"),
            registry=self._registry,
        )

    def count_request(self, route: str, status: int) -> None:
        """Count an answered request; `route` is the path with its {parameters}, so that the series stay few."""
        self._requests.labels(route, str(status)).inc()

    def exposition(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self._registry)


class NodeMetrics(ServerMetrics):
    """One node's registry."""

    def __init__(self, facts: Callable[[], Facts]) -> None:
        """`facts` reads the node; it is called once per scrape."""
        super().__init__(_FactsCollector(facts))


class _FactsCollector(Collector):
    """Turns the declared metrics into families."""

    def __init__(self, facts: Callable[[], Facts]) -> None:
        self._facts = facts

    def describe(self) -> Iterator[Metric]:
        """The families without values, so that registering needs no running node."""
        return (_family(declared) for declared in DECLARED)

    def collect(self) -> Iterator[Metric]:
        """The families with the values of now."""
        facts = self._facts()
        for declared in DECLARED:
            family = _family(declared)
            for sample in declared.samples(facts):
                family.add_metric(sample.labels, sample.value)
            yield family


def _family(declared: Declared) -> GaugeMetricFamily | CounterMetricFamily:
    family = CounterMetricFamily if declared.is_counter else GaugeMetricFamily
    return family(declared.name, declared.text, labels=declared.labels)
