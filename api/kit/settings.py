"""Everything that can be set, from config/zhitong.toml, the data directory and the environment."""

import os
from datetime import time
from pathlib import Path
from typing import Any, ClassVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

ROOT = Path(__file__).resolve().parents[2]


class SettingsError(Exception):
    """Settings that cannot be used; the message names each and says where it may stand."""

    error_id = "settings.invalid"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeSettings(_Section):
    """Which Asterisk this is, among those that share the database; its name stands in the keys of its calls."""

    name: str = Field(default="main", pattern=r"^[a-z][a-z0-9]{0,19}$")


class HttpSettings(_Section):
    """Where the API and the pages listen."""

    host: str = "127.0.0.1"
    port: int = Field(default=8012, ge=0, le=65535)


class QueueSettings(_Section):
    """The hotline's queue in Asterisk."""

    name: str = "hotline"
    number: str = "12345"
    short_abandon_seconds: float = Field(default=5.0, ge=0)


class SipSettings(_Section):
    """Where Asterisk takes calls, and the ports of their sound."""

    host: str = "127.0.0.1"
    port: int = Field(default=5060, ge=1, le=65535)
    rtp_first_port: int = Field(default=10000, ge=1024, le=65535)
    rtp_last_port: int = Field(default=10999, ge=1024, le=65535)


class TrunkSettings(_Section):
    """The carrier's line; a site without one takes calls from this machine only."""

    name: str = "carrier"
    hosts: tuple[str, ...] = Field(min_length=1)
    answer_after_seconds: int = Field(default=45, ge=5, le=170)
    port: int = Field(default=5060, ge=1, le=65535)


class AmiSettings(_Section):
    """Asterisk's manager interface; its secret lies in `<data>/secrets.toml`."""

    host: str = "127.0.0.1"
    port: int = Field(default=5038, ge=1, le=65535)


class SpeechSettings(_Section):
    """Which speech model transcribes a call, and by how many processes (0: one per core)."""

    model: str = "bundled"
    by_queue: dict[str, str] = Field(default_factory=dict)
    processes: int = Field(default=0, ge=0, le=256)

    def model_of(self, queue: str | None) -> str:
        """Return the name of the model for calls of a queue; None is a call that is not known yet."""
        return self.by_queue.get(queue, self.model) if queue else self.model

    def process_count(self) -> int:
        """Return how many processes decode."""
        return self.processes or len(os.sched_getaffinity(0))


class LiveSettings(_Section):
    """Transcription while the call runs."""

    enabled: bool = True
    lag_limit_seconds: float = Field(default=10.0, gt=0)
    lease_seconds: float = Field(default=6.0, ge=1)


class WorkerSettings(_Section):
    """How recordings are found and decoded."""

    poll_seconds: float = Field(default=0.5, gt=0)
    stalled_seconds: float = Field(default=10.0, ge=1)
    unfinished_seconds: float = Field(default=30.0, ge=0)


class ReconcileSettings(_Section):
    """When stored calls are compared with Asterisk's own records: each night the day before, by the city's clock.

    Every `settle_minutes` the calls that ended since are given the times of CEL.
    """

    nightly_at: time = time(3, 30)
    settle_minutes: float = Field(default=5.0, gt=0)


class ConsoleSettings(_Section):
    """The pages."""

    session_hours: float = Field(default=12, gt=0)


class Settings(BaseSettings):
    """One system's settings.

    From strongest to weakest: arguments, ZHITONG_… variables, `<data>/ports.toml` (written by `zhitong up`, so that
    two systems run side by side), config/zhitong.toml.
    """

    model_config = SettingsConfigDict(
        env_prefix="ZHITONG_", env_nested_delimiter="__", extra="forbid", frozen=True, populate_by_name=True
    )
    _files: ClassVar[list[Path]] = []

    data_dir: Path = Field(default=ROOT / "var", validation_alias=AliasChoices("ZHITONG_DATA", "data_dir"))
    tools_dir: Path = Field(default=ROOT / ".tools", validation_alias=AliasChoices("ZHITONG_TOOLS", "tools_dir"))
    config_dir: Path = Field(default=ROOT / "config", validation_alias=AliasChoices("ZHITONG_CONFIG", "config_dir"))
    database_url: str | None = Field(
        default=None, validation_alias=AliasChoices("ZHITONG_DATABASE_URL", "DATABASE_URL", "database_url")
    )
    timezone: str = "Asia/Shanghai"
    node: NodeSettings = NodeSettings()
    http: HttpSettings = HttpSettings()
    queue: QueueSettings = QueueSettings()
    sip: SipSettings = SipSettings()
    trunk: TrunkSettings | None = None
    ami: AmiSettings = AmiSettings()
    speech: SpeechSettings = SpeechSettings()
    live: LiveSettings = LiveSettings()
    worker: WorkerSettings = WorkerSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    console: ConsoleSettings = ConsoleSettings()

    @field_validator("data_dir", "tools_dir", "config_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().resolve()

    @property
    def models_dir(self) -> Path:
        """Unpacked speech models, shared by all data directories."""
        return self.tools_dir / "models"

    @property
    def recordings_dir(self) -> Path:
        """Where Asterisk writes sound."""
        return self.data_dir / "recordings"

    @property
    def live_dir(self) -> Path:
        """Where Asterisk writes the sound of running calls in smaller blocks, for as long as they run."""
        return self.data_dir / "live"

    @property
    def ports_file(self) -> Path:
        """Ports of this data directory, in the same sections as config/zhitong.toml."""
        return self.data_dir / "ports.toml"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read from arguments, the environment, then the files: the first that has a value wins."""
        files = [TomlConfigSettingsSource(settings_cls, path) for path in cls._files]
        return (init_settings, env_settings, *files)


def load(data_dir: Path | None = None) -> Settings:
    """Read the settings of the system in `data_dir` (default: ZHITONG_DATA, else `var/`).

    Raises SettingsError for unknown names, wrong values and unreadable files.
    """
    data = (data_dir or Path(os.environ.get("ZHITONG_DATA") or ROOT / "var")).expanduser().resolve()
    config = Path(os.environ.get("ZHITONG_CONFIG") or ROOT / "config").expanduser().resolve()
    files = [data / "ports.toml", config / "zhitong.toml"]

    class _FromFiles(Settings):
        _files: ClassVar[list[Path]] = files

    try:
        given: dict[str, Any] = {"data_dir": data, "config_dir": config}
        return _FromFiles(**given)
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        where = ", ".join(str(path) for path in files)
        raise SettingsError(
            "Settings cannot be used:\n" + "\n".join(lines) + f"\nCorrect them in {where} or in ZHITONG_… variables."
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"Settings cannot be read from {files[0]} or {files[1]}: {error}") from error
