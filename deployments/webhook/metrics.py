"""The metrics of the service, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Counters since the start of the service, and gauges of the waiting deliveries, which survive a restart."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.deliveries = Counter(
            "predeploy_webhook_deliveries", "Deliveries by answer", ["answer"], registry=self._registry
        )
        self.runs = Counter(
            "predeploy_webhook_runs", "Accepted deliveries by outcome", ["outcome"], registry=self._registry
        )
        self.troubles = Counter(
            "predeploy_webhook_troubles", "Attempts to start a run that failed", registry=self._registry
        )
        self.waiting = Gauge("predeploy_webhook_waiting", "Accepted deliveries without a run", registry=self._registry)
        self.oldest = Gauge(
            "predeploy_webhook_oldest_seconds",
            "Seconds that the oldest waiting delivery waits",
            registry=self._registry,
        )
        self.started = Histogram(
            "predeploy_webhook_start_seconds",
            "Seconds from the acceptance of a delivery to its run",
            buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 120),
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Returns the metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
