import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from api.kit.settings import Settings
from asr.model import SpeechModel, locate
from asr.synthesis import Espeak
from telephony.asterisk.debian import fetch
from telephony.asterisk.install import AsteriskInstall, find_or_fetch

Progress = Callable[[str], None]

# OpenFst's programs build the graph of a speech model: `zhitong model train` and `model words`.
SPEECH_PACKAGES = ("libespeak-ng1", "espeak-ng-data", "libfst-tools")
# WenQuanYi: the pages are Chinese first, and a screenshot full of boxes proves nothing.
BROWSER_PACKAGES = ("chromium", "fonts-wqy-zenhei", "fontconfig-config")


class PartMissingError(RuntimeError):
    """Something was fetched but is not where it should be; the message says what to remove."""

    error_id = "setup.part_missing"


def asterisk(tools: Path, progress: Progress) -> AsteriskInstall:
    """Return Asterisk and SIPp, fetched when they are not here."""
    return find_or_fetch(tools, progress)


def speaking_voice(tools: Path, progress: Progress) -> Espeak:
    """Return espeak-ng's library and data from Debian: the demo and the tests speak with it."""
    return Espeak.under(training_tools(tools, progress))


def training_tools(tools: Path, progress: Progress) -> Path:
    """Return the root below which espeak-ng and OpenFst's programs lie."""
    fetch(SPEECH_PACKAGES, tools / "speech", None, progress)
    return tools / "speech"


def speech_model(settings: Settings) -> SpeechModel:
    """Return the speech model that the settings name; the bundled one is unpacked when it is not yet."""
    return locate(settings.models_dir, settings.speech.model)


def browser(tools: Path, progress: Progress) -> Path:
    """Return a Chromium that can be executed, for the browser tests: the host's own, or Debian's unpacked privately."""
    if host := shutil.which("chromium"):
        return Path(host)
    prefix = tools / "browser"
    fetch(BROWSER_PACKAGES, prefix, None, progress)
    start = prefix / "chromium"
    program = _one(prefix, "usr/lib/chromium/chromium")
    libraries = sorted({str(path.parent) for path in prefix.glob("usr/lib/*-linux-gnu/**/*.so*")})
    fonts = prefix / "fonts.conf"
    cache = prefix / "font-cache"
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>{prefix}/usr/share/fonts</dir><cachedir>{cache}</cachedir></fontconfig>\n",
        encoding="utf-8",
    )
    start.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH={shlex.quote(':'.join(libraries))}\n"
        f"export FONTCONFIG_FILE={shlex.quote(str(fonts))}\n"
        f'exec {shlex.quote(str(program))} "$@"\n',
        encoding="utf-8",
    )
    start.chmod(0o755)
    answer = subprocess.run([str(start), "--version"], capture_output=True, text=True, check=False, env=os.environ)
    if answer.returncode != 0:
        raise PartMissingError(
            f"{start} does not run: {answer.stderr.strip()[-300:]}. Remove {prefix} and run the set-up again."
        )
    return start


def _one(prefix: Path, pattern: str) -> Path:
    found = sorted(prefix.glob(pattern))
    if not found:
        raise PartMissingError(f"{pattern} is not in {prefix}. Remove that folder and run the set-up again.")
    return found[0].resolve()
