import re

from telephony.dialplan.applications import is_device, split_arguments
from telephony.dialplan.parser import Dialplan


def rings(plan: Dialplan, arguments: str) -> bool:
    """Whether a Dial with these arguments rings at least one telephone."""
    return any(is_device(target) for target in dialled(plan, split_arguments(arguments)[0]))


def dialled(plan: Dialplan, target: str) -> list[str]:
    """Return what Dial's first argument rings; a variable stands for every value it is set to in this file."""
    parts: list[str] = []
    for part in filter(None, (part.strip() for part in split_arguments(target, "&"))):
        variable = re.fullmatch(r"\$\{(\w+)(?::[^}]*)?\}", part)
        if variable is None:
            parts.append(part)
            continue
        values = _values(plan, variable[1])
        parts += values or [part]
    return parts


def _values(plan: Dialplan, name: str) -> list[str]:
    values = []
    for context in plan.contexts.values():
        for steps in context.extensions.values():
            for step in steps:
                for found in re.finditer(
                    rf"(?<!\w)_{{0,2}}{re.escape(name)}=(.*)", f"{step.application}({step.arguments}"
                ):
                    text = re.sub(rf"\$\{{{re.escape(name)}(:[^}}]*)?\}}", "", found[1])
                    values += [part.strip(" )") for part in text.split("&") if part.strip(" )")]
    return values
