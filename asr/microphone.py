"""Sound from a microphone, as 16-bit samples at the rate that is asked for."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import soxr

from asr import portaudio
from asr.audio import Samples
from asr.portaudio import MicrophoneError

RATE = 8000
"""Hz: what the telephone has, the recordings' folder holds and the bundled model expects."""
CHUNK_SECONDS = 0.1


class NoSuchDevice(MicrophoneError):
    """No device, or more than one, is what was asked for."""

    error_id = "microphone_no_such_device"


class DeviceLost(MicrophoneError):
    """The device gave no more sound."""

    error_id = "microphone_lost"


@dataclass(frozen=True, slots=True)
class Device:
    """Something that records: its number, its name, how many channels, and its own rate in Hz."""

    index: int
    name: str
    channels: int
    rate: int
    default: bool


class Capture:
    """Sound that is being taken in: iterate for chunks of shape (frames, channels), int16 at `rate` Hz."""

    def __init__(self, stream: Any, device: Device, device_rate: int, rate: int, channels: int) -> None:
        self._stream, self.device, self.rate, self.channels = stream, device, rate, channels
        self._device_rate = device_rate
        self._resample = soxr.ResampleStream(device_rate, rate, channels, dtype="int16")
        self._begun: float | None = None
        self._frames = 0

    @property
    def lost_seconds(self) -> float:
        """How much less sound came than time passed: the machine was too slow, or the device stood still."""
        if self._begun is None:
            return 0.0
        return max(0.0, time.monotonic() - self._begun - self._frames / self._device_rate)

    def __iter__(self) -> Iterator[Samples]:
        """Give chunks of about 0.1 s until the capture is closed. Raises DeviceLost."""
        step = int(self._device_rate * CHUNK_SECONDS)
        self._begun = time.monotonic()
        while True:
            try:
                data = self._stream.read(step, exception_on_overflow=False)
            except OSError as error:
                raise DeviceLost(
                    f"{self.device.name} 没有声音了 gives no more sound ({error}): is it still plugged in? "
                    "What was recorded before is kept."
                ) from error
            samples = np.frombuffer(data, "<i2").reshape(-1, self.channels)
            self._frames += len(samples)
            yield samples if self._device_rate == self.rate else self._resample.resample_chunk(samples)


class Audio:
    """The machine's sound devices, open for the length of a `with`. Raises PyAudioMissing, MicrophoneError."""

    def __init__(self, tools: Path | None = None) -> None:
        self._tools = tools
        self._pyaudio = portaudio.load(tools)
        self._streams: list[Any] = []

    def __enter__(self) -> Self:
        portaudio.check(self._tools)
        with portaudio.quiet() as said:
            try:
                self._system = self._pyaudio.PyAudio()
            except OSError as error:
                raise MicrophoneError(f"PortAudio does not start: {error}. {said()}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with portaudio.quiet():
            for stream in self._streams:
                stream.close()
            self._system.terminate()

    def devices(self) -> list[Device]:
        """Return what can record."""
        found = [self._system.get_device_info_by_index(index) for index in range(self._system.get_device_count())]
        try:
            default = self._system.get_default_input_device_info()["index"]
        except OSError:
            default = None  # nothing here records
        return [
            Device(
                info["index"],
                str(info["name"]),
                int(info["maxInputChannels"]),
                int(info["defaultSampleRate"]),
                info["index"] == default,
            )
            for info in found
            if info["maxInputChannels"] > 0
        ]

    def choose(self, wanted: str | None = None) -> Device:
        """Return a device by its number, its name or a part of its name; None: the default. Raises NoSuchDevice."""
        return choose(self.devices(), wanted)

    def capture(self, device: Device, rate: int = RATE, channels: int = 1) -> Capture:
        """Begin to take sound in. A device that cannot do `rate` is opened at its own and resampled.

        Raises MicrophoneError.
        """
        if channels > device.channels:
            raise NoSuchDevice(f"{device.name} has {device.channels} channel(s), {channels} are wanted: --channels 1")
        why = ""
        with portaudio.quiet() as said:
            for device_rate in dict.fromkeys((rate, device.rate)):
                try:
                    stream = self._system.open(
                        rate=device_rate,
                        channels=channels,
                        format=self._pyaudio.paInt16,
                        input=True,
                        input_device_index=device.index,
                        frames_per_buffer=int(device_rate * CHUNK_SECONDS),
                    )
                except (OSError, ValueError) as error:
                    why = f"{error}; {said()}"
                    continue
                self._streams.append(stream)
                return Capture(stream, device, device_rate, rate, channels)
        raise MicrophoneError(
            f"{device.name} 打不开 cannot be opened ({why}): is another program recording, may this user record?"
        )


def choose(devices: list[Device], wanted: str | None) -> Device:
    """Return the device that is meant. Raises NoSuchDevice that lists all."""
    listed = "; ".join(f"{each.index}: {each.name}" for each in devices)
    if not devices:
        raise NoSuchDevice("没有麦克风 there is no device that records: plug a microphone in, `arecord -l` lists them")
    if wanted is None:
        return next((each for each in devices if each.default), devices[0])
    part = wanted.casefold()
    for found in (
        [each for each in devices if str(each.index) == wanted],
        [each for each in devices if each.name.casefold() == part],
        [each for each in devices if part and part in each.name.casefold()],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise NoSuchDevice(f"{wanted!r} could be {len(found)} devices: give the number. There are {listed}")
    raise NoSuchDevice(f"没有 no device {wanted!r}. There are {listed}")
