"""A draft's fields, decided without a database: what they may hold, what a redraft leaves alone, what a human did.

A field is `{"value", "confidence", "confirmed", "doubtful", "evidence"}`. Once a human spoke it also has `machine`:
what the machine suggests, which goes on changing while `value` stays. `follows` names the confirmed field that a value
was taken from; such a value is nobody's yet, and stays until that field is.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from asr.transcript import Utterance

Field = dict[str, Any]

LONGEST: dict[str, int] = {
    "summary": 500,
    "category": 80,
    "place": 200,
    "district": 60,
    "street": 60,
    "urgency": 20,
    "complexity": 20,
    "unit": 80,
    "contact_phone": 20,
    "contact_name": 60,
    "happened_at": 100,
    "respondent": 120,
}
NAMES = tuple(LONGEST)
URGENCIES = ("urgent", "normal")
COMPLEXITIES = ("simple", "complex")

# 工业和信息化部《电信网编号计划》(2017): mobile 1[3-9] and nine digits; trunk 0, area code, 7 or 8 digits; 400 and 800
# services. A number abroad is + and at most 15 digits (ITU-T E.164).
_PHONE = re.compile(
    r"1[3-9]\d{9}|(?:0(?:10|2\d)\d{8}|0[3-9]\d{2}\d{7,8}|[2-9]\d{6,7})(?:-\d{1,6})?|[48]00\d{7}|\+[1-9]\d{6,14}"
)
_EARLY_SECONDS = 0.05


class FieldError(ValueError):
    """A value that a field cannot hold; the message says what it can, in Chinese and English."""


def settled(fields: Mapping[str, Field]) -> bool:
    """Say whether a draft is done: there is something in it, and a human stands behind all of it."""
    filled = [field for field in fields.values() if field.get("value") is not None]
    return bool(filled) and all(field.get("confirmed") for field in filled)


def checked(name: str, value: str | None, matters: Collection[str], units: Collection[str]) -> str | None:
    """Return a value as it is stored: trimmed, on one line, digits plain; None and nothing but blanks are None.

    `matters` are the codes of the taxonomy, `units` the units that may be chosen. Raises FieldError.
    """
    text = " ".join(_plain(value or "").split())
    if not text:
        return None
    if len(text) > LONGEST[name]:
        raise FieldError(
            f"太长：最多 {LONGEST[name]} 字，现有 {len(text)} 字。 "
            f"Too long: at most {LONGEST[name]} characters, these are {len(text)}."
        )
    if name == "contact_phone":
        return _phone(text)
    choices: Mapping[str, Collection[str]] = {
        "category": matters,
        "unit": units,
        "urgency": URGENCIES,
        "complexity": COMPLEXITIES,
    }
    if name in choices and text not in choices[name]:
        raise FieldError(_not_among(name, text, choices[name]))
    return text


def blank() -> Field:
    """Return a field of which nothing was said."""
    return {"value": None, "confidence": 0.0, "confirmed": False, "doubtful": False, "evidence": []}


def machine_side(field: Mapping[str, Any]) -> Field:
    """Return what the machine suggests for a field, whoever filled it in."""
    side = field.get("machine") or field
    return {
        "value": side.get("value"),
        "confidence": side.get("confidence") or 0.0,
        "doubtful": bool(side.get("doubtful")),
        "evidence": list(side.get("evidence") or ()),
    }


def decided(field: Mapping[str, Any], value: str | None) -> Field:
    """Return the field as a human decided it. The machine's evidence stays with a value that the machine found."""
    machine = machine_side(field)
    same = value == machine["value"]
    return {
        "value": value,
        "confidence": machine["confidence"] if same else None,
        "confirmed": True,
        "doubtful": False,
        "evidence": machine["evidence"] if same else [],
        "machine": machine,
    }


def followed(field: Mapping[str, Any], value: str | None, leader: str) -> Field:
    """Return the field with a value taken from the confirmed field `leader`; the machine's stays beside it."""
    return {**blank(), "value": value, "confidence": None, "follows": leader, "machine": machine_side(field)}


def undecided(field: Mapping[str, Any]) -> Field:
    """Return the field as the machine suggests it."""
    return {**machine_side(field), "confirmed": False}


def merged(stored: Mapping[str, Any], suggested: Mapping[str, Any]) -> dict[str, Field]:
    """Return a redraft: a field that a human decided keeps its value and learns only what the machine suggests now."""
    result = {name: dict(field) for name, field in suggested.items()}
    for name, field in stored.items():
        leader = stored.get(field.get("follows") or "")
        if field.get("confirmed") or (leader and leader.get("confirmed")):
            result[name] = {**field, "machine": machine_side(suggested.get(name) or field)}
    return result


def linked(field: Mapping[str, Any], utterances: Sequence[Utterance]) -> Field:
    """Return the field with its evidence, the machine's too, pointing into `utterances`; what they lack is left out.

    A transcript that grows is sorted anew, so an utterance's place in it changes; its recording and seconds do not.
    """
    result = {**field, "evidence": _linked(field.get("evidence") or (), utterances)}
    if field.get("machine"):
        machine = field["machine"]
        result["machine"] = {**machine, "evidence": _linked(machine.get("evidence") or (), utterances)}
    return result


def _linked(evidence: Sequence[Mapping[str, Any]], utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
    found = ((each, _utterance_of(each, utterances)) for each in evidence)
    return [{**each, "utterance": at} for each, at in found if at is not None]


def _utterance_of(evidence: Mapping[str, Any], utterances: Sequence[Utterance]) -> int | None:
    recording, start, at = evidence.get("recording_id"), evidence["start"], evidence["utterance"]
    if recording is None:
        return at if 0 <= at < len(utterances) else None
    # Both speakers may talk at that second: the words tell whose it is, else the place that it had.
    fitting = [
        (str(evidence["text"]) in each.text, index == at, -index)
        for index, each in enumerate(utterances)
        if each.recording_id == recording and each.start - _EARLY_SECONDS <= start <= each.end
    ]
    return -max(fitting)[2] if fitting else None


def _plain(text: str) -> str:
    # Controls, format characters (bidirectional overrides) and half surrogate pairs are no part of any value.
    return "".join(
        " " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
        for char in text
        if unicodedata.category(char) not in {"Cf", "Cs"}
    )


def _phone(text: str) -> str:
    digits = re.sub(r"[\s()]", "", unicodedata.normalize("NFKC", text))
    if digits.startswith("+86"):
        home = digits.removeprefix("+86").lstrip("-")
        digits = home if home.startswith("1") else "0" + home
    # Dashes between groups are decoration, but not before an extension: 028-85551234-801.
    for candidate in (digits, digits.replace("-", ""), digits.replace("-", "", 1)):
        if _PHONE.fullmatch(candidate):
            return candidate
    raise FieldError(
        "电话号码不对：手机11位，固定电话7到8位（可带区号）。 "
        "No telephone number: a mobile has 11 digits, a landline 7 or 8, with its area code or without."
    )


def _not_among(name: str, text: str, choices: Collection[str]) -> str:
    if name == "category":
        return (
            f"没有类别 {text!r}，请从列表中选择。 No matter has the code {text!r}: choose one of config/taxonomy.toml."
        )
    if name == "unit":
        return (
            f"没有承办单位 {text!r}，请从列表中选择。 "
            f"No unit is called {text!r}: choose {', '.join(sorted(choices))}, or add it to config/taxonomy.toml."
        )
    return f"只能是 {'、'.join(choices)}。 It can be {' or '.join(choices)}."
