"""Speech models that can be fetched: names, addresses and checksums, as `config/models.toml` pins them."""

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from asr.errors import ModelError, ModelMissing

_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A published model.

    `alias` is what a person types, `name` its folder once it is here. `size` in bytes, 0 where the publisher's exact
    figure is not known; `sha256` of the archive, empty where nobody vouches for one; `unpacked_limit` in bytes.
    """

    alias: str
    name: str
    url: str
    size: int
    sha256: str
    unpacked_limit: int
    licence: str
    about: str


def load_catalogue(path: Path) -> dict[str, KnownModel]:
    """Read the models by alias. Raises ModelError that names the entry and what is wrong with it."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}. Restore it from the release.") from error
    return {alias: _known(path, alias, entry) for alias, entry in entries.items()}


def known_model(catalogue: dict[str, KnownModel], name: str) -> KnownModel:
    """Return a model by its alias or its folder's name. Raises ModelMissing that lists all."""
    for known in catalogue.values():
        if name in {known.alias, known.name}:
            return known
    raise ModelMissing(f"no model {name!r} can be fetched; known are: {', '.join(sorted(catalogue)) or 'none'}")


def _known(path: Path, alias: str, entry: Any) -> KnownModel:
    where = f"{path}, [{alias}]"
    wanted = {each.name: each.type for each in fields(KnownModel) if each.name != "alias"}
    if not isinstance(entry, dict) or entry.keys() != wanted.keys():
        raise ModelError(f"{where} must have exactly {', '.join(wanted)}")
    for name, kind in wanted.items():
        if type(entry[name]) is not kind:
            raise ModelError(f"{where}: {name} must be {'a number' if kind is int else 'text'}")
    known = KnownModel(alias=alias, **entry)
    if not _FOLDER.fullmatch(known.name):
        raise ModelError(f"{where}: name {known.name!r} is no folder's name")
    if urlsplit(known.url).scheme not in {"https", "http"} or not urlsplit(known.url).netloc:
        raise ModelError(f"{where}: url {known.url!r} is no address")
    if known.sha256 and not _SHA256.fullmatch(known.sha256):
        raise ModelError(f"{where}: sha256 must be 64 small hexadecimal digits, or empty")
    if known.size < 0 or known.unpacked_limit <= 0:
        raise ModelError(f"{where}: size must not be negative, unpacked_limit must be positive")
    return known
