"""The worker's side of live decoding: which process decodes which call, and what happens when one dies."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from asr.live.deaths import Record, after_death, hopeless, suspects
from asr.live.events import Event, Finished, GivenUp, Heard, LiveTrack, Partial
from asr.live.outbox import Outbox
from asr.live.process import LiveProcess
from asr.live.sound import available_seconds
from asr.model import SpeechModel
from asr.recognizer import utterance_of
from asr.text import normalise_text

LINGER_SECONDS = 60.0
"""A process whose model is not kept ends after so long without a call."""


@dataclass(slots=True)
class _Call:
    recording_id: str
    number: int
    tracks: dict[str, LiveTrack]
    names: tuple[str, ...]
    seat: "_Seat"
    finishing: bool = False
    record: Record = field(default_factory=Record)
    decoded_seconds: dict[str, float] = field(default_factory=dict)

    def opening(self) -> dict[str, Any]:
        return {
            "open": self.number,
            "tracks": [
                {
                    "speaker": track.speaker,
                    "live": None if track.live is None else str(track.live.absolute()),
                    "recording": str(track.recording.absolute()),
                    "heard_seconds": track.heard_seconds,
                }
                for track in self.tracks.values()
            ],
        }

    def lag_seconds(self) -> float:
        return max(
            max(0.0, available_seconds(track.live, track.recording) - self.decoded_seconds[speaker])
            for speaker, track in self.tracks.items()
        )


@dataclass(slots=True, eq=False)
class _Seat:
    """A place for one process: its calls outlive it."""

    model: SpeechModel
    calls: dict[int, _Call] = field(default_factory=dict)
    process: LiveProcess | None = None
    loaded: bool = False
    retired: bool = False
    task: asyncio.Task[None] | None = None
    retirement: asyncio.TimerHandle | None = None

    def seats(self, process: LiveProcess) -> None:
        """Let a process take over all calls."""
        self.process = process
        for call in self.calls.values():
            process.send(call.opening())
            if call.finishing:
                process.send({"finish": call.number})
        if self.retired:
            process.stop()

    def tell(self, command: Mapping[str, Any]) -> None:
        if self.process is not None:
            self.process.send(command)


class LiveDecoders:
    """Decodes running calls in up to `processes` child processes a model; use it as an async context manager.

    A process that dies is replaced and goes on after each track's last `Heard`. A recording at which three die at the
    same place is given up; the others go on.
    """

    def __init__(self, processes: int, linger_seconds: float = LINGER_SECONDS) -> None:
        self._processes = processes
        self._linger_seconds = linger_seconds
        self._seats: list[_Seat] = []
        self._calls: dict[str, _Call] = {}
        self._kept: frozenset[SpeechModel] = frozenset()
        self._numbers = itertools.count(1)
        self._outbox = Outbox()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.clear()
        tasks = [seat.task for seat in self._seats if seat.task is not None]
        for seat in list(self._seats):
            seat.calls.clear()
            self._retire(seat)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._outbox.end()

    def keep(self, models: Collection[SpeechModel]) -> None:
        """Have all processes of these models loaded, so that a call's first words need not wait for them.

        Those of other models end when they have no more calls. Must be called within the context.
        """
        if self._kept == frozenset(models):
            return
        self._kept = frozenset(models)
        for seat in list(self._seats):
            self._linger(seat)
        for model in self._kept:
            for _ in range(self._processes - sum(seat.model == model for seat in self._seats)):
                self._add_seat(model)

    async def open(
        self, recording_id: str, tracks: Sequence[LiveTrack], model: SpeechModel, names: Sequence[str] = ()
    ) -> None:
        """Begin to decode a call; `names` of places are kept whole in the text. Raises ValueError if it is open."""
        if recording_id in self._calls:
            raise ValueError(f"{recording_id!r} is being decoded already: close it first")
        if not tracks:
            raise ValueError(f"{recording_id!r} has no track: give at least one")
        seat = self._seat(model)
        by_speaker = {str(track.speaker): track for track in tracks}
        call = _Call(recording_id, next(self._numbers), by_speaker, tuple(names), seat)
        call.decoded_seconds = {speaker: track.heard_seconds for speaker, track in by_speaker.items()}
        self._calls[recording_id] = seat.calls[call.number] = call
        seat.tell(call.opening())

    async def finish(self, recording_id: str) -> None:
        """Decode what is left: the recording's files are complete. One that was given up is passed over."""
        call = self._calls.get(recording_id)
        if call is not None and not call.finishing:
            call.finishing = True
            call.seat.tell({"finish": call.number})

    async def close(self, recording_id: str) -> None:
        """Forget a call: nothing more is told of it, unless it is on its way already."""
        call = self._calls.get(recording_id)
        if call is not None:
            self._forget(call)
            call.seat.tell({"close": call.number})

    async def events(self) -> AsyncIterator[Event]:
        """Give what happens, in order for each track; one reader. Ends with the context."""
        async for event in self._outbox.read():
            yield event

    def lag_seconds(self) -> dict[str, float]:
        """Say how much sound of each call is on disk and not yet decoded, in seconds; looks at the files."""
        return {recording_id: call.lag_seconds() for recording_id, call in self._calls.items()}

    @property
    def loaded(self) -> int:
        """How many processes have their model loaded."""
        return sum(seat.loaded for seat in self._seats)

    def pids(self) -> tuple[int, ...]:
        """Return the processes at work."""
        return tuple(seat.process.pid for seat in self._seats if seat.process is not None)

    def _seat(self, model: SpeechModel) -> _Seat:
        """Choose the least busy process of the model, a new one if all are busy and there may be more."""
        seats = [seat for seat in self._seats if seat.model == model]
        least = min(seats, key=lambda seat: len(seat.calls), default=None)
        if least is None or (least.calls and len(seats) < self._processes):
            least = self._add_seat(model)
        if least.retirement is not None:
            least.retirement.cancel()
            least.retirement = None
        return least

    def _add_seat(self, model: SpeechModel) -> _Seat:
        seat = _Seat(model)
        self._seats.append(seat)
        seat.task = asyncio.create_task(self._serve(seat))
        return seat

    async def _serve(self, seat: _Seat) -> None:
        """Run the seat's processes, one after the other, until it is retired."""
        try:
            while not seat.retired:
                await self._run(seat)
        except Exception as error:  # noqa: BLE001 - a defect: told where the events are read
            self._outbox.fail(error)

    async def _run(self, seat: _Seat) -> None:
        try:
            process = await LiveProcess.start(seat.model)
        except OSError as error:
            self._count_death(seat, 0, f"no decoding process can be started ({error})")
            return
        refusal = None
        try:
            seat.seats(process)
            async for message in process.messages():
                if "error" in message:
                    refusal = str(message["error"]["message"])
                    break
                self._take(seat, message)
        finally:
            seat.process, seat.loaded = None, False
            working_on = process.working_on()
            how = await process.end()
        if refusal is not None:
            for call in list(seat.calls.values()):
                self._give_up(call, refusal)
        elif not seat.retired:
            self._count_death(seat, working_on, how)
        if not seat.calls:
            self._retire(seat)

    def _take(self, seat: _Seat, message: Mapping[str, Any]) -> None:
        kind = message.get("kind")
        if kind == "progress":
            for number, seconds in message["at"].items():
                if int(number) in seat.calls:
                    seat.calls[int(number)].decoded_seconds.update(seconds)
            return
        if "ready" in message:
            seat.loaded = True
            return
        call = seat.calls.get(message["number"])
        if call is None:
            return  # closed meanwhile
        if kind == "failed":
            self._give_up(call, message["reason"])
        elif kind == "finished":
            self._forget(call)
            self._outbox.put(Finished(call.recording_id, message["seconds"], tuple(message["faults"])))
        else:
            self._outbox.put(_told(call, message))

    def _count_death(self, seat: _Seat, working_on: int, how: str) -> None:
        for number in suspects(working_on, seat.calls):
            call = seat.calls[number]
            call.record = after_death(call.record, sum(track.heard_seconds for track in call.tracks.values()))
        for number in hopeless({number: call.record for number, call in seat.calls.items()}):
            call = seat.calls[number]
            self._give_up(call, f"{how}; {call.record.deaths} times at the same place of this recording")

    def _give_up(self, call: _Call, reason: str) -> None:
        self._forget(call)
        self._outbox.put(GivenUp(call.recording_id, reason))

    def _forget(self, call: _Call) -> None:
        del self._calls[call.recording_id], call.seat.calls[call.number]
        self._outbox.forget(call.recording_id)
        self._linger(call.seat)

    def _linger(self, seat: _Seat) -> None:
        """Let a process end some time after its last call, unless its model is kept."""
        if seat.retirement is not None:
            seat.retirement.cancel()
            seat.retirement = None
        if not seat.calls and seat.model not in self._kept:
            seat.retirement = asyncio.get_running_loop().call_later(self._linger_seconds, self._retire, seat)

    def _retire(self, seat: _Seat) -> None:
        """Let a process without calls end."""
        seat.retired = True
        if seat in self._seats:
            self._seats.remove(seat)
        if seat.retirement is not None:
            seat.retirement.cancel()
        if seat.process is not None:
            seat.process.stop()


def _told(call: _Call, message: Mapping[str, Any]) -> Event:
    """Make an event of a child's message and note how far the track is."""
    speaker, seconds = message["speaker"], message["seconds"]
    track = call.tracks[speaker]
    if message["kind"] == "partial":
        call.decoded_seconds[speaker] = seconds
        text = normalise_text(message["text"], call.names)
        return Partial(call.recording_id, track.speaker, text, message["start"], seconds)
    call.tracks[speaker] = replace(track, heard_seconds=seconds)
    utterance = utterance_of(track.speaker, message["words"], call.names, call.recording_id)
    return Heard(call.recording_id, track.speaker, utterance, seconds)
