"""What a figure should be: the promises of config/service_levels.toml, else the standard's and the trade's own.

Only the limit at which each promise's ladder begins is read here; the ladder itself is enforcement's.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from api.queues.formulas import Limits
from api.queues.metrics import METRICS

Verdict = Literal["met", "near", "missed", "none"]
# So close to its limit a figure is shown as near: a share of 1 in 100, a tenth of a time.
_NEAR_SHARE = 0.01
_NEAR_TIME = 0.1
# More of these is better.
_FLOORS = frozenset(
    {"connected", "connected_less_short", "answer_in_time", "answer_in_time_of_answered", "service_level"}
)


class TargetsError(RuntimeError):
    """config/service_levels.toml cannot be used; the message says what is wrong in it."""

    error_id = "service_levels.invalid"


# GB/T 33358-2016: connected 95 %, within 15 s. The trade's usual: 80/20, at most 5 % abandoned, at most 88 % occupied.
DEFAULTS: Mapping[str, float] = {
    "connected": 0.95,
    "answer_in_time": 0.80,
    "service_level": 0.80,
    "abandoned": 0.05,
    "occupancy": 0.88,
}


@dataclass(frozen=True, slots=True)
class Targets:
    """A desk's targets on a day: the limit of each metric over a period, and of each figure of the present (`now`).

    `limits` are what the metrics are computed with.
    """

    limits: Limits = field(default_factory=Limits)
    by_metric: Mapping[str, float] = field(default_factory=lambda: DEFAULTS)
    now: Mapping[str, float] = field(default_factory=dict)

    def verdict(self, metric: str, value: float | None) -> Verdict:
        """Judge a period's figure; one without a value or without a target is not judged."""
        limit = self.by_metric.get(metric)
        if limit is None or value is None:
            return "none"
        room = value - limit if self.more_is_better(metric) else limit - value
        near = _NEAR_SHARE if METRICS[metric].unit == "share" else _NEAR_TIME * limit
        return "missed" if room < 0 else "near" if room < near else "met"

    @staticmethod
    def more_is_better(metric: str) -> bool:
        """Say whether a metric's limit is the least that it should be."""
        return metric in _FLOORS

    def verdict_now(self, name: str, value: float) -> Verdict:
        """Judge a figure of the present, of which more is worse: `waiting` or `longest_wait`."""
        limit = self.now.get(name)
        return "none" if limit is None else "missed" if value >= limit else "near" if value >= limit / 2 else "met"


def load_policies(config_dir: Path) -> list[Mapping[str, Any]]:
    """Return the policies of config/service_levels.toml; none where there is no such file. Raises TargetsError."""
    path = config_dir / "service_levels.toml"
    if not path.exists():
        return []
    try:
        policies = tomllib.loads(path.read_text(encoding="utf-8")).get("policy", [])
        for policy in policies:
            _targets(policy)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise TargetsError(f"{path} cannot be used: {error!r}") from error
    return list(policies)


def targets_for(policies: Sequence[Mapping[str, Any]], desk: str, day: date) -> Targets:
    """Return what was promised for a desk on a day, the standard's targets where nothing was."""
    for policy in policies:
        if policy["desk"] == desk and policy["from"] <= day and not ("until" in policy and day >= policy["until"]):
            return _targets(policy)
    return Targets()


def _targets(policy: Mapping[str, Any]) -> Targets:
    by_metric = dict(DEFAULTS)
    now: dict[str, float] = {}
    seconds: dict[str, int] = {}
    for target in policy["target"]:
        metric, limit = target["metric"], float(target["rung"][0]["begins_at"])
        if target["window"] == "now":
            now[metric] = limit
        elif metric in METRICS:
            by_metric[metric] = limit
            if "seconds" in target:
                seconds[metric] = int(target["seconds"])
    standard = Limits()
    limits = Limits(
        seconds.get("answer_in_time", standard.answer_seconds), seconds.get("service_level", standard.service_seconds)
    )
    return Targets(limits, by_metric, now)
