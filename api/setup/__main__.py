"""`python -m api.setup run [test]`: fetch what the demo needs, and with `test` what the tests need besides."""

import functools
import sys
import time
from collections.abc import Callable

from api.kit.settings import Settings, load
from api.setup import parts
from asr.errors import AsrError
from telephony.errors import TelephonyError

Step = Callable[[parts.Progress], str]


def steps(settings: Settings, *, test: bool) -> list[tuple[str, Step]]:
    """Name what is fetched, and how; each step returns a word about what it has."""
    tools = settings.tools_dir
    needed: list[tuple[str, Step]] = [
        ("Asterisk and SIPp", lambda say: parts.asterisk(tools, say).version),
        ("speaking voice (espeak-ng)", lambda say: parts.speaking_voice(tools, say).library.name),
        ("speech model", lambda _: parts.speech_model(settings).name),
    ]
    if test:
        needed.append(("browser for the tests (Chromium)", lambda say: str(parts.browser(tools, say))))
        needed.append(("microphone (PortAudio, PyAudio)", lambda say: parts.microphone(tools, say)))
    return needed


def main(wanted: list[str]) -> int:
    """Fetch each part, saying what is going on; return the exit status."""
    begun = time.monotonic()
    needed = steps(load(), test="test" in wanted)
    for number, (what, step) in enumerate(needed, 1):
        head = f"[{number}/{len(needed)}] {what}"
        try:
            _say(f"{head}: {step(functools.partial(_under, head))}")
        except (TelephonyError, AsrError, parts.PartMissingError) as error:
            print(f"\nset-up failed at {what} [{error.error_id}]: {error}", file=sys.stderr)  # noqa: T201
            return 1
    _say(f"set up in {time.monotonic() - begun:.1f} s")
    return 0


def _under(head: str, line: str) -> None:
    _say(f"{head}: {line}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - progress for people


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
