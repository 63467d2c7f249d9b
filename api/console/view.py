"""What the desk shows, gathered from the nouns' services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import service as accounts
from api.calls import service as calls
from api.calls.models import CallRow
from api.calls.repository import CallFilter
from api.console import words
from api.kit import clock
from api.outward import service as outward
from api.outward.repository import OutwardFilter
from api.recordings import service as recordings
from api.recordings.models import RecordingRow
from api.tickets import service as tickets
from api.tickets.fields import blank, linked, machine_side
from api.tickets.models import TicketRow
from api.transcripts import service as transcripts
from asr.draft import Taxonomy, missing
from asr.text import pieces
from asr.transcript import Transcript

# Calls that agents placed about one call, as many as a page shows.
_MOST_PLACED = 20
_STATE_FILTERS: dict[str, tuple[tuple[str, ...], bool | None]] = {
    "": ((), None),
    "waiting": (("in_progress",), False),
    "talking": (("in_progress",), True),
    "answered": ((), True),
    "abandoned": (("abandoned",), None),
    "short_abandoned": (("short_abandoned",), None),
    "failed": (("failed",), None),
}


@dataclass(frozen=True, slots=True)
class DeskFilter:
    """What a person chose above the table; all of it stands in the page's address."""

    day: date
    state: str = ""
    agent: str = ""
    caller: str = ""

    def wanted(self, timezone: str, refs: tuple[str, ...] = ()) -> CallFilter:
        """Return the calls this means, among `refs` where there are any. Who waits or talks is shown on any day."""
        start, end = clock.date_bounds(self.day, timezone)
        outcome, with_agent = _STATE_FILTERS.get(self.state, ((), None))
        now = self.state in {"waiting", "talking"}
        return CallFilter(
            since=None if now else start,
            until=None if now else end,
            outcome=outcome,
            with_agent=with_agent,
            agent=self.agent or None,
            caller_part=self.caller or None,
            refs=refs,
        )

    def query(self) -> str:
        """Return the filter as it stands in an address."""
        chosen = {"day": self.day.isoformat(), "state": self.state, "agent": self.agent, "caller": self.caller}
        return urlencode({name: value for name, value in chosen.items() if value})


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    call: Mapping[str, Any]
    state: str
    agent: str
    summary: str
    # "urgent", "suspected" (urgent, but doubtful) or "".
    urgency: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What an agent may choose: the stored value, how it is shown, a note beside it, words it is found by."""

    value: str
    shown: tuple[str, str]
    note: str = ""
    found_by: tuple[str, ...] = ()


async def talking_to(session: AsyncSession, agent: str) -> str:
    """Return the reference of the latest call that an agent talks in now, empty where there is none.

    A call that was passed on is the talk of whom it was passed to.
    """
    for call in await calls.in_progress(session):
        talks = [segment.agent for segment in call.segments if segment.ended_at is None]
        if (talks[-1] if talks else call.agent) == agent and call.answered_at is not None:
            return call.call_ref
    return ""


async def rows(session: AsyncSession, found: Sequence[CallRow]) -> list[Row]:
    """Return calls as lines of the table, each with what its draft says in short."""
    names = await accounts.agent_names(session)
    drafts = await tickets.find_by_calls(session, [call.call_ref for call in found])
    return [
        Row(
            call,
            words.state_of(call),
            names.get(call["agent"] or "", call["agent"] or ""),
            _value(drafts.get(call["call_ref"]), "summary"),
            _urgency(drafts.get(call["call_ref"])),
        )
        for call in await calls.calls_json(session, found)
    ]


async def call_view(session: AsyncSession, call_ref: str, taxonomy: Taxonomy) -> dict[str, Any] | None:
    """Return what the right half of the desk shows of a call, None where there is none."""
    found = await calls.find(session, call_ref)
    if found is None:
        return None
    call = (await calls.calls_json(session, [found]))[0]
    names = await accounts.agent_names(session)
    transcript = await transcripts.call_transcript(session, found.call_ref)
    ticket = await tickets.find_by_call(session, found.call_ref)
    sounds = await recordings.of_call(session, found.call_ref)
    placed, _ = await outward.page(session, OutwardFilter(call_ref=found.call_ref), None, _MOST_PLACED)
    return {
        "call": call,
        "state": words.state_of(call),
        "agent": names.get(call["agent"] or "", call["agent"] or ""),
        "recordings": _sounds(sounds, transcript, names),
        "placed": [each | await placed_view(session, each["dial_ref"]) for each in placed[::-1]],
        "utterances": _utterances(transcript, sounds[0].recording_id if sounds else None),
        "ticket": ticket,
        "urgency": _urgency(ticket),
        "fields": _fields(ticket, transcript, taxonomy) if ticket else [],
        "questions": _questions(ticket, taxonomy) if ticket else [],
        "growing": call["outcome"] == "in_progress" or call["transcript_state"] == "live",
    }


async def placed_view(session: AsyncSession, dial_ref: str) -> dict[str, Any]:
    """Return the recordings of a call that an agent placed, whoever was called in too, and what was said in each."""
    sounds = await recordings.of_call(session, dial_ref)
    transcript = await transcripts.call_transcript(session, dial_ref)
    return {
        "recordings": _sounds(sounds, transcript, await accounts.agent_names(session)),
        "utterances": _utterances(transcript, None, f"{dial_ref}-"),
    }


def _sounds(sounds: Sequence[RecordingRow], transcript: Transcript, names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "recording_id": sound.recording_id,
            "agent": names.get(sound.agent, sound.agent),
            "duration_seconds": _length(sound.recording_id, sound.duration_seconds, transcript),
            "state": sound.state,
            "reason": sound.reason,
            "transcript_state": recordings.transcript_state(set(), [sound], {}),
        }
        for sound in sounds
    ]


def _utterances(transcript: Transcript, first_recording: str | None, within: str = "") -> list[dict[str, Any]]:
    return [
        {
            "index": f"{within}{index}",
            "speaker": utterance.speaker,
            "start": utterance.start,
            "end": utterance.end,
            "confidence": utterance.confidence,
            "recording_id": utterance.recording_id or first_recording,
            "pieces": pieces(utterance.text, utterance.words),
        }
        for index, utterance in enumerate(transcript.utterances)
    ]


def choices(taxonomy: Taxonomy) -> dict[str, list[Choice]]:
    """Return what may be chosen for the fields that are chosen from a list."""
    units = dict.fromkeys(matter.unit for matter in taxonomy.matters)
    return {
        "category": [
            Choice(
                matter.code, _shown("category", matter.code, taxonomy), matter.unit, (*matter.strong, *matter.phrases)
            )
            for matter in taxonomy.matters
        ],
        "unit": [Choice(unit, (unit, "")) for unit in units],
        **{name: [Choice(value, shown) for value, shown in words.VALUES[name].items()] for name in words.VALUES},
    }


def _fields(ticket: TicketRow, transcript: Transcript, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    shown = []
    for name in words.FIELDS:
        field = linked(ticket.fields.get(name) or blank(), transcript.utterances)
        machine = machine_side(field)
        differs = "machine" in field and machine["value"] != field["value"]
        evidence = machine["evidence"] if differs else field["evidence"]
        shown.append(
            {
                "name": name,
                "value": _shown(name, field["value"], taxonomy),
                "raw": field["value"],
                "confidence": field["confidence"],
                "confirmed": field["confirmed"],
                "doubtful": bool(field.get("doubtful")),
                "follows": field.get("follows"),
                "machine": _shown(name, machine["value"], taxonomy) if differs else None,
                "evidence": [_cited(each, transcript) for each in evidence],
            }
        )
    return shown


def _cited(evidence: Mapping[str, Any], transcript: Transcript) -> dict[str, Any]:
    utterance = transcript.utterances[evidence["utterance"]]
    return {
        **evidence,
        "speaker": utterance.speaker,
        "recording_id": evidence.get("recording_id") or utterance.recording_id,
    }


def _questions(ticket: TicketRow, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Return what the agent should still ask, in asking order."""
    return [{"field": name, "question": taxonomy.ask(name)} for name in missing(ticket.fields, taxonomy)]


def _shown(name: str, value: Any, taxonomy: Taxonomy) -> tuple[str, str]:
    """Return a field's value in Chinese and English; English is empty where there is none."""
    if value in {None, ""}:
        return "", ""
    if name == "category":
        return _matter(str(value), taxonomy)
    return words.VALUES.get(name, {}).get(str(value), (str(value), ""))


def _matter(code: str, taxonomy: Taxonomy) -> tuple[str, str]:
    found = {matter.code: matter for matter in taxonomy.matters}
    path = [found[part] for part in dict.fromkeys((code.partition(".")[0], code)) if part in found]
    if code not in found:
        return code, ""
    return " › ".join(matter.zh for matter in path), " › ".join(matter.en for matter in path)


def _urgency(ticket: TicketRow | None) -> str:
    field = (ticket.fields.get("urgency") or {}) if ticket else {}
    if field.get("value") != "urgent":
        return ""
    return "suspected" if field.get("doubtful") else "urgent"


def _value(ticket: TicketRow | None, name: str) -> str:
    return str((ticket.fields.get(name) or {}).get("value") or "") if ticket else ""


def _length(recording_id: str, known: float | None, transcript: Transcript) -> float:
    ends = [each.end for each in transcript.utterances if each.recording_id == recording_id]
    return max([known or 0.0, *ends])
