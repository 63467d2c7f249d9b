"""The live decoding process: `python -m asr.live.child MODEL RATE MARK`. See docs/decisions/0005 and asr/live/pool.py.

In, a JSON line each: `{"open": number, "tracks": [{"speaker", "live", "recording", "heard_seconds"}]}`,
`{"finish": number}`, `{"close": number}`. Out: `{"ready": true}`, then messages with a `kind` (heard, partial,
finished, failed, progress). It reads the sound itself: only words cross the pipe. One thread; rounds in which every
track that has new sound decodes at most a second of it, so that none waits long for another that catches up. It ends
when its input ends.

MARK is the descriptor of a file that holds the number of the recording being decoded, for whoever finds us dead.
"""

import json
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from vosk import Model

from asr.decoder import answers, load, say
from asr.live.mark import write_mark
from asr.live.sound import Ending, TrackSound, faults
from asr.live.track import Message, TrackFollower, addressed

IDLE_SECONDS = 0.05
PROGRESS_SECONDS = 0.25
STEPS_A_TURN = 5
"""A track that is behind decodes so many steps before it is the next one's turn: changing tracks with every step costs
a third of the speed, since each finds the processor's caches full of another's search."""


class Recording:
    """The tracks of one call."""

    def __init__(self, model: Model, rate: int, tracks: Sequence[Mapping[str, Any]]) -> None:
        self.tracks: dict[str, TrackFollower] = {}
        for each in tracks:
            live = None if each["live"] is None else Path(each["live"])
            sound = TrackSound(each["speaker"], live, Path(each["recording"]), each["heard_seconds"])
            self.tracks[each["speaker"]] = TrackFollower(model, rate, sound)

    def finish(self) -> None:
        """Decode the rest: the recording is complete."""
        for track in self.tracks.values():
            track.finish()

    def close(self) -> None:
        """Give the files back."""
        for track in self.tracks.values():
            track.close()

    def finished(self) -> Message | None:
        """Say how it ended once every track is decoded to its end."""
        if not all(track.done for track in self.tracks.values()):
            return None
        endings: tuple[Ending, ...] = tuple(track.ending for track in self.tracks.values() if track.ending)
        told = faults(endings)
        seconds = max(track.ending.seconds if track.ending else 0.0 for track in self.tracks.values())
        heard = max(track.position for track in self.tracks.values())
        if all(each.error for each in endings) and not heard:
            return {"kind": "failed", "reason": " ".join(told)}
        return {"kind": "finished", "seconds": seconds or heard, "faults": told}


class Rounds:
    """All recordings of this process, decoded in turns."""

    def __init__(self, model: Model, rate: int, out: TextIO, mark: int) -> None:
        self._model, self._rate, self._out, self._mark = model, rate, out, mark
        self._recordings: dict[int, Recording] = {}
        self._progress_at = 0.0

    def obey(self, command: Mapping[str, Any]) -> None:
        """Open, finish or close a recording; what was forgotten meanwhile is passed over."""
        if "open" in command:
            self._write_mark(command["open"])
            self._recordings[command["open"]] = Recording(self._model, self._rate, command["tracks"])
        elif "finish" in command and command["finish"] in self._recordings:
            self._recordings[command["finish"]].finish()
        elif "close" in command and command["close"] in self._recordings:
            self._recordings.pop(command["close"]).close()

    def turn(self) -> bool:
        """Let every track decode what has come, up to a second; returns whether any had sound."""
        busy = False
        for number in list(self._recordings):
            self._write_mark(number)
            try:
                busy = self._decode(number) or busy
            except Exception as error:  # noqa: BLE001 - one bad recording must not end the others
                self._forget(number, {"kind": "failed", "reason": f"decoding failed ({type(error).__name__}: {error})"})
        self._write_mark(0)
        if time.monotonic() >= self._progress_at:
            self._progress_at = time.monotonic() + PROGRESS_SECONDS
            at = {n: {who: t.position for who, t in r.tracks.items()} for n, r in self._recordings.items()}
            say(self._out, {"kind": "progress", "at": at})
        return busy

    def _decode(self, number: int) -> bool:
        recording, busy = self._recordings[number], False
        for speaker, track in recording.tracks.items():
            for message in track.steps(STEPS_A_TURN):
                busy = True
                if message:
                    say(self._out, addressed(message, number, speaker))
        ending = recording.finished()
        if ending is not None:
            self._forget(number, ending)
        return busy

    def _forget(self, number: int, last: Message) -> None:
        self._recordings.pop(number).close()
        say(self._out, {**last, "number": number})

    def _write_mark(self, number: int) -> None:
        write_mark(self._mark, number)


class Commands:
    """The lines of standard input, waited for no longer than one likes."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN | select.POLLHUP)
        self._unread = b""
        self.ended = False

    def come(self, wait_seconds: float) -> Iterator[dict[str, Any]]:
        """Give what has come; `ended` is set when nothing more will."""
        while self._poll.poll(wait_seconds * 1000):
            more = os.read(0, 1 << 16)
            if not more:
                self.ended = True
                return
            *lines, self._unread = (self._unread + more).split(b"\n")
            yield from map(json.loads, lines)
            wait_seconds = 0.0


def main(arguments: Sequence[str]) -> int:
    """Load the model, say so, and decode until the input ends."""
    out = answers()
    model = load(arguments[0], out)
    if model is None:
        return 1
    rounds, commands, busy = Rounds(model, int(arguments[1]), out, int(arguments[2])), Commands(), False
    while not commands.ended:
        for command in commands.come(0.0 if busy else IDLE_SECONDS):
            rounds.obey(command)
        busy = rounds.turn()
    return 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except BrokenPipeError:
        code = 0  # whoever asked is gone
    os._exit(code)  # without taking the recognizers down one by one
