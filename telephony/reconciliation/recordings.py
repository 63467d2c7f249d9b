"""Stored calls against the recordings' folder: everything recorded is named, everything named is there."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from telephony.calls.model import Call
from telephony.reconciliation.difference import Difference
from telephony.records.recordings import RecordingFiles

TRACKS = frozenset({"mixed", "agent", "citizen"})
# Asterisk marks a recording complete at hangup; the mix of a long call is written a moment longer.
MARKED_WITHIN = timedelta(seconds=60)


def against_recordings(
    stored: Call, disk: Mapping[str, RecordingFiles], now: datetime, *, cut_off: bool
) -> Iterator[Difference]:
    """Compare one ended call with what lies on disk. `cut_off`: Asterisk died with it and marked nothing."""
    for segment in stored.segments:
        name = segment.recording_id
        if name is None:
            # Calls from before a third party was recorded by itself (decision 0018).
            if segment.began != "conference":
                yield _difference(stored, "segments.recording_id", None, "no name", "recording_missing")
            continue
        files = disk.get(name)
        if files is None:
            yield _difference(stored, "segments.recording_id", name, "no file", "recording_missing")
        elif not files.tracks >= TRACKS:
            there = ", ".join(sorted(files.tracks)) or "no file"
            yield _difference(stored, "segments.recording_id", name, f"only {there}", "recording_missing")
        elif not files.done and not cut_off and stored.ended_at and now - stored.ended_at > MARKED_WITHIN:
            yield _difference(stored, "segments.recording_id", name, "no .done", "recording_unfinished")


def unclaimed(stored: Call, mine: Sequence[RecordingFiles]) -> Iterator[Difference]:
    """Find a stored call's recordings that none of its segments names; what an agent's desk sent need not be named."""
    claimed = {segment.recording_id for segment in stored.segments}
    for files in mine:
        if files.recording_id not in claimed and not files.uploaded:
            yield _difference(stored, "segments", "names it nowhere", files.recording_id, "recording_unclaimed")


def _difference(stored: Call, field: str, ours: str | None, theirs: str, advice: str) -> Difference:
    return Difference(stored.call_ref, field, "recordings", ours, theirs, advice, stored.offered_at)
