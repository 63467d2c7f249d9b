import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from asr.audio import Speaker, TrackSource, probe, track_sources
from asr.errors import BY_ID, AsrError, DecoderDied, DecoderError
from asr.model import SpeechModel
from asr.text import show
from asr.transcript import Transcript, Utterance, Word

LOAD_SECONDS = 120.0
"""How long a model may take to load: the official 1.3 GB one needs about 20 s from a slow disk."""
DECODE_SECONDS, DECODE_SECONDS_A_SECOND = 60.0, 4.0
"""How long decoding may take: a fixed part, and so much for each second of audio. Past it the process is ended."""

UNUSED_SECONDS = 60.0
"""A pool keeps processes of a model that nobody asks for so long: another one is used now, or none."""


class Decoder:
    """A decoding process with its model loaded, kept for many calls. One request at a time; start is lazy.

    A death of the process costs the request at hand (DecoderDied); the next request starts a new one.
    """

    def __init__(self, model: SpeechModel) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process at work, None where there is none."""
        return None if self._child is None else self._child.pid

    def transcribe(
        self,
        sources: Sequence[TrackSource],
        call_ref: str,
        names: Iterable[str] = (),
        recording_id: str | None = None,
    ) -> Transcript:
        """Transcribe the tracks of one recording, merged by time; `names` of places are kept whole in the text.

        Raises the errors of `asr.audio.probe`, ModelBroken, DecoderError, or DecoderDied.
        """
        seconds = sum(probe(source.path).seconds for source in sources)
        request = {
            "tracks": [
                {"speaker": source.speaker, "path": str(source.path.absolute()), "channel": source.channel}
                for source in sources
            ]
        }
        with self._lock:
            answer = self._ask(request, DECODE_SECONDS + DECODE_SECONDS_A_SECOND * seconds)
        names = tuple(names)
        utterances = [
            utterance
            for track in answer["tracks"]
            for heard in track["utterances"]
            if (utterance := utterance_of(track["speaker"], heard, names, recording_id))
        ]
        return Transcript(
            call_ref=call_ref,
            state="partial" if any(track["torn"] for track in answer["tracks"]) else "complete",
            model=self.model.name,
            utterances=tuple(sorted(utterances, key=lambda each: (each.start, each.end, each.speaker))),
        )

    def close(self) -> None:
        """End the process, whatever it does, and give its resources back."""
        child = self._child
        if child is not None:
            child.kill()  # first: a thread that waits for an answer holds the lock until its child is gone
        with self._lock:
            self._end()
        self._log.close()

    def _ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        child = self._started()
        try:
            _pipe(child.stdin).write(json.dumps(request).encode() + b"\n")
            _pipe(child.stdin).flush()
        except OSError:
            self._died("before it took the recording")
        return self._answer(seconds, "while it decoded")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        self._log.seek(0)
        self._log.truncate()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "asr.decoder", str(self.model.path), str(self.model.sample_rate)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._answer(LOAD_SECONDS, "while it loaded the model")
        return self._child

    def _answer(self, seconds: float, doing: str) -> dict[str, Any]:
        line = self._line(time.monotonic() + seconds, doing, seconds)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise _error(answer["error"])
        return answer

    def _line(self, deadline: float, doing: str, seconds: float) -> bytes:
        if self._child is None:
            raise DecoderDied(f"the decoding process was ended {doing}")
        out = _pipe(self._child.stdout).fileno()
        poll = select.poll()  # not select.select: a busy worker may hold more than 1024 files
        poll.register(out, select.POLLIN)
        while b"\n" not in self._unread:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                self._end()
                raise DecoderDied(f"the decoding process gave no answer in {seconds:.0f} s {doing}, so it was ended")
            more = os.read(out, 1 << 16)
            if not more:
                self._died(doing)
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _died(self, doing: str) -> None:
        code = None if self._child is None else self._child.wait()
        self._log.seek(0)
        last = self._log.read()[-500:].decode("utf-8", "replace").strip()
        self._end()
        how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with code {code}"
        raise DecoderDied(f"the decoding process ended {how} {doing}; ask again{f'. It said: {last}' if last else ''}")

    def _end(self) -> None:
        child, self._child, self._unread = self._child, None, b""
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # what was still to be written has no reader any more


class DecoderPool:
    """Up to `processes` decoding processes for each model, used from any number of threads.

    One process does one core's work. Processes of a model that nobody asked for in a while end with the next request.
    """

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._changed = threading.Condition()
        self._free: dict[SpeechModel, list[Decoder]] = {}
        self._busy: set[Decoder] = set()
        self._asked_at: dict[SpeechModel, float] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the processes that run."""
        with self._changed:
            decoders = [*self._busy, *(each for free in self._free.values() for each in free)]
        return tuple(decoder.pid for decoder in decoders if decoder.pid is not None)

    def transcribe(
        self,
        model: SpeechModel,
        sources: Sequence[TrackSource],
        call_ref: str,
        names: Iterable[str] = (),
        recording_id: str | None = None,
    ) -> Transcript:
        """Transcribe as `Decoder.transcribe` does, once a process of the model is free. Raises the same errors."""
        decoder = self._take(model)
        try:
            return decoder.transcribe(sources, call_ref, names, recording_id)
        finally:
            self._give_back(decoder)

    def close(self) -> None:
        """End all processes, whatever they do; who waits for one gets DecoderDied."""
        with self._changed:
            self._closed = True
            decoders = [*self._busy, *(each for free in self._free.values() for each in free)]
            self._free.clear()
            self._changed.notify_all()
        for decoder in decoders:
            decoder.close()

    def _take(self, model: SpeechModel) -> Decoder:
        with self._changed:
            self._asked_at[model] = time.monotonic()
            self._end_unused()
            while not self._closed:
                free = self._free.setdefault(model, [])
                if free or sum(busy.model == model for busy in self._busy) < self._processes:
                    decoder = free.pop() if free else Decoder(model)
                    self._busy.add(decoder)
                    return decoder
                self._changed.wait()
        raise DecoderDied("the decoding processes were ended before one was free: ask again")

    def _give_back(self, decoder: Decoder) -> None:
        with self._changed:
            self._busy.discard(decoder)
            if not self._closed:
                self._asked_at[decoder.model] = time.monotonic()
                self._free.setdefault(decoder.model, []).append(decoder)
            self._changed.notify_all()

    def _end_unused(self) -> None:
        old = time.monotonic() - UNUSED_SECONDS
        for model in [model for model in self._free if self._asked_at[model] < old]:
            for decoder in self._free.pop(model):
                decoder.close()


def transcribe_tracks(
    tracks: Mapping[Speaker, Path], model: SpeechModel, call_ref: str, names: Iterable[str] = ()
) -> Transcript:
    """Transcribe one call's recordings, one file a speaker, in a process of its own. Errors as `Decoder.transcribe`."""
    with Decoder(model) as decoder:
        return decoder.transcribe([TrackSource(who, path) for who, path in tracks.items()], call_ref, names)


def transcribe_file(
    path: Path, model: SpeechModel, call_ref: str, names: Iterable[str] = (), left: Speaker = "agent"
) -> Transcript:
    """Transcribe one recording: stereo has `left` on the left, mono is the citizen's. Errors as `transcribe_tracks`."""
    with Decoder(model) as decoder:
        return decoder.transcribe(track_sources([path], left), call_ref, names)


def utterance_of(
    speaker: Speaker, heard: Sequence[Sequence[Any]], names: tuple[str, ...], recording_id: str | None
) -> Utterance | None:
    """Make an utterance of what the recognizer heard ([word, start, end, confidence] each); None where none spoke."""
    words = tuple(Word(text, round(start, 3), round(end, 3), round(sure, 4)) for text, start, end, sure in heard)
    if not words:
        return None
    confidence = sum(word.confidence for word in words) / len(words)
    return Utterance(
        speaker, words[0].start, words[-1].end, show(words, names).text, round(confidence, 4), words, recording_id
    )


def _error(shape: Mapping[str, str]) -> AsrError:
    return BY_ID.get(shape["error_id"], DecoderError)(shape["message"])


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise DecoderError("the decoding process has no pipe: this is a defect, please report it")
    return pipe
