"""The whole of a simulation beforehand: what is told when, and the calls that must be stored for it. Pure."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from telephony.calls.derive import SHORT_ABANDON_SECONDS
from telephony.calls.facts import Microseconds
from telephony.calls.model import Call, Outcome, Segment
from telephony.simulation.floor import SECOND, Break, Habits, Story, Turn, Way, play
from telephony.simulation.score import CITIZEN, load

QUEUE = "hotline"
DIALLED = "12345"
FIRST_EXTENSION = 8001
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Where a turn of the story is found: the score that holds the whole call, unless another one is named here.
_ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "again": ("nobody_at_all", "again"),
    "gave_up": ("abandoned_after_8s", "ended"),
    "gave_up_ringing": ("short_abandoned_after_3s", "ended"),
    "ended_by_agent": ("agent_hangs_up", "ended"),
}
# Told by the step before.
_IN_THE_SAME_STEP = frozenset({"rang_too"})
_WAIT_ENDS = frozenset({"again", "timed_out"})


class Cue(NamedTuple):
    """A step of a score that is told at a moment, with the names that it is told of."""

    at: Microseconds
    score: str
    step: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A simulation: cues in the order of time, and the calls that they make, in the order of their offering."""

    cues: tuple[Cue, ...]
    calls: tuple[Call, ...]
    agents: tuple[str, ...]

    @property
    def begins_at(self) -> Microseconds:
        """When the first thing happens, in simulated time."""
        return self.cues[0].at

    @property
    def ends_at(self) -> Microseconds:
        """When the last thing happens."""
        return self.cues[-1].at


def make_plan(arrivals: Sequence[Microseconds], agents: int, seed: int, habits: Habits | None = None) -> Plan:
    """Plan the calls that arrive at these moments (microseconds of the epoch, in order) at so many agents.

    Two more are on a break all the time and are rung by the overflow only. The same seed gives the same plan.
    """
    extensions = tuple(str(FIRST_EXTENSION + number) for number in range(agents + 2))
    *staff, first, second = extensions
    stories, breaks = play(arrivals, staff, (first, second), habits or Habits(), seed)
    login = str(arrivals[0] // SECOND - 3600)
    writer = _Writer(random.Random(seed), login)  # noqa: S311 - no secret
    cues = [
        Cue(arrivals[0] - SECOND, "pause", "paused", {"agent1": agent, "reason": "lunch", "login": login})
        for agent in (first, second)
    ]
    calls = []
    for story in stories:
        told, call = writer.call(story)
        cues += told
        calls.append(call)
    for pause in breaks:
        cues += writer.pause(pause)
    cues.sort(key=lambda cue: cue.at)
    return Plan(tuple(cues), tuple(calls), extensions)


@dataclass(slots=True)
class _Writer:
    dice: random.Random
    login: str
    channels: int = 0
    uniqueids: int = 0

    def pause(self, pause: Break) -> list[Cue]:
        names = {"agent1": pause.agent, "reason": pause.reason, "login": self.login}
        begins = [] if pause.begun_by_queue else [Cue(pause.begins_at, "pause", "paused", names)]
        return [*begins, Cue(pause.ends_at, "pause", "unpaused", names)]

    def call(self, story: Story) -> tuple[list[Cue], Call]:
        score = _score_of(story)
        names = self._names(story)
        cues = []
        for turn in story.turns:
            if turn.title in _IN_THE_SAME_STEP:
                continue
            name, step = _ELSEWHERE.get(turn.title, (score, turn.title))
            own = {**names, "waited": str(_waited(story, turn) // SECOND)} if turn.title in _WAIT_ENDS else names
            cues.append(Cue(turn.at, name, step, own))
        return cues, _expected(cues, story, names)

    def _names(self, story: Story) -> dict[str, str]:
        offered_at = story.turns[0].at
        ref = self._uniqueid(offered_at)
        names = {
            "ref": ref,
            "caller": f"13{self.dice.randrange(10**9):09}",
            "sip": f"zhitong-{self.dice.getrandbits(128):032x}@127.0.0.2",
            "channel": self._channel("citizen"),
            "login": self.login,
            "hold": str(_until(story, "answered") // SECOND),
            "ring": str(_ring(story) // SECOND),
            "rang_ms": str(_ring(story) // 1000),
            "talk": str(_talk(story) // SECOND),
            "waited": str(_waited(story, story.turns[-1]) // SECOND),
        }
        # Whom no telephone was rung for is connected to nobody.
        names |= {f"agent{number}": agent for number, agent in enumerate(story.agents() or ["<unknown>"], 1)}
        rings = list(_rings(story))
        answers = [turn for turn in story.turns if turn.title.startswith("answered")]
        for number, ring in enumerate(rings, 1):
            names[f"uniqueid{number}"] = self._uniqueid(ring.at)
            names[f"channel{number}"] = self._channel(str(ring.agent))
            answered = next((turn.at for turn in answers if turn.at > ring.at and turn.agent == ring.agent), ring.at)
            names[f"recording{number}"] = f"{ref}--{ring.agent}--{answered + 1000}"
        names |= {f"bridge{number}": self._bridge() for number in range(1, len(answers) + 1)}
        return names

    def _uniqueid(self, at: Microseconds) -> str:
        self.uniqueids += 1
        return f"{at // SECOND}.{self.uniqueids}"

    def _channel(self, endpoint: str) -> str:
        self.channels += 1
        return f"PJSIP/{endpoint}-{self.channels:08x}"

    def _bridge(self) -> str:
        bits = f"{self.dice.getrandbits(128):032x}"
        return "-".join((bits[:8], bits[8:12], bits[12:16], bits[16:20], bits[20:]))


def _score_of(story: Story) -> str:
    """Name the recorded call that this one goes like."""
    if story.way is Way.STICKY:
        return "sticky"
    if story.way is Way.OVERFLOW:
        return "overflow_all_paused"
    if story.has("sent_on"):
        return "blind_transfer"
    if story.has("held"):
        return "attended_transfer"
    if story.has("missed"):
        return "ring_no_answer_then_second"
    return "answered_by_queue" if story.has("answered") else "short_abandoned_after_3s"


def _until(story: Story, title: str) -> Microseconds:
    return next((turn.at - story.turns[0].at for turn in story.turns if turn.title == title), 0)


def _waited(story: Story, turn: Turn) -> Microseconds:
    joined = [earlier.at for earlier in story.turns if earlier.at < turn.at and earlier.title in {"offered", "again"}]
    return turn.at - joined[-1] if joined else 0


def _ring(story: Story) -> Microseconds:
    for ring, after in zip(story.turns, story.turns[1:], strict=False):
        if ring.title.startswith("rang"):
            return after.at - ring.at
    return 0


def _talk(story: Story) -> Microseconds:
    """Give how long the first agent was in the call: what app_queue calls its talk time."""
    answered = _until(story, "answered")
    ends = (turn.at for turn in story.turns if turn.title in {"sent_on", "connected", "ended", "ended_by_agent"})
    return next(ends) - story.turns[0].at - answered if answered else 0


def _rings(story: Story) -> Iterator[Turn]:
    """Give the turns in which a telephone's channel begins, in order; who consults opens one of his own first."""
    for before, turn in zip((story.turns[0], *story.turns), story.turns, strict=False):
        if turn.title == "consulted":
            yield Turn("consults", turn.at, before.agent)
        if turn.title.startswith("rang") or turn.title == "consulted":
            yield turn


def _expected(cues: Sequence[Cue], story: Story, names: Mapping[str, str]) -> Call:
    """Give the call that must be stored: who was in a bridge with the citizen, and when."""
    told = [
        (cue.at + event.after, event.event, event.channel, event.bridge)
        for cue in cues
        for event in load(cue.score).steps[cue.step].told
    ]
    offered = min(at for at, event, channel, _ in told if event == "Newchannel" and channel == CITIZEN)
    ended = next(at for at, event, channel, _ in told if event == "Hangup" and channel == CITIZEN)
    presence: dict[tuple[int | None, int | None], list[Microseconds]] = {}
    for at, event, channel, bridge in told:
        if event in {"BridgeEnter", "BridgeLeave"}:
            presence.setdefault((bridge, channel), []).append(at)
    talks = [
        (max(entered, presence[bridge, CITIZEN][0]), min(left, presence[bridge, CITIZEN][1]), channel)
        for (bridge, channel), (entered, left) in presence.items()
        if channel and (bridge, CITIZEN) in presence
    ]
    segments = [_segment(*talk, names) for talk in sorted(talks)]
    answered = segments[0].started_at if segments else None
    wait = _seconds((answered or _moment(ended)) - _moment(offered))
    return Call(
        call_ref=names["ref"],
        caller=names["caller"],
        queue=QUEUE,
        outcome=_outcome(answered, wait),
        via={Way.QUEUE: "queue", Way.STICKY: "sticky", Way.OVERFLOW: "overflow"}[story.way],  # type: ignore[arg-type]
        offered_at=_moment(offered),
        answered_at=answered,
        ended_at=_moment(ended),
        wait_seconds=wait,
        talk_seconds=sum(end - start for start, end, _ in talks) / SECOND,
        agent=segments[0].agent if segments else None,
        segments=tuple(segments),
        sip_call_id=names["sip"],
        dialled=DIALLED,
    )


def _segment(start: Microseconds, end: Microseconds, channel: int, names: Mapping[str, str]) -> Segment:
    recording = names[f"recording{channel}"]
    agent = recording.split("--")[1]
    return Segment(agent, _moment(start), _moment(end), (end - start) / SECOND, recording_id=recording)


def _outcome(answered: datetime | None, wait: float) -> Outcome:
    if answered is not None:
        return "answered"
    return "short_abandoned" if wait <= SHORT_ABANDON_SECONDS else "abandoned"


def _moment(at: Microseconds) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def _seconds(length: timedelta) -> float:
    return length / timedelta(seconds=1)
