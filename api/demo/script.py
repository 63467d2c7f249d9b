import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Line = tuple[float, str]


class ScriptError(RuntimeError):
    """config/demo.toml cannot be used; the message says where."""

    error_id = "demo.script"


class AgentScript(BaseModel):
    """What every demo agent says, at which second after answering, in whose voice."""

    model_config = ConfigDict(extra="forbid")
    voices: dict[str, str] = Field(min_length=1)
    lines: list[Line] = Field(min_length=1)


class CallScript(BaseModel):
    """One citizen's matter."""

    model_config = ConfigDict(extra="forbid")
    title: str
    caller: str
    voice: str
    lines: list[Line] = Field(min_length=1)


class Script(BaseModel):
    """The whole play."""

    model_config = ConfigDict(extra="forbid")
    seconds: float = Field(gt=0)
    agent: AgentScript
    call: list[CallScript] = Field(min_length=1)


def load_script(path: Path) -> Script:
    """Read config/demo.toml. Raises ScriptError."""
    try:
        return Script.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise ScriptError(f"{path} cannot be used: {error}") from error
