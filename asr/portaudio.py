"""PyAudio where it is: installed beside this program (extra [mic]), or built privately by the set-up."""

import contextlib
import ctypes
import importlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from asr.errors import AsrError

FOLDER = "audio"
"""Where the set-up puts PortAudio and PyAudio below the tools' folder."""

# In this order each finds what it needs already loaded, so that nothing has to be installed or relinked.
_LIBRARIES = (
    "libasound.so.2",
    "libdb-5.3.so",
    "libopus.so.0",
    "libsamplerate.so.0",
    "libjack.so.0",
    "libportaudio.so.2",
)
_HOST_ALSA = Path("/usr/share/alsa/alsa.conf")


class MicrophoneError(AsrError):
    """No sound can be taken in; the message says why and what to do."""

    error_id = "microphone"


class PyAudioMissing(MicrophoneError):
    """PyAudio is not installed."""

    error_id = "pyaudio_missing"


def site(tools: Path) -> Path:
    """Return where the set-up puts PyAudio for this Python."""
    return tools / FOLDER / f"site-{sys.implementation.cache_tag}"


def load(tools: Path | None) -> ModuleType:
    """Return the module `pyaudio`. Raises PyAudioMissing."""
    # PortAudio asks every sound system that it knows; a JACK server is not to be started for it.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    with contextlib.suppress(ImportError):
        return importlib.import_module("pyaudio")
    if tools is not None and (site(tools) / "pyaudio").is_dir():
        try:
            _load_libraries(tools / FOLDER)
            sys.path.append(str(site(tools)))
            return importlib.import_module("pyaudio")
        except (ImportError, OSError) as error:
            raise PyAudioMissing(
                f"PyAudio in {tools / FOLDER} cannot be loaded ({error}): remove that folder and run `make setup`"
            ) from error
    raise PyAudioMissing(
        "没有 PyAudio，无法使用麦克风 there is no PyAudio, so no microphone: run `make setup`, "
        "or install PortAudio (Debian: portaudio19-dev) and then requirements/mic.txt"
    )


def check(tools: Path | None) -> None:
    """See in a process of its own whether PortAudio starts: where ALSA knows no `default`, it aborts the process.

    Raises MicrophoneError that says what to do.
    """
    tried = subprocess.run(
        [sys.executable, "-m", "asr.portaudio", *([str(tools)] if tools else [])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if tried.returncode < 0:
        how = signal.Signals(-tried.returncode).name
        raise MicrophoneError(
            f"声卡设置不完整 PortAudio gave up ({how}) when it asked ALSA for its devices. ALSA's configuration "
            "(ALSA_CONFIG_PATH, else /etc/asound.conf and ~/.asoundrc over /usr/share/alsa/alsa.conf) must define "
            "`default`: add `pcm.!default { type hw card 0 }` and see what `arecord -L` lists"
        )


def _load_libraries(prefix: Path) -> None:
    for name in _LIBRARIES:
        for found in sorted(prefix.glob(f"usr/lib/*/{name}"))[:1]:
            ctypes.CDLL(str(found))
    private = prefix / "usr/share/alsa/alsa.conf"
    if not _HOST_ALSA.exists() and private.exists():
        os.environ.setdefault("ALSA_CONFIG_PATH", str(private))


@contextlib.contextmanager
def quiet() -> Iterator[Callable[[], str]]:
    """Keep what ALSA and JACK write to the terminal while devices are looked at; gives a function that returns it."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as chatter:

        def said() -> str:
            chatter.seek(0)
            lines = chatter.read().decode("utf-8", "replace").strip().splitlines()
            return lines[-1] if lines else ""

        try:
            os.dup2(chatter.fileno(), 2)
            yield said
        finally:
            os.dup2(saved, 2)
            os.close(saved)


if __name__ == "__main__":
    try:
        load(Path(sys.argv[1]) if len(sys.argv) > 1 else None).PyAudio().terminate()
    except (MicrophoneError, OSError):
        sys.exit(1)  # whoever asked finds the same, and says why
