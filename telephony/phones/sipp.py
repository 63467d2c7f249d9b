import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

from telephony.asterisk.install import AsteriskInstall
from telephony.errors import TelephonyError

SCENARIOS = Path(__file__).parent / "scenarios"
# One call, at once: at SIPp's own ten a second the first comes a tenth of a second after the start.
ONE_CALL = ("-m", "1", "-r", "1000")


class PhoneError(TelephonyError):
    """A test phone could not do what was asked; the message says what was wrong."""

    error_id = "phone"


@dataclass(frozen=True, slots=True)
class SippRun:
    """One running SIPp and where it writes."""

    process: asyncio.subprocess.Process
    directory: Path

    def log_lines(self) -> list[str]:
        """Return what the scenario has logged so far."""
        path = self.directory / "events.log"
        return path.read_text(errors="replace").split("\n")[:-1] if path.is_file() else []

    def errors(self) -> str:
        """Return SIPp's own complaints, shortened."""
        texts = [
            path.read_text(errors="replace").strip()
            for path in (self.directory / "errors.log", self.directory / "output.log")
            if path.is_file()
        ]
        return " | ".join(text for text in texts if text)[-1200:]


def scenario_text(name: str, values: Mapping[str, Any], folders: tuple[Path, ...] = ()) -> str:
    """Render a scenario; `folders` are searched before the shipped ones."""
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader([*folders, SCENARIOS])]),
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 -- values are numbers and our own paths; foreign text goes in by -key
    )
    return environment.get_template(name).render(**values)


@contextlib.asynccontextmanager
async def sipp(
    install: AsteriskInstall, server: tuple[str, int], address: str, text: str, *arguments: str
) -> AsyncIterator[SippRun]:
    """Run SIPp on a scenario `text` from `address` towards `server`; ended, if need be by force, on leaving."""
    with tempfile.TemporaryDirectory(prefix="zhitong-sipp-") as name:
        directory = Path(name)
        (directory / "scenario.xml").write_text(text)
        command = install.sipp.command(
            *(f"{server[0]}:{server[1]}", "-sf", str(directory / "scenario.xml"), "-i", address, "-mi", address),
            *("-nostdin", "-skip_rlimit", "-aa", "-trace_err", "-error_file", str(directory / "errors.log")),
            *("-trace_logs", "-log_file", str(directory / "events.log"), *arguments),
        )
        with (directory / "output.log").open("wb") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=output,
                    env=install.sipp.env(),
                    cwd=directory,
                )
            except OSError as error:
                raise PhoneError(f"SIPp cannot be executed ({error}): run the set-up again.") from error
        try:
            yield SippRun(process, directory)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
