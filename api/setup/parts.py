import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

from api.kit.settings import ROOT, Settings
from asr import portaudio
from asr.model import SpeechModel, locate
from asr.synthesis import Espeak
from telephony.asterisk.debian import fetch
from telephony.asterisk.install import AsteriskInstall, find_or_fetch

Progress = Callable[[str], None]

# OpenFst's programs build the graph of a speech model: `zhitong model train` and `model words`.
SPEECH_PACKAGES = ("libespeak-ng1", "espeak-ng-data", "libfst-tools")
# WenQuanYi: the pages are Chinese first, and a screenshot full of boxes proves nothing.
# Headers to build PyAudio against, or, where nothing can be built, Debian's own build of it.
PORTAUDIO_PACKAGES = ("portaudio19-dev",)
PYAUDIO_PACKAGES = ("python3-pyaudio",)
_DEBIAN_PYTHON = "cpython-311"
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


def microphone(tools: Path, progress: Progress) -> str:
    """Return where PyAudio lies, brought below `tools` unless it is installed or there; no sound card is needed.

    PyAudio has no binary for Linux: its locked source is built against Debian's PortAudio, unpacked privately. Without
    a compiler or Python's headers, Debian's own build serves, which fits Python 3.11.
    """
    try:
        return str(portaudio.load(tools).__file__)
    except portaudio.PyAudioMissing:
        prefix = tools / portaudio.FOLDER
    if _can_build():
        fetch(PORTAUDIO_PACKAGES, prefix, None, progress)
        progress("building PyAudio")
        _build_pyaudio(prefix, portaudio.site(tools))
    elif sys.implementation.cache_tag == _DEBIAN_PYTHON:
        fetch(PYAUDIO_PACKAGES, prefix, None, progress)
        _place(_one(prefix, "usr/lib/python3/dist-packages/pyaudio"), portaudio.site(tools))
    else:
        raise PartMissingError(
            "PyAudio must be built here, which needs a C compiler and Python's headers (Debian: gcc, python3-dev): "
            "install them, or use Python 3.11, for which Debian has a build."
        )
    return str(portaudio.load(tools).__file__)


def _can_build() -> bool:
    compiler = shlex.split(str(sysconfig.get_config_var("CC") or "cc"))[0]
    return shutil.which(compiler) is not None and (Path(sysconfig.get_path("include")) / "Python.h").is_file()


def _build_pyaudio(prefix: Path, site: Path) -> None:
    lock = (ROOT / "requirements/mic.txt").read_text(encoding="utf-8")
    pinned = re.search(r"^pyaudio==.*?(?=^\S)", lock + "\nend", re.MULTILINE | re.DOTALL)
    if pinned is None:
        raise PartMissingError("requirements/mic.txt does not lock pyaudio: restore it from the release.")
    libraries = _one(prefix, "usr/lib/*/libportaudio.so").parent
    with tempfile.TemporaryDirectory(prefix=".building-", dir=prefix) as work:
        (Path(work) / "lock.txt").write_text(pinned[0], encoding="utf-8")
        # Not from pip's cache: a wheel there may have been built against another PortAudio.
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-cache-dir"]
        command += ["--no-deps", "--require-hashes", "--no-binary", "pyaudio", "--target", f"{work}/site"]
        done = subprocess.run(
            [*command, "-r", f"{work}/lock.txt"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "CFLAGS": f"-I{prefix}/usr/include", "LDFLAGS": f"-L{libraries}"},
        )
        if done.returncode != 0:
            raise PartMissingError(f"PyAudio could not be built: {done.stderr.strip()[-600:]}. Run the set-up again.")
        _place(Path(work) / "site" / "pyaudio", site)


def _place(package: Path, site: Path) -> None:
    """Put a package into its folder, whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=".placing-", dir=site.parent) as work:
        shutil.copytree(package, Path(work) / "site" / "pyaudio")
        shutil.rmtree(site, ignore_errors=True)
        (Path(work) / "site").rename(site)


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
