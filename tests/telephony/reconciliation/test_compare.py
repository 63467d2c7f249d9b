"""Every recorded call agrees with all of Asterisk's records; whatever is changed in the store is found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from telephony.calls.model import Call, Wait
from telephony.reconciliation.compare import compare, repairs
from telephony.reconciliation.difference import ADVICE
from tests.telephony.calls.captures import NAMES
from tests.telephony.reconciliation.store import FILES, NIGHT, SINCE, UNTIL, Site, site_of, stored_calls

ANSWERED, ABANDONED = "answered_by_queue", "abandoned_after_8s"
LATER = timedelta(seconds=30)


@pytest.mark.parametrize("name", NAMES)
def test_a_capture_agrees_with_all_records_of_the_same_minutes(name: str, tmp_path: Path) -> None:
    stored = stored_calls(name)
    findings = site_of(tmp_path, name).findings(stored)
    assert [each.to_json() for each in findings.differences] == []
    assert findings.calls == len(stored)
    assert findings.in_records["cel"] == findings.in_records["cdr"] == len(stored)
    assert findings.in_records["queue_log"] == (0 if name == "sticky" else len(stored))
    named = [segment for call in stored for segment in call.segments if segment.recording_id]
    assert findings.in_records["recordings"] == len(named)


def test_a_whole_day_agrees_whatever_ran_at_the_same_time(tmp_path: Path) -> None:
    with_calls = [name for name in NAMES if stored_calls(name)]
    day = sorted(with_calls, key=lambda name: stored_calls(name)[0].offered_at)
    assert site_of(tmp_path, *day).findings([call for name in day for call in stored_calls(name)]).differences == ()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_of(tmp_path, ANSWERED)


def answered() -> Call:
    [call] = stored_calls(ANSWERED)
    return call


def segment(**changes: Any) -> Call:
    call = answered()
    return replace(call, segments=(replace(call.segments[0], **changes),))


def moved(call: Call, **seconds: float) -> Call:
    """The call with moments moved or lengths changed by some seconds."""
    shifted = {}
    for name, by in seconds.items():
        value = getattr(call, name)
        shifted[name] = value + (timedelta(seconds=by) if isinstance(value, datetime) else by)
    return replace(call, **shifted)


BY_CEL = [
    (lambda: replace(answered(), caller="1"), "caller"),
    (lambda: replace(answered(), via="sticky"), "via"),
    (lambda: replace(answered(), agent="8002"), "agent"),
    (lambda: moved(answered(), answered_at=0.6), "answered_at"),
    (lambda: moved(answered(), offered_at=0.6), "offered_at"),
    (lambda: moved(answered(), ended_at=0.6), "ended_at"),
    (lambda: moved(answered(), wait_seconds=0.6), "wait_seconds"),
    (lambda: moved(answered(), talk_seconds=0.6), "talk_seconds"),
    (lambda: segment(talk_seconds=3.0), "segments[0].talk_seconds"),
    (lambda: replace(answered(), ended_at=None, outcome="in_progress"), "outcome"),
]


@pytest.mark.parametrize(("change", "field"), BY_CEL)
def test_what_cel_tells_otherwise_is_found_and_repaired(change: Any, field: str, site: Site) -> None:
    stored = [change()]
    findings = site.findings(stored)
    assert ("cel", field) in [(each.record, each.field) for each in findings.differences]
    assert site.found(repairs(findings, stored, site.read())) == []


# What is stored → what queue_log and CDR, each on its own, say against it.
ALONE = {
    "queue_log": [
        (lambda: replace(answered(), queue="enterprise"), "queue"),
        (lambda: replace(answered(), outcome="abandoned", segments=(), agent=None), "outcome"),
        (lambda: segment(agent="8002"), "segments.agent"),
        (lambda: segment(started_at=answered().segments[0].started_at + LATER), "segments.started_at"),
        (lambda: segment(talk_seconds=9.0), "segments.talk_seconds"),
        (lambda: moved(answered(), wait_seconds=5), "wait_seconds"),
        (lambda: replace(answered(), wait_seconds=None), "wait_seconds"),
    ],
    "cdr": [
        (lambda: replace(answered(), outcome="failed", segments=(), agent=None), "outcome"),
        (lambda: segment(agent="8002"), "segments.agent"),
        (lambda: segment(talk_seconds=9.0), "segments.talk_seconds"),
        (lambda: segment(talk_seconds=0.5), "segments.talk_seconds"),
        (lambda: replace(answered(), segments=answered().segments * 2), "segments"),
        (lambda: moved(answered(), ended_at=5), "ended_at"),
        (lambda: moved(answered(), offered_at=-5), "offered_at"),
    ],
}


@pytest.mark.parametrize(("record", "change", "field"), [(key, *row) for key, rows in ALONE.items() for row in rows])
def test_queue_log_and_cdr_each_find_it_by_themselves(record: str, change: Any, field: str, site: Site) -> None:
    assert (record, field) in site.found([change()])


def test_queue_log_tells_a_wrong_abandon_by_its_moment_its_wait_and_its_outcome(tmp_path: Path) -> None:
    site = site_of(tmp_path, ABANDONED)
    [call] = stored_calls(ABANDONED)
    assert ("queue_log", "ended_at") in site.found([moved(call, ended_at=4)])
    assert ("queue_log", "wait_seconds") in site.found([moved(call, wait_seconds=-4)])
    said_to_be_answered = replace(call, outcome="answered", segments=answered().segments)
    assert ("queue_log", "outcome") in site.found([said_to_be_answered])


def test_an_abandon_that_was_a_redirect_is_no_difference(tmp_path: Path) -> None:
    site = site_of(tmp_path, "redirected_while_waiting")
    stored = stored_calls("redirected_while_waiting")
    assert site.found(stored) == []
    site.file("cdr").unlink()
    assert ("queue_log", "outcome") not in site.found(stored)


def test_stays_in_the_queue_are_counted(site: Site) -> None:
    call = answered()
    stay = Wait("hotline", call.offered_at, call.answered_at, "connected")
    assert ("queue_log", "waits") in site.found([replace(call, waits=(stay, stay))])


def test_a_call_that_no_router_stored_is_found_once_and_repaired_from_cel(site: Site) -> None:
    findings = site.findings([])
    [missing] = findings.differences
    assert (missing.field, missing.record, missing.stored) == ("call", "cel", None)
    assert missing.recorded == "answered (cel, queue_log, cdr, recordings)"
    assert site.found(repairs(findings, [], site.read())) == []


@pytest.mark.parametrize(
    ("gone", "teller"), [(["cel"], "queue_log"), (["cel", "queue_log"], "cdr"), (list(FILES), "recordings")]
)
def test_each_record_alone_tells_that_a_call_is_missing(gone: list[str], teller: str, site: Site) -> None:
    for record in gone:
        site.file(record).unlink()
    findings = site.findings([])
    assert [(each.record, each.field) for each in findings.differences] == [(teller, "call")]
    assert repairs(findings, [], site.read()) == []


@pytest.mark.parametrize("record", FILES)
def test_a_stored_call_that_a_record_does_not_know_is_found(record: str, site: Site) -> None:
    # The record reaches back far enough, and tells of another call.
    rows = site.file(record).read_bytes().replace(b"17954386", b"17954376").replace(b"12:57", b"12:40")
    site.file(record).write_bytes(rows)
    missing = [each for each in site.findings([answered()]).differences if each.call_ref == answered().call_ref]
    assert [(each.record, each.field, each.advice) for each in missing] == [(record, "call", "missing_in_record")]


def test_records_that_begin_later_are_told_once_not_for_every_call(tmp_path: Path) -> None:
    site = site_of(tmp_path, "two_concurrent")
    site.file("cdr").unlink()
    [difference] = site.findings(stored_calls("two_concurrent")).differences
    assert (difference.record, difference.field, difference.recorded) == ("cdr", "records", "no file")
    assert difference.stored == "2 calls before"


@pytest.mark.parametrize("record", FILES)
def test_a_record_that_cannot_be_read_is_told_and_holds_nothing_against_the_calls(record: str, site: Site) -> None:
    site.file(record).unlink()
    site.file(record).mkdir()
    [difference] = site.findings([answered()]).differences
    assert (difference.field, difference.advice) == ("records", "records_unreadable")
    assert str(site.file(record)) in str(difference.recorded)


def test_recordings_that_cannot_be_listed_are_told(site: Site) -> None:
    unlisted = Site(site.log, site.file("cdr"))
    assert unlisted.found([answered()]) == [("recordings", "records")]


def test_a_call_stored_twice_is_found(site: Site) -> None:
    other = replace(answered(), call_ref=answered().call_ref + "1")
    found = site.found([answered(), other])
    assert ("database", "sip_call_id") in found
    assert ("database", "segments.recording_id") in found
    assert ("database", "call_ref") in site.found([answered(), answered()])


def test_a_recording_that_is_not_on_disk_is_found(site: Site) -> None:
    for path in site.recordings.iterdir():
        path.unlink()
    assert site.found([answered()]) == [("recordings", "segments.recording_id")]


@pytest.mark.parametrize("part", ["-citizen.wav", "-agent.wav", ".wav", ".done"])
def test_a_recording_that_lacks_a_part_is_found(part: str, site: Site) -> None:
    (site.recordings / f"{answered().segments[0].recording_id}{part}").unlink()
    assert site.found([answered()]) == [("recordings", "segments.recording_id")]


def test_a_recording_without_a_call_and_one_that_no_segment_names_are_found(site: Site) -> None:
    call = answered()
    stray = f"{call.call_ref}--8003--{round(call.offered_at.timestamp() * 1e6)}"
    (site.recordings / f"{stray}.wav").touch()
    assert site.found([call]) == [("recordings", "segments")]
    (site.recordings / f"{stray}.wav").unlink()
    (site.recordings / f"{stray.replace(call.call_ref, '1795438000.9')}.done").touch()
    [difference] = site.findings([call]).differences
    assert (difference.call_ref, difference.field, difference.record) == ("1795438000.9", "call", "recordings")


def test_what_an_agents_desk_sent_is_not_asterisks_business(site: Site) -> None:
    call = answered()
    (site.recordings / f"{call.call_ref}--8001--{round(call.offered_at.timestamp() * 1e6)}.done").write_text("upload")
    walk_in = replace(call, call_ref="walkin-" + "0" * 32, sip_call_id=None, segments=())
    assert site.found([call, walk_in]) == []


def test_an_answered_segment_that_nobody_recorded_is_found(site: Site) -> None:
    assert ("recordings", "segments.recording_id") in site.found([segment(recording_id=None)])


def test_a_call_cut_off_by_the_death_of_asterisk_contradicts_nothing(site: Site) -> None:
    rows = site.file("cel").read_text(encoding="utf-8").splitlines(keepends=True)
    ends = ('"BRIDGE_EXIT', '"HANGUP', '"CHAN_END', '"APP_END', '"LINKEDID_END')
    site.file("cel").write_text("".join(row for row in rows if not row.startswith(ends)), encoding="utf-8")
    rows = site.file("queue_log").read_text(encoding="utf-8").splitlines(keepends=True)
    site.file("queue_log").write_text("".join(row for row in rows if "COMPLETE" not in row), encoding="utf-8")
    site.file("cdr").unlink()
    for mark in site.recordings.glob("*.done"):
        mark.unlink()
    call = answered()
    assert site.found([call]) == []
    open_still = replace(segment(ended_at=None, talk_seconds=None), ended_at=None, outcome="in_progress")
    open_still = replace(open_still, talk_seconds=None, hung_up_by=None)
    assert site.found([open_still], now=call.offered_at + LATER) == []
    assert ("cel", "ended_at") in site.found([open_still]), "nothing runs for half a day"
    # It died while the phone rang: the manager port had told of the ring, CEL tells of it only once it is over.
    rows = site.file("cel").read_text(encoding="utf-8").splitlines(keepends=True)
    ringing = next(number for number, row in enumerate(rows) if "PJSIP/8001" in row)
    site.file("cel").write_text("".join(rows[: ringing + 1]), encoding="utf-8")
    assert site.found([call]) == []


def test_what_happened_a_moment_ago_may_still_be_on_its_way(site: Site) -> None:
    call = answered()
    assert call.ended_at is not None
    soon, later = call.ended_at + timedelta(seconds=5), call.ended_at + LATER
    running = replace(call, ended_at=None, outcome="in_progress", talk_seconds=None)
    for stored in ([], [running]):
        assert site.found(stored, now=soon) == []
        assert site.found(stored, now=later) != []


def test_only_calls_of_the_period_are_judged_and_its_edge_makes_nobody_missing(site: Site) -> None:
    call = answered()
    just_after = call.offered_at + timedelta(milliseconds=1)
    for since, until in ((SINCE, call.offered_at), (just_after, UNTIL)):
        assert compare([call], site.read(since, until), since, until, NIGHT).differences == ()
    before = call.offered_at - timedelta(seconds=1)
    assert len(compare([], site.read(before, UNTIL), before, UNTIL, NIGHT).differences) == 1


def test_a_difference_says_which_call_what_each_side_says_and_what_to_do(site: Site) -> None:
    wrong = moved(answered(), wait_seconds=7)
    [difference] = [each for each in site.findings([wrong]).differences if each.record == "queue_log"]
    assert difference.to_json() == {
        "call_ref": "1795438632.6",
        "offered_at": answered().offered_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "field": "wait_seconds",
        "record": "queue_log",
        "stored": f"{wrong.wait_seconds:.3f}",
        "recorded": "1.000",
        "advice": ADVICE["told_otherwise"],
        "repaired": False,
    }
