"""Speech from a microphone to words while it is spoken."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import soxr
from vosk import KaldiRecognizer, Model, SetLogLevel

from asr.audio import Samples, Speaker
from asr.errors import ModelBroken
from asr.model import SpeechModel
from asr.recognizer import SLOWEST_SECONDS_A_SIGN
from asr.text import show
from asr.transcript import Transcript, Utterance, Word


class Dictation:
    """One speaker's words. Mono samples at `rate` Hz go in, are brought to the model's rate, utterances come out.

    It decodes in this process: nothing but the dictation itself would be lost with it, and its sound is spooled.
    """

    def __init__(self, model: SpeechModel, rate: int, names: Iterable[str] = (), speaker: Speaker = "citizen") -> None:
        SetLogLevel(-1)
        try:
            loaded = Model(str(model.path))
        except Exception as error:  # Vosk raises a bare Exception
            raise ModelBroken(f"Vosk cannot load {model.path}: fetch or unpack it again") from error
        self._model, self._names, self._speaker = model, tuple(names), speaker
        self._recognizer = KaldiRecognizer(loaded, model.sample_rate)
        self._recognizer.SetWords(True)
        self._resample = soxr.ResampleStream(rate, model.sample_rate, 1, dtype="int16")
        self._same_rate = rate == model.sample_rate
        self.utterances: list[Utterance] = []

    def feed(self, samples: Samples) -> Utterance | None:
        """Take the next samples; returns an utterance that ended in them."""
        data = samples if self._same_rate else self._resample.resample_chunk(samples)
        if not self._recognizer.AcceptWaveform(data.astype("<i2").tobytes()):
            return None
        return self._heard(self._recognizer.Result())

    @property
    def partial(self) -> str:
        """The words since the last utterance, as far as they are known now."""
        words = str(json.loads(self._recognizer.PartialResult()).get("partial", "")).split()
        return show([Word(word, 0.0, 0.0, 1.0) for word in words], self._names).text if words else ""

    def finish(self) -> Utterance | None:
        """No more sound comes: returns the last utterance."""
        return self._heard(self._recognizer.FinalResult())

    def transcript(self, call_ref: str) -> Transcript:
        """Return what was said so far."""
        return Transcript(call_ref, "complete", self._model.name, tuple(self.utterances))

    def _heard(self, result: str) -> Utterance | None:
        words = _spoken(json.loads(result).get("result", []))
        if not words:
            return None
        confidence = round(sum(word.confidence for word in words) / len(words), 4)
        text = show(words, self._names).text
        utterance = Utterance(self._speaker, words[0].start, words[-1].end, text, confidence, words, None)
        self.utterances.append(utterance)
        return utterance


def _spoken(heard: Sequence[dict[str, Any]]) -> tuple[Word, ...]:
    words = (
        Word(each["word"], round(each["start"], 3), round(each["end"], 3), round(each["conf"], 4)) for each in heard
    )
    return tuple(word for word in words if word.end - word.start <= SLOWEST_SECONDS_A_SIGN * len(word.text))
