"""What the service counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Numbers since the service began, but for what waits, which outlives it."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.deliveries = Counter(
            "predeploy_webhook_deliveries", "Deliveries by what became of them", ["answer"], registry=self._registry
        )
        self.runs = Counter(
            "predeploy_webhook_runs", "Accepted deliveries by what became of them", ["outcome"], registry=self._registry
        )
        self.troubles = Counter(
            "predeploy_webhook_troubles", "Attempts to start a run that failed", registry=self._registry
        )
        self.waiting = Gauge("predeploy_webhook_waiting", "Accepted deliveries without a run", registry=self._registry)
        self.oldest = Gauge(
            "predeploy_webhook_oldest_seconds", "How long the oldest of them waits", registry=self._registry
        )
        self.started = Histogram(
            "predeploy_webhook_start_seconds",
            "From the acceptance of a delivery to its run",
            buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 120),
            registry=self._registry,
        )

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self._registry)
