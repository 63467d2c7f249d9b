"""The desks: queues of their own for some callers."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.kit.settings import Settings
from telephony.asterisk.desk import Desk, OtherSite

_Number = Annotated[str, Field(pattern=r"^\d{1,15}$")]


class DesksError(RuntimeError):
    """config/desks.toml cannot be used; the message says which line of it."""

    error_id = "desks.invalid"


class _Desk(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")
    zh: str = Field(min_length=1, max_length=20)
    en: str = Field(min_length=1, max_length=40)
    numbers: list[_Number] = []
    callers: list[_Number] = []
    wait_seconds: int = Field(default=30, ge=1, le=600)


class _Site(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9]{1,19}$")
    zh: str = Field(min_length=1, max_length=20)
    en: str = Field(min_length=1, max_length=40)
    host: str = Field(pattern=r"^[A-Za-z0-9.-]{1,100}(:\d{1,5})?$")
    number: _Number = "12345"
    ring_seconds: int = Field(default=20, ge=5, le=60)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    desk: list[_Desk] = []
    site: list[_Site] = []


@dataclass(frozen=True, slots=True)
class Desks:
    """The desks, and whom each caller belongs to: `callers` maps a number's digits to a desk's name.

    `sites` are other hotlines that callers may be led to.
    """

    desks: tuple[Desk, ...]
    callers: dict[str, str]
    sites: tuple[OtherSite, ...] = ()


def load_desks(config_dir: Path) -> Desks:
    """Return what config/desks.toml says; raises DesksError for what is wrong in it."""
    path = config_dir / "desks.toml"
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise DesksError(f"{path} cannot be used: {error}") from error
    desks = [Desk(desk.name, desk.zh, desk.en, tuple(desk.numbers), desk.wait_seconds) for desk in file.desk]
    callers = {caller: desk.name for desk in file.desk for caller in desk.callers}
    return Desks(tuple(desks), callers, tuple(OtherSite(**site.model_dump()) for site in file.site))


def desk_names(settings: Settings) -> dict[str, tuple[str, str]]:
    """Return each desk's queue with its Chinese and English name, the hotline's own first. Raises DesksError."""
    desks = load_desks(settings.config_dir).desks
    return {settings.queue.name: ("热线", "hotline"), **{desk.name: (desk.zh, desk.en) for desk in desks}}
