import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from api.agents.service import spells_between
from api.kit.database import Database, url_of
from tests.scenarios.conftest import System, ticket_of
from tests.support.sound import heard_share, read


def spells_in(system: System, call: dict[str, Any]) -> list[str]:
    """What the agent of a call did in it, as stored."""

    async def read_spells() -> list[str]:
        database = Database(url_of(system.settings))
        try:
            async with database.session() as session:
                offered, ended = (datetime.fromisoformat(call[name]) for name in ("offered_at", "ended_at"))
                spells = await spells_between(session, offered, ended, call["agent"])
                return [spell.state for spell in spells if spell.call_ref == call["call_ref"]]
        finally:
            await database.close()

    return asyncio.run(read_spells())


def test_12345_rings_a_human_answers_a_draft_ticket_appears(
    system: System, http: httpx.Client, voices: dict[str, Path]
) -> None:
    call = system.call(voices["citizen"], "--agent-audio", str(voices["agent"]), "--caller", "13800123456")

    assert call["outcome"] == "answered"
    assert call["via"] == "queue"
    assert call["caller"] == "13800123456"
    assert call["queue"] == "hotline"
    assert 0 < call["wait_seconds"] < 5
    assert 13 < call["talk_seconds"] < 16
    [segment] = call["segments"]
    assert segment["agent"] == call["agent"]
    assert [wait["ended"] for wait in call["waits"]] == ["connected"]
    assert (call["offers"][-1]["agent"], call["offers"][-1]["result"]) == (call["agent"], "answered")
    assert (call["dialled"], call["hold_seconds"]) == ("12345", 0.0)
    assert spells_in(system, call) == ["ringing", "talking"]

    for speaker in ("citizen", "agent"):
        recorded = read(system.recordings / f"{segment['recording_id']}-{speaker}.wav")
        # A machine that does something else loses a packet now and then, which shifts what follows.
        assert heard_share(recorded, read(voices[speaker])) > 0.75, f"the {speaker}'s track is not what was spoken"
        other = "agent" if speaker == "citizen" else "citizen"
        assert heard_share(recorded, read(voices[other])) < 0.25, f"the {other} is on the {speaker}'s track"

    ticket = ticket_of(http, call["call_ref"])
    fields = ticket["fields"]
    assert ticket["state"] == "draft"
    assert fields["category"]["value"] == "building-safety.collapse"
    assert fields["urgency"]["value"] == "urgent"
    assert "富华南路" in fields["place"]["value"]
    assert fields["contact_phone"]["value"] == "13800123456"
    assert fields["contact_name"]["value"] is None
    assert all(field["confirmed"] is False for field in fields.values())

    [phone] = fields["contact_phone"]["evidence"]
    assert 9 < phone["start"] < phone["end"] < 14
    transcript = http.get(f"/api/v1/calls/{call['call_ref']}/transcript").json()
    said = transcript["utterances"][phone["utterance"]]
    assert said["speaker"] == "citizen"
    assert said["text"] == phone["text"] or phone["text"] in said["text"]
    assert transcript["state"] == "complete"

    stored = http.get(f"/api/v1/calls/{call['call_ref']}").json()
    assert stored["transcript_state"] == "complete"
    assert stored["segments"][0]["recording_state"] == "transcribed"

    sound = http.get(
        f"/api/v1/recordings/{segment['recording_id']}/audio?track=citizen", headers={"Range": "bytes=0-43"}
    )
    assert sound.status_code == httpx.codes.PARTIAL_CONTENT
    assert sound.content[:4] == b"RIFF"


def test_a_citizen_who_hangs_up_at_once_is_a_short_abandon(system: System, voices: dict[str, Path]) -> None:
    assert system.run("status", "--json")
    call = system.call(voices["citizen"], "--hangup-after", "0.3", "--caller", "13900000001")
    assert call["outcome"] == "short_abandoned"
    assert call["answered_at"] is None
    assert call["segments"] == []
    assert call["hung_up_by"] == "citizen"


def test_a_hostile_caller_name_is_only_a_name(system: System, http: httpx.Client, voices: dict[str, Path]) -> None:
    name = 'x" \r\nAction: Originate\u2028Event: Hangup <script>alert(1)</script>\\ ' + "长" * 1000
    call = system.call(voices["citizen"], "--caller-name", name, "--hangup-after", "3", "--caller", "13900000002")
    stored = http.get(f"/api/v1/calls/{call['call_ref']}").json()
    assert stored["caller"] == "13900000002"
    assert stored["outcome"] == "answered"


def test_status_tells_of_every_part(system: System) -> None:
    said = system.run("status")
    for part in ("postgres", "asterisk", "router", "worker", "api"):
        assert part in said


def test_a_revoked_token_opens_nothing_any_more(system: System) -> None:
    token = system.token("agent")
    with system.http(token) as client:
        assert client.get("/api/v1/calls").status_code == httpx.codes.OK
        assert "revoked: 1" in system.run("token", "revoke", token)
        assert client.get("/api/v1/calls").status_code == httpx.codes.UNAUTHORIZED
