# ruff: noqa: T201 - it prints a table
"""How soon a spoken word is on the agent's page, and how soon after the hangup the transcript is whole.

Real calls through a whole system: SIPp speaks, Asterisk records, a worker listens along, the API pushes. A word's delay
runs from its end in the sound (the recording's own clock) to the first message, partial or stored, that shows it.
"""

import argparse
import concurrent.futures
import contextlib
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from api.demo.script import Script, load_script
from api.demo.speech import speak
from api.kit.settings import ROOT, load
from api.setup.parts import speaking_voice
from asr.synthesis import Espeak
from asr.text import show
from asr.transcript import Word
from tests.scenarios.conftest import System, until

WORD_GOAL_SECONDS = 1.5
WHOLE_GOAL_SECONDS = 2.0
# Two speakers' clocks and a recogniser's word boundaries differ by so much at most.
SLACK_SECONDS = 1.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Arrival:
    """What reached a watcher at `at` (unix seconds): the words of an utterance so far, or all of it."""

    at: float
    speaker: str
    start: float
    text: str


def signs(text: str) -> int:
    """Count what is shown, without the punctuation that comes only with an utterance's end."""
    return sum(sign.isalnum() for sign in text)


def word_delays(arrivals: Sequence[Arrival], utterances: Iterable[dict[str, Any]], zero: float) -> list[float]:
    """Give each word's delay in seconds; `zero`: when the recording began, unix seconds. Pure."""
    delays = []
    for said in utterances:
        words = [Word(each["text"], each["start"], each["end"], each["confidence"]) for each in said["words"]]
        own = [
            each
            for each in arrivals
            if each.speaker == said["speaker"]
            and said["start"] - SLACK_SECONDS <= each.start <= said["end"] + SLACK_SECONDS
        ]
        for last, word in enumerate(words, 1):
            wanted = signs(show(words[:last]).text)
            delays.append(min(each.at for each in own if signs(each.text) >= wanted) - zero - word.end)
    return delays


def percentile(values: Sequence[float], part: float) -> float:
    """Give the value below which `part` of them lie."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


class Watcher:
    """What an agent's page is told of one call, with the moment of each message."""

    def __init__(self, http: httpx.Client, call_ref: str) -> None:
        self.arrivals: list[Arrival] = []
        self._http = http
        self._call_ref = call_ref
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._partials, daemon=True), threading.Thread(target=self._stored)]
        self.whole_at = 0.0
        self.transcript: dict[str, Any] = {}
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Return once the transcript is whole."""
        self._threads[1].join()

    def _partials(self) -> None:
        # The system ends before the stream does; what came until then is all that counts.
        with (
            contextlib.suppress(httpx.TransportError),
            self._http.stream("GET", f"/api/v1/calls/{self._call_ref}/live", timeout=None) as answer,
        ):
            for line in answer.iter_lines():
                if line.startswith("data:") and (told := json.loads(line[5:])).get("text"):
                    self.arrivals.append(Arrival(time.time(), told["speaker"], told["start"], told["text"]))
                if self._over.is_set():
                    return

    def _stored(self) -> None:
        known: set[tuple[str, float]] = set()
        while not self._over.is_set():
            answer = self._http.get(f"/api/v1/calls/{self._call_ref}/transcript")
            now = time.time()
            if answer.status_code == httpx.codes.OK:
                self.transcript = answer.json()
                for said in self.transcript["utterances"]:
                    if (said["speaker"], said["start"]) not in known:
                        known.add((said["speaker"], said["start"]))
                        self.arrivals.append(Arrival(now, said["speaker"], said["start"], said["text"]))
                if self.transcript["state"] == "complete":
                    self.whole_at = now
                    self._over.set()
            time.sleep(POLL_SECONDS)


def measured(system: System, token: str, citizen: Path, agent: Path, caller: str) -> tuple[list[float], float]:
    """Place one call; give its words' delays and how long after the hangup its transcript was whole."""
    calling = system.start("call", "--citizen", str(citizen), "--agent-audio", str(agent), "--caller", caller, "--json")

    def talking() -> str | None:
        calls = http.get("/api/v1/calls", params={"limit": 50}).raise_for_status().json()["items"]
        return next((each["call_ref"] for each in calls if each["caller"] == caller and each["segments"]), None)

    with system.http(token) as http:
        watcher = Watcher(http, until(talking, f"{caller} is answered"))
        out, error = calling.communicate(timeout=200)
        if calling.returncode:
            raise RuntimeError(f"the call of {caller} failed: {error}")
        watcher.wait()
        (segment,) = json.loads(out)["segments"]
        zero = int(segment["recording_id"].rsplit("--", 1)[1]) / 1_000_000
        hangup = datetime.fromisoformat(segment["ended_at"]).timestamp()
        return word_delays(watcher.arrivals, watcher.transcript["utterances"], zero), watcher.whole_at - hangup


def spoken(script: Script, folder: Path, espeak: Espeak) -> list[tuple[Path, Path]]:
    """Speak the demo's three matters, each with the agent's questions."""
    voice = next(iter(script.agent.voices.values()))
    agent = speak(folder / "agent.wav", script.agent.lines, voice, espeak, script.seconds)
    return [
        (speak(folder / f"{number}.wav", call.lines, call.voice, espeak, script.seconds), agent)
        for number, call in enumerate(script.call)
    ]


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--at-once", type=int, default=2)
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="zhitong-latency-"))
    system = System(folder / "data")
    try:
        voices = spoken(load_script(ROOT / "config" / "demo.toml"), folder, speaking_voice(load().tools_dir, print))
        system.up()
        token = system.token()
        with concurrent.futures.ThreadPoolExecutor(wanted.at_once) as pool:
            futures = [
                pool.submit(measured, system, token, *voices[number % len(voices)], f"1390000{number:04}")
                for number in range(wanted.calls)
            ]
            done = [future.result() for future in futures]
    finally:
        system.down()
        shutil.rmtree(folder, ignore_errors=True)
    words = [delay for delays, _ in done for delay in delays]
    whole = [delay for _, delay in done]
    print(f"{wanted.calls} real calls, {wanted.at_once} at once, {len(words)} words; seconds")
    print(f"  {'':34}   p50    p95    max   goal (p95)")
    met = True
    for name, delays, goal in (
        ("spoken → on the page", words, WORD_GOAL_SECONDS),
        ("hangup → whole transcript stored", whole, WHOLE_GOAL_SECONDS),
    ):
        p95 = percentile(delays, 0.95)
        met &= p95 <= goal
        figures = f"{percentile(delays, 0.5):5.2f}  {p95:5.2f}  {max(delays):5.2f}   {goal}"
        print(f"  {name:34} {figures}  {'met' if p95 <= goal else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
