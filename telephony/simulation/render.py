"""A cue → the bytes that Asterisk would send and write. One pass per step: this must not be what is measured."""

from dataclasses import dataclass, field

from telephony.simulation.plan import Cue
from telephony.simulation.score import Step, load


@dataclass(frozen=True, slots=True)
class Rights:
    """What a manager account may read: its classes (manager.conf `read`) and the events it filters out."""

    classes: frozenset[str]
    excluded: frozenset[str] = frozenset()


@dataclass(slots=True)
class Renderer:
    """Writes cues as one manager account hears them."""

    rights: Rights
    _steps: dict[tuple[str, str], Step] = field(default_factory=dict)

    def step(self, cue: Cue) -> Step:
        """Give the cue's step as this account hears it."""
        key = (cue.score, cue.step)
        step = self._steps.get(key)
        if step is None:
            step = load(cue.score).steps[cue.step].admitted(self.rights.classes, self.rights.excluded)
            self._steps[key] = step
        return step

    def events(self, cue: Cue) -> bytes:
        """Give what the manager port sends."""
        step = self.step(cue)
        return (step.events % {**cue.names, **step.moments(cue.at)}).encode()

    def records(self, cue: Cue) -> tuple[str, str]:
        """Give the rows of cel.csv and the lines of queue_log."""
        step = self.step(cue)
        names = {**cue.names, **step.moments(cue.at)}
        return step.cel % names, step.log % names
