"""Figures for Prometheus: what this process did, and what the database holds now."""

import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One process's figures; a registry of its own, so that two applications in one process stay apart."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.request_seconds = Histogram(
            "zhitong_request_seconds",
            "Time from a request's arrival to the start of its answer, by route",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._counts = {
            name: Gauge(f"zhitong_{name}", text, [label], registry=self.registry)
            for name, text, label in (
                ("calls_today", "Calls offered since the city's midnight, by outcome", "outcome"),
                ("recordings", "Recordings, by state", "state"),
                ("tickets", "Tickets, by state", "state"),
                ("jobs", "Jobs in the queue, by status; finished ones are removed", "status"),
            )
        }
        self._figures = {
            name: Gauge(f"zhitong_{name}", text, registry=self.registry)
            for name, text in (
                ("live_calls", "Recordings that workers transcribe while their calls run"),
                ("live_lag_seconds", "Sound recorded and not yet decoded, of the live call that is farthest behind"),
                ("reconciliation_differences", "Differences from Asterisk's own records that nothing has settled yet"),
                ("reconciliation_age_seconds", "Time since calls were last compared with Asterisk's own records"),
                ("live_deferred_total", "Recordings that no worker could transcribe live: left to after the call"),
            )
        }

    def render(self, counts: Mapping[str, Mapping[str, int]], figures: Mapping[str, float]) -> bytes:
        """Return all figures in Prometheus' text form; all given are the database's: by gauge and label, by gauge."""
        for name, figure in figures.items():
            self._figures[name].set(figure)
        for name, gauge in self._counts.items():
            gauge.clear()
            for label, number in counts.get(name, {}).items():
                gauge.labels(label).set(number)
        return generate_latest(self.registry)


class RequestTimer:
    """ASGI middleware: measures every request under its route's template, never under the raw path."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how long it took to answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self.metrics.request_seconds.labels(scope["method"], route, str(message["status"])).observe(
                    time.perf_counter() - began
                )
            await send(message)

        await self.app(scope, receive, note)
