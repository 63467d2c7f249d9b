"""Which metrics there are: names, formulas in words, and where these come from."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "seconds"]
GBT = "GB/T 33358-2016"
USAGE = "call centre usage"


@dataclass(frozen=True, slots=True)
class Metric:
    """What a figure is: its name, its formula in words, and where that comes from."""

    name: str
    zh: str
    en: str
    unit: Unit
    formula: str
    source: str


METRICS: dict[str, Metric] = {
    each.name: each
    for each in (
        Metric("connected", "接通率", "connected", "share", "接听 ÷ 来电 · answered ÷ offered", GBT),
        Metric(
            "connected_less_short",
            "接通率（除短时放弃）",
            "connected, less short abandons",
            "share",
            "接听 ÷（来电 − 短时放弃）· answered ÷ (offered − short abandons)",
            f"variant of {GBT}",
        ),
        Metric(
            "answer_in_time",
            "15 秒接听率",
            "15 s answer rate",
            "share",
            "15 秒内接听 ÷ 来电 · answered ≤ 15 s ÷ offered",
            GBT,
        ),
        Metric(
            "answer_in_time_of_answered",
            "15 秒接听率（占已接）",
            "15 s answer rate of answered",
            "share",
            "15 秒内接听 ÷ 接听，不含放弃者 · answered ≤ 15 s ÷ answered: flatters, who gave up is not in it",
            f"variant of {GBT}",
        ),
        Metric(
            "service_level",
            "服务水平",
            "service level X/Y",
            "share",
            "Y 秒内接听 ÷（接听 + 非短时放弃）· answered ≤ Y ÷ (answered + abandons longer than the short threshold)",
            USAGE,
        ),
        Metric(
            "abandoned",
            "放弃率",
            "abandoned",
            "share",
            "排队中挂断（短时另计）÷ 排队 · hung up in the queue, short ones apart ÷ queued",
            USAGE,
        ),
        Metric(
            "short_abandoned",
            "短时放弃率",
            "short abandons",
            "share",
            "排队中短时挂断 ÷ 排队 · hung up in the queue within the short threshold ÷ queued",
            USAGE,
        ),
        Metric("asa", "平均应答速度", "ASA", "seconds", "Σ 已接等待 ÷ 接听 · Σ wait of answered ÷ answered", USAGE),
        Metric(
            "mean_wait",
            "平均等待",
            "mean wait, all callers",
            "seconds",
            "Σ 全部等待 ÷ 来电 · Σ wait of all callers ÷ callers",
            USAGE,
        ),
        Metric(
            "longest_wait", "最长等待", "longest wait", "seconds", "等待最久者 · the longest wait of any caller", USAGE
        ),
        Metric(
            "aht",
            "平均处理时长",
            "AHT",
            "seconds",
            "（通话含保持 + 话后）÷ 接听 · (talk with hold + wrap-up) ÷ answered, of calls that are over",
            USAGE,
        ),
        Metric(
            "occupancy",
            "工时利用率",
            "occupancy",
            "share",
            "（通话 + 保持 + 话后）÷（前者 + 空闲），全厅 · "
            "(talk + hold + wrap-up) ÷ (those + idle), breaks and ringing out; all desks",
            USAGE,
        ),
    )
}
# What can be said of one agent: callers whom nobody answered are nobody's.
AGENT_METRICS = ("answer_in_time_of_answered", "asa", "aht", "occupancy")
