import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from telephony.asterisk.debian import Progress, fetch, versions
from telephony.errors import TelephonyError

OLDEST_MAJOR = 20
# In order of preference: Debian's stable releases carry no Asterisk.
SUITES = ("testing", "unstable")
NEEDED_MODULES = ("app_queue", "app_mixmonitor", "app_celgenuserevent", "cel_custom", "chan_pjsip", "res_pjsip")


class AsteriskMissingError(TelephonyError):
    """There is no usable Asterisk and none could be made."""

    error_id = "asterisk_missing"


@dataclass(frozen=True, slots=True)
class Program:
    """How to execute a program: what stands before its arguments, and what its environment needs."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]

    def command(self, *arguments: str) -> list[str]:
        """Return the whole command line."""
        return [*self.argv, *arguments]

    def env(self) -> dict[str, str]:
        """Return this process's environment with the program's own additions."""
        return {**os.environ, **self.environment}


@dataclass(frozen=True, slots=True)
class AsteriskInstall:
    """An Asterisk and a SIPp that can be run on this machine."""

    asterisk: Program
    sipp: Program
    version: str
    module_dir: Path
    data_dir: Path  # holds documentation/, without which Asterisk's modules do not register
    root: Path | None  # the private prefix, None for the host's own Asterisk

    @property
    def major(self) -> int:
        """The version's first number."""
        return major_of(self.version)


def find_or_fetch(tools: Path, progress: Progress) -> AsteriskInstall:
    """Return the host's own Asterisk (20 or newer) and SIPp where there are such, else private ones below `tools`.

    What is missing is fetched from Debian without changing the host's packages; a second call takes milliseconds.
    Raises FetchError (nothing could be fetched) or AsteriskMissingError (what was fetched does not run).
    """
    host = _host_asterisk()
    host_sipp = shutil.which("sipp")
    prefix = tools.absolute() / "asterisk"
    packages = [] if host else ["asterisk", "asterisk-modules"]
    packages += [] if host_sipp else ["sip-tester"]
    if packages:
        fetch([*packages, "libc6"], prefix, SUITES, progress)
    sipp = Program((host_sipp,), {}) if host_sipp else private_program(prefix, "usr/bin/sipp")
    if host:
        asterisk, version, modules = host
        return AsteriskInstall(asterisk, sipp, version, modules, Path("/usr/share/asterisk"), None)
    modules_found = sorted(prefix.glob("usr/lib/**/asterisk/modules/app_queue.so"))
    if not modules_found:
        raise AsteriskMissingError(
            f"the private Asterisk in {prefix} has no app_queue: remove that directory and run the same command again."
        )
    # Debian's package version begins with Asterisk's own: 1:22.10.1+dfsg…
    version = versions(prefix).get("asterisk", "").partition(":")[2] or "unknown"
    program = private_program(prefix, "usr/sbin/asterisk")
    return AsteriskInstall(program, sipp, version, modules_found[0].parent, prefix / "usr/share/asterisk", prefix)


def private_program(prefix: Path, path: str) -> Program:
    """Return how to run `prefix/path` with the C library that was unpacked with it."""
    prefix = prefix.resolve()
    loaders = sorted(prefix.glob("usr/lib/*-linux-*/ld-linux*.so.*")) or sorted(prefix.glob("usr/lib*/ld-linux*.so.*"))
    libraries = sorted(prefix.glob("usr/lib/*-linux-*/libc.so.6"))
    program = prefix / path
    if not loaders or not libraries or not program.is_file():
        raise AsteriskMissingError(
            f"{program} or its loader is not in {prefix}: remove that directory and run the same command again."
        )
    library = libraries[0].parent
    argv = (str(loaders[0]), "--library-path", str(library), "--argv0", program.name, str(program))
    return Program(argv, {"GCONV_PATH": str(library / "gconv")})


def major_of(version: str) -> int:
    """Return the first number of an Asterisk version (`Asterisk 20.6.0~dfsg` → 20), 0 when there is none."""
    found = re.search(r"\d+", version)
    return int(found[0]) if found else 0


def _host_asterisk() -> tuple[Program, str, Path] | None:
    path = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        return None
    answer = subprocess.run([path, "-V"], capture_output=True, text=True, check=False, timeout=10)
    version = answer.stdout.strip().removeprefix("Asterisk").strip()
    if answer.returncode != 0 or major_of(version) < OLDEST_MAJOR:
        return None
    for pattern in ("lib/*/asterisk/modules", "lib/asterisk/modules", "lib64/asterisk/modules"):
        for base in (Path("/usr"), Path("/usr/local")):
            for modules in sorted(base.glob(pattern)):
                if all((modules / f"{name}.so").is_file() for name in NEEDED_MODULES):
                    return Program((path,), {}), version, modules
    return None
