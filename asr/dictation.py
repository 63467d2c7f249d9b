"""Speech from a microphone to words while it is spoken."""

from collections.abc import Iterable

from vosk import Model, SetLogLevel

from asr.audio import Samples, Speaker
from asr.errors import ModelBroken
from asr.hearing import Hearing, Step
from asr.model import SpeechModel
from asr.recognizer import utterance_of
from asr.text import normalise_text
from asr.transcript import Transcript, Utterance


class Dictation:
    """One speaker's words. Mono samples at `rate` Hz go in, utterances come out, heard as those of a call are.

    It decodes in this process: nothing but the dictation itself would be lost with it, and its sound is spooled.
    """

    def __init__(self, model: SpeechModel, rate: int, names: Iterable[str] = (), speaker: Speaker = "citizen") -> None:
        """Raise ModelBroken for a model that Vosk cannot load."""
        SetLogLevel(-1)
        try:
            loaded = Model(str(model.path))
        except Exception as error:  # Vosk raises a bare Exception
            raise ModelBroken(f"Vosk cannot load {model.path}: fetch or unpack it again") from error
        self._model, self._rate, self._names, self._speaker = model, rate, tuple(names), speaker
        self._hearing = Hearing(loaded, model.sample_rate)
        self.utterances: list[Utterance] = []

    def feed(self, samples: Samples) -> list[Utterance]:
        """Take the next samples; returns the utterances that ended in them."""
        self._hearing.put(samples, self._rate)
        return self._steps()

    @property
    def partial(self) -> str:
        """The words since the last utterance, as far as they are known now."""
        return normalise_text(self._hearing.partial(), self._names)

    def finish(self) -> list[Utterance]:
        """No more sound comes: returns the last utterances."""
        self._hearing.end()
        return [*self._steps(), *self._heard(self._hearing.final())]

    def transcript(self, call_ref: str) -> Transcript:
        """Return what was said so far."""
        return Transcript(call_ref, "complete", self._model.name, tuple(self.utterances))

    def _steps(self) -> list[Utterance]:
        found: list[Utterance] = []
        while step := self._hearing.step():
            found += self._heard(step)
        return found

    def _heard(self, step: Step) -> list[Utterance]:
        made = [utterance_of(self._speaker, words, self._names, None) for words in step.utterances]
        found = [utterance for utterance in made if utterance is not None]
        self.utterances += found
        return found
