import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from api.agents.secrets import load_or_create
from telephony.asterisk.configure import AgentSeat


class SeatsError(RuntimeError):
    """config/agents.toml cannot be used; the message says which line of it."""

    error_id = "agents.seats_invalid"


class _Seat(BaseModel):
    model_config = ConfigDict(extra="forbid")
    extension: str = Field(pattern=r"^\d{2,8}$")
    name: str = Field(min_length=1, max_length=40)
    level: str = "regular"
    desks: dict[str, Annotated[int, Field(ge=0, le=100)]] = {}


class _Drill(BaseModel):
    model_config = ConfigDict(extra="forbid")
    extensions: list[str] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    level: dict[str, Annotated[int, Field(ge=0, le=100)]]
    seat: list[_Seat]
    drill: _Drill = _Drill()

    @model_validator(mode="after")
    def _levels_exist(self) -> Self:
        unknown = {seat.level for seat in self.seat} - self.level.keys()
        if unknown:
            raise ValueError(f"level {', '.join(sorted(unknown))} has no line under [level]")
        return self


def load_seats(config_dir: Path, secrets_file: Path) -> tuple[AgentSeat, ...]:
    """Return the seats of config/agents.toml with their passwords, human seats first.

    Raises SeatsError for what is wrong in the file, SecretsError for unusable secrets.
    """
    path = config_dir / "agents.toml"
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise SeatsError(f"{path} cannot be used: {error}") from error
    extensions = [seat.extension for seat in file.seat] + file.drill.extensions
    passwords = load_or_create(secrets_file, extensions).sip
    humans = [
        AgentSeat(
            seat.name,
            seat.extension,
            file.level[seat.level],
            passwords[seat.extension],
            desks=tuple(sorted(seat.desks.items())),
        )
        for seat in file.seat
    ]
    drills = [AgentSeat(f"drill-{ext}", ext, 0, passwords[ext], drill=True) for ext in file.drill.extensions]
    return (*humans, *drills)
