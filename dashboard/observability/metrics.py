"""Counts and times of the running server, for Prometheus."""

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from core.observing import Observation

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_KINDS = {
    "query": ("sales_query_seconds", "Time of a query by the name of its file.", "query"),
    "page": ("sales_page_build_seconds", "Server time to make a page.", "page"),
    "update": ("sales_page_update_seconds", "Server time to answer a click or filter by page.", "page"),
    "view": ("sales_view_seconds", "Server time to draw or patch a view.", "view"),
}
Reading = Callable[[], Iterable[tuple[tuple[str, ...], float]]]


class Metrics:
    """All metrics of this process in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Histogram(
            "sales_http_request_seconds", "Time until an answer is complete.",
            ("route", "method", "status"), buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._times = {
            kind: Histogram(name, told, (label,), buckets=_SECONDS, registry=self.registry)
            for kind, (name, told, label) in _KINDS.items()
        }
        self._errors = Counter(
            "sales_errors", "Errors by where they came from and their class.", ("source", "error"),
            registry=self.registry,
        )  # fmt: skip
        self.sessions_opened = Counter(
            "sales_sessions_opened", "Pages opened since the start.", registry=self.registry
        )
        self._lag = Histogram(
            "sales_event_loop_lag_seconds", "How late the event loop comes to a task that is due.",
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._lag_worst = Gauge(
            "sales_event_loop_lag_worst_seconds", "The latest it ever came.", registry=self.registry
        )
        self._collections = Histogram(
            "sales_full_collection_seconds", "Time of a full garbage collection, made between clicks.",
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.worst_lag = 0.0

    def observe(self, observation: Observation) -> None:
        """Take an observation of ``core.observing`` up."""
        times = self._times.get(observation.kind)
        if times is not None:
            times.labels(observation.name).observe(observation.seconds)
        if observation.error:
            self._errors.labels(observation.kind, observation.error).inc()

    def failed(self, source: str, error: str) -> None:
        """Count an error that was logged."""
        self._errors.labels(source, error).inc()

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Take up an answer over HTTP."""
        known = method if method in ("GET", "POST", "HEAD", "OPTIONS") else "other"
        self._requests.labels(route, known, str(status)).observe(seconds)

    def collected(self, seconds: float) -> None:
        """Take up how long a full garbage collection took."""
        self._collections.observe(seconds)

    def late(self, seconds: float) -> None:
        """Take up how late the event loop came."""
        self._lag.observe(seconds)
        self.worst_lag = max(self.worst_lag, seconds)
        self._lag_worst.set(self.worst_lag)

    def read_from(self, name: str, told: str, labels: tuple[str, ...], reading: Reading) -> None:
        """A gauge whose values are asked for when metrics are collected."""
        self.registry.register(_Asked(name, told, labels, reading))

    def exposition(self) -> bytes:
        """Everything in the text format of Prometheus; asks the gauges, so not for the event loop."""
        return generate_latest(self.registry)


class _Asked:
    """A collector that asks for its values."""

    def __init__(self, name: str, told: str, labels: tuple[str, ...], reading: Reading) -> None:
        self._about, self._reading = (name, told, None, labels), reading

    def describe(self) -> list[Any]:
        return [GaugeMetricFamily(self._about[0], self._about[1], labels=self._about[3])]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._about[0], self._about[1], labels=self._about[3])
        for labels, value in self._reading():
            family.add_metric(labels, value)
        yield family
