"""How the pages say what was promised, what was done about it, and what callers are owed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

ACTS: dict[str, tuple[str, str]] = {
    "warn_wall": ("大屏告警", "warning on the wall"),
    "tell_supervisor": ("提醒班长", "supervisor told"),
    "call_reserve": ("启用后备", "reserve agents called"),
    "end_breaks": ("请结束休息", "breaks to end"),
    "raise_priority": ("最久者优先", "longest waiting first"),
    "overflow": ("溢出分流", "next callers led elsewhere"),
}
VERBS: dict[str, tuple[str, str]] = {
    "set_penalty": ("调整次序", "penalty"),
    "announce": ("已通知", "announced"),
    "unpause": ("结束休息", "break ended"),
    "raise_priority": ("提前", "raised"),
    "overflow": ("分流至", "led to"),
}
COMMAND_STATES: dict[str, tuple[str, str]] = {
    "announced": ("", ""),
    "ordered": ("待执行", "ordered"),
    "running": ("执行中", "running"),
    "done": ("已执行", "done"),
    "failed": ("未成功", "failed"),
    "expired": ("已过期", "expired"),
}
UNDONE: dict[str, tuple[str, str]] = {
    "eased": ("压力缓解", "pressure eased"),
    "policy_ended": ("规则变更", "policy changed"),
}
WINDOWS: dict[str, tuple[str, str]] = {
    "now": ("当前", "now"),
    "15min": ("近 15 分钟", "last 15 min"),
    "today": ("今日", "today"),
    "24h": ("近 24 小时", "last 24 h"),
}
CALLBACK_STATES: dict[str, tuple[str, str]] = {
    "open": ("待回拨", "open"),
    "reached": ("已联系上", "reached"),
    "exhausted": ("多次未联系上", "tried as often as the rule says"),
    "withdrawn": ("无需回拨", "withdrawn"),
    "merged": ("已合并", "merged"),
    "left_out": ("不回拨", "left out"),
}
CALLBACK_REASONS: dict[str, tuple[str, str]] = {
    "withheld": ("未显示号码", "number withheld"),
    "nuisance": ("骚扰号码", "known nuisance"),
    "got_through": ("已再次拨通", "got through meanwhile"),
    "was_answered": ("核实为已接听", "was answered after all"),
    "same_caller": ("同一来电人", "same caller"),
}
RESULTS: dict[str, tuple[str, str]] = {
    "going_on": ("进行中", "going on"),
    "reached": ("已接通", "reached"),
    "no_answer": ("无人接听", "no answer"),
    "busy": ("占线", "busy"),
    "wrong_number": ("空号", "no such number"),
    "unreachable": ("无法接通", "unreachable"),
    "cancelled": ("话务员挂断", "agent hung up while it rang"),
    "agent_absent": ("话务员未接", "agent did not pick up"),
    "failed": ("未拨出", "could not be dialled"),
}
# What an agent can hear, and overrule the call's own word with.
HEARD = ("reached", "no_answer", "busy", "wrong_number")
# What of an order's arguments is told beside it.
_DETAILS = {"set_penalty": "value", "overflow": "to"}
_MINUTE = 60


def overruled(tried: Mapping[str, Any]) -> bool:
    """Say whether a person put another result in the place of what the call told, or tells of it alone."""
    return tried["told_by"] is not None and tried["result"] != tried["heard"]


def may_overrule(one: Mapping[str, Any]) -> bool:
    """Say whether what came of a callback's last try can be overruled."""
    return bool(one["tries"]) and one["state"] in {"open", "reached", "exhausted"}


def amount(value: float | None, unit: str) -> str:
    """Return a figure in its unit: `76.2%`, `45 秒`, `6 人`."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{value * 100:.1f}%"
    return f"{value:g} 人" if unit == "callers" else f"{value:.0f} 秒"


def fraction(figure: Mapping[str, Any]) -> str:
    """Return what a figure is made of, `16/21`, empty where it is no fraction."""
    if figure["denominator"] is None:
        return ""
    return f"{figure['numerator']:g}/{figure['denominator']:g}"


def became(act: Mapping[str, Any], after_seconds: int) -> dict[str, Any] | None:
    """Return the figure so long after an act, and whether it was `better`, `worse` or `same`; None while unknown."""
    effect = next((each for each in act["effects"] if each["after_seconds"] == after_seconds), None)
    if effect is None:
        return None
    before, after = act["figure"]["value"], effect["value"]
    trend = "same"
    if after is None:
        trend = "better"
    elif before is not None and after != before:
        trend = "worse" if (after > before) == act["target"]["more_is_worse"] else "better"
    return {**effect, "trend": trend}


def orders(act: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what was ordered, what was undone behind it; `place` is the node where there are several."""
    shown: dict[tuple[str, str, bool], dict[str, Any]] = {}
    nodes = {each["node"] for each in act["orders"] if each["node"]}
    for each in sorted(act["orders"], key=lambda order: order["ordered_at"]):
        subject = each["arguments"].get("extension") or each["subject"].partition(" ")[0]
        place = each["node"] if each["node"] and len(nodes) > 1 else ""
        detail = each["arguments"].get(_DETAILS.get(each["verb"], ""), "")
        line = {**each, "subject": subject, "detail": detail, "place": place}
        shown[f"{subject} {each['verb']}", place, each["undo"]] = line
    return list(shown.values())


def until(moment: str, now: datetime) -> tuple[str, str]:
    """Return how long it is until a moment, or since: (`还有 12 分`, `in 12 min`), (`超期 1 时 05 分`, `overdue …`)."""
    minutes = (datetime.fromisoformat(moment) - now).total_seconds() / _MINUTE
    whole = int(abs(minutes))
    hours, rest = divmod(whole, _MINUTE)
    zh = f"{hours} 时 {rest:02d} 分" if hours else f"{rest} 分"
    en = f"{hours} h {rest:02d} min" if hours else f"{rest} min"
    return (f"还有 {zh}", f"in {en}") if minutes >= 0 else (f"超期 {zh}", f"overdue {en}")
