"""Reads config/service_levels.toml; every error says which line of it."""

import hashlib
import re
import tomllib
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from api.enforcement.policy import FrozenPolicy, Policy, ServiceLevels, ends

FILE = "service_levels.toml"
_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\s-]+?)\s*\]\]?\s*(#.*)?$")


class ServiceLevelsError(Exception):
    """config/service_levels.toml cannot be used; the message says which line and what is wrong."""

    error_id = "service_levels.invalid"


_POLICIES = TypeAdapter(tuple[Policy, ...])
_POLICY = TypeAdapter(Policy)


def load_service_levels(config_dir: Path) -> ServiceLevels:
    """Return the policies; a missing file promises nothing. Raises ServiceLevelsError."""
    path = config_dir / FILE
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ServiceLevelsError(f"{path} cannot be read: {error}") from error
    return parse_service_levels(text, path.name)


def parse_service_levels(text: str, name: str = FILE) -> ServiceLevels:
    """Return the policies that a file's text states. Raises ServiceLevelsError."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ServiceLevelsError(f"{name} is no TOML: {error}") from error
    lines = _Lines(text)
    unknown = sorted(given.keys() - {"policy"})
    if unknown:
        raise ServiceLevelsError(
            f"{name}{lines.at((unknown[0], 0))}: {unknown[0]} is unknown here; a file holds [[policy]]"
        )
    try:
        policies = _POLICIES.validate_python(given.get("policy", []))
    except ValidationError as error:
        told = [f"{name}{lines.at(('policy', *item['loc']))}: {_said(item)}" for item in error.errors()]
        raise ServiceLevelsError("\n".join(told)) from error
    _check_together(policies, name, lines)
    texts = [_canonical(policy) for policy in policies]
    return ServiceLevels(
        tuple(
            FrozenPolicy(policy, hashlib.sha256(each.encode()).hexdigest(), each)
            for policy, each in zip(policies, texts, strict=True)
        )
    )


def _canonical(policy: Policy) -> str:
    # What it says, not how the file is laid out: a comment changes no promise.
    return _POLICY.dump_json(policy, by_alias=True, exclude_defaults=True).decode()


@lru_cache(maxsize=256)
def thaw(text: str) -> Policy:
    """Return the policy whose frozen text this is."""
    return _POLICY.validate_json(text)


def _check_together(policies: Sequence[Policy], name: str, lines: "_Lines") -> None:
    names: dict[str, int] = {}
    for number, policy in enumerate(policies):
        if policy.name in names:
            raise ServiceLevelsError(
                f"{name}{lines.at(('policy', number, 'name'))}: two policies are called {policy.name}"
            )
        names[policy.name] = number
    for before, after in pairwise(sorted(policies, key=lambda each: (each.desk, each.first_day))):
        if before.desk == after.desk and after.first_day.toordinal() < ends(before):
            where = lines.at(("policy", names[after.name], "from"))
            raise ServiceLevelsError(
                f"{name}{where}: {after.name} begins on {after.first_day}, but {before.name} holds for "
                f"{after.desk} until {_day(before.until)}; end it first (until = {after.first_day})"
            )


def _day(day: date | None) -> str:
    return "further notice" if day is None else day.isoformat()


def _said(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"] if isinstance(part, str) and part != "function-after")
    what = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        what = "is unknown here"
    elif item["type"] in {"missing", "missing_argument", "missing_keyword_only_argument"}:
        what = "is missing"
    return f"{where}: {what}" if where else what


class _Lines:
    """Where in the text a table or one of its keys stands."""

    def __init__(self, text: str) -> None:
        self._tables: dict[tuple[str | int, ...], int] = {}
        self._keys: dict[tuple[str | int, ...], int] = {}
        here: tuple[str | int, ...] = ()
        counts: dict[tuple[str | int, ...], int] = {}
        for number, line in enumerate(text.splitlines(), 1):
            header = _HEADER.match(line)
            if header:
                here = self._open(header[2], header[1] == "[[", counts)
                self._tables.setdefault(here, number)
            elif "=" in line and not line.lstrip().startswith("#"):
                self._keys.setdefault((*here, line.partition("=")[0].strip().strip("\"'")), number)

    @staticmethod
    def _open(dotted: str, many: bool, counts: dict[tuple[str | int, ...], int]) -> tuple[str | int, ...]:
        place: tuple[str | int, ...] = ()
        parts = [part.strip() for part in dotted.split(".")]
        for depth, part in enumerate(parts, 1):
            place = (*place, part)
            if many and depth == len(parts):
                counts[place] = counts.get(place, -1) + 1
            if place in counts:
                place = (*place, counts[place])
        return place

    def at(self, place: Sequence[str | int]) -> str:
        """Return ` line N`, as near to `place` as the text can be followed; empty where it cannot."""
        for length in range(len(place), 0, -1):
            part = tuple(place[:length])
            number = self._keys.get(part) or self._tables.get(part)
            if number:
                return f" line {number}"
        return ""
