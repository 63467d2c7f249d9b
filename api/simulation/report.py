"""What a simulation showed, for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from telephony.simulation.verdict import Verdict

_SHOWN_DIFFERENCES = 10
_MEGABYTE = 1024 * 1024
_TITLES = {"router": "路由 router", "postgres": "数据库 PostgreSQL", "api": "页面 API", "peer": "模拟端 peer"}


@dataclass(frozen=True, slots=True)
class Report:
    """One simulation. Lists are sorted; `played_seconds` until the last event was told, `wall_seconds` until stored."""

    verdict: Verdict
    simulated_seconds: float
    played_seconds: float
    wall_seconds: float
    events: int
    behind_seconds: float
    logins: int
    lags: tuple[float, ...]
    board_seconds: tuple[float, ...]
    board_failures: int
    cpu_seconds: dict[str, float]
    peak_bytes: dict[str, int]
    outcomes: dict[str, int]

    @property
    def ratio(self) -> float:
        """Simulated time over real time, until everything was stored."""
        return self.simulated_seconds / self.wall_seconds

    @property
    def events_a_second(self) -> float:
        """Events that the manager port sent in a real second."""
        return self.events / self.wall_seconds

    @property
    def calls_a_second(self) -> float:
        """Calls that went through in a real second."""
        return self.verdict.planned / self.wall_seconds

    def to_json(self) -> dict[str, Any]:
        """Give the shape that `--json` prints."""
        shape = asdict(self)
        for name in ("lags", "board_seconds"):
            values: Sequence[float] = shape.pop(name)
            shape[name] = {"count": len(values), **{f"p{part}": percentile(values, part) for part in (50, 99, 100)}}
        return {"ratio": self.ratio, "faultless": self.verdict.faultless, **shape}

    def lines(self) -> list[str]:
        """Give it as lines to read."""
        verdict = self.verdict
        outcomes = ", ".join(f"{name} {count}" for name, count in sorted(self.outcomes.items()))
        off = f"误差 off by {verdict.worst_seconds * 1000:.1f} ms at most"
        took = f"{self.simulated_seconds:.0f} s in {self.wall_seconds:.1f} s"
        shown = [
            f"来电 calls        {verdict.planned} 计划 planned ({outcomes})",
            f"核对 stored       {verdict.equal} 一致 equal, {len(verdict.lost)} 丢失 lost",
            f"                  {len(verdict.invented)} 多出 invented, {len(verdict.differing)} 不符 different, {off}",
            f"速度 speed        {self.ratio:.1f} × 实时 real time: {took}",
            f"                  {self.events_a_second:.0f} 事件 events/s, {self.calls_a_second:.1f} 来电 calls/s",
            f"延迟 lag          {_spread(self.lags)}; 模拟端 peer {self.behind_seconds:.2f} s",
            f"看板 board        {_spread(self.board_seconds)}; {self.board_failures} 失败 failed",
        ]
        shown += [
            f"{_TITLES[name]:<16}CPU {cpu:.1f} s ({100 * cpu / self.wall_seconds:.0f}% 单核 of a core), "
            f"内存峰值 peak memory {self.peak_bytes[name] / _MEGABYTE:.0f} MB"
            for name, cpu in self.cpu_seconds.items()
        ]
        if self.logins > 1:
            shown.append(f"路由重新登录 router logged in again: {self.logins - 1} ×")
        shown += [f"丢失 lost: {ref}" for ref in verdict.lost[:_SHOWN_DIFFERENCES]]
        shown += [f"多出 invented: {ref}" for ref in verdict.invented[:_SHOWN_DIFFERENCES]]
        wrong = list(verdict.differing.items())[:_SHOWN_DIFFERENCES]
        return shown + [f"不符 different: {ref}: {', '.join(fields)}" for ref, fields in wrong]


def _spread(values: Sequence[float]) -> str:
    return ", ".join(
        f"{name} {percentile(values, part):.2f} s" for name, part in (("p50", 50), ("p99", 99), ("max", 100))
    )


def percentile(values: Sequence[float], part: int) -> float:
    """Give the value that so many percent of the sorted values do not exceed; 0 of none."""
    if not values:
        return 0.0
    return values[min(len(values) - 1, max(0, -(-len(values) * part // 100) - 1))]
