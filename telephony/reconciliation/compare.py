"""A period's stored calls against all that Asterisk wrote of it: pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from telephony.calls.facts import uniqueid_second
from telephony.calls.model import Call
from telephony.reconciliation.cdr import against_cdr
from telephony.reconciliation.cel import against_cel, as_cel_tells
from telephony.reconciliation.difference import Difference, Record, shown
from telephony.reconciliation.queue_log import against_queue_log
from telephony.reconciliation.recordings import against_recordings, unclaimed
from telephony.reconciliation.records import LONGEST_CALL, Records
from telephony.records.recordings import RecordingFiles

# What happened this short a time ago may be on its way to the database or to a file.
SETTLED_AFTER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a comparison looked at and found; `running` calls had not ended for either side."""

    calls: int
    running: int
    in_records: Mapping[Record, int]
    differences: tuple[Difference, ...]


def compare(stored: Iterable[Call], records: Records, since: datetime, until: datetime, now: datetime) -> Findings:
    """Compare the stored calls offered in [since, until) with Asterisk's records of them.

    `stored` may reach beyond the period by a few seconds: who lies on its edge is then not taken for missing. What was
    sent from an agent's desk (walk-ins) is no call of Asterisk's and is passed over.
    """
    return _Comparison([call for call in stored if uniqueid_second(call.call_ref)], records, since, until, now).run()


def repairs(findings: Findings, stored: Iterable[Call], records: Records) -> list[Call]:
    """Give the calls that CEL settles: those it tells to the end, or that are not stored at all or still open."""
    wrong = {each.call_ref for each in findings.differences if each.record == "cel" and each.call_ref in records.cel}
    known = {call.call_ref: call for call in stored}
    settled = []
    for call_ref in wrong:
        told = records.cel[str(call_ref)]
        before = known.get(told.call_ref)
        if before is None:
            settled.append(told)
        elif told.ended_at is not None or before.ended_at is None:
            settled.append(as_cel_tells(told, before))
    return sorted(settled, key=lambda call: (call.offered_at, call.call_ref))


class _Comparison:
    def __init__(
        self, stored: Sequence[Call], records: Records, since: datetime, until: datetime, now: datetime
    ) -> None:
        self._all = stored
        self._stored = {call.call_ref: call for call in stored}
        self._records = records
        self._since, self._until, self._now = since, until, now
        self._on_disk: dict[str, list[RecordingFiles]] = defaultdict(list)
        for files in records.recordings.values():
            self._on_disk[files.call_ref].append(files)

    def run(self) -> Findings:
        judged = [call for call in self._stored.values() if self._since <= call.offered_at < self._until]
        found = [difference for call in judged for difference in self._of_call(call)]
        found += self._not_stored()
        found += self._twice()
        found = [*self._of_records(found), *self._without_what_lies_before(found)]
        found.sort(key=lambda each: (each.offered_at or self._since, each.call_ref or "", each.record, each.field))
        return Findings(
            calls=len(judged),
            running=sum(call.ended_at is None for call in judged),
            in_records={
                "cel": self._count(self._records.cel),
                "queue_log": self._count(self._records.queue_log),
                "cdr": self._count(self._records.cdr),
                "recordings": sum(self._in_period(each.call_ref) for each in self._records.recordings.values()),
            },
            differences=tuple(found),
        )

    def _of_call(self, call: Call) -> Iterator[Difference]:
        told = self._records.cel.get(call.call_ref)
        if told is None:
            if not self._young(call.ended_at or call.offered_at):
                yield from self._missing(call, "cel")
        elif not (call.ended_at is None and told.ended_at and self._young(told.ended_at)):
            yield from against_cel(call, told)
        if call.ended_at is None:
            if (told is None or told.ended_at is None) and self._now - call.offered_at > LONGEST_CALL:
                yield Difference(call.call_ref, "ended_at", "cel", None, None, "still_open", call.offered_at)
            return
        if not self._young(call.ended_at):
            # Asterisk died with it: what is written at the end of a call was not.
            cut_off = told is not None and told.ended_at is None
            yield from self._against_queue_log(call, told)
            yield from self._against_cdr(call, cut_off=cut_off)
            if "recordings" not in self._records.unreadable:
                yield from against_recordings(call, self._records.recordings, self._now, cut_off=cut_off)
                yield from unclaimed(call, self._on_disk.get(call.call_ref, []))

    def _against_queue_log(self, call: Call, told: Call | None) -> Iterator[Difference]:
        queued = self._records.queue_log.get(call.call_ref)
        legs = self._records.cdr.get(call.call_ref)
        if queued is not None:
            elsewhere = bool(legs.answered) if legs else bool(told and told.segments)
            yield from against_queue_log(call, queued, answered_elsewhere=elsewhere)
        elif call.waits or call.via == "queue":
            yield from self._missing(call, "queue_log")

    def _against_cdr(self, call: Call, *, cut_off: bool) -> Iterator[Difference]:
        legs = self._records.cdr.get(call.call_ref)
        if cut_off:
            return
        if legs is None:
            yield from self._missing(call, "cdr")
        else:
            yield from against_cdr(call, legs)

    def _missing(self, call: Call, record: Record) -> Iterator[Difference]:
        if record not in self._records.unreadable:
            yield Difference(call.call_ref, "call", record, call.outcome, None, "missing_in_record", call.offered_at)

    def _not_stored(self) -> Iterator[Difference]:
        """Find the calls that a record tells and the database does not, each once, by the most exact record."""
        sources: dict[str, list[Record]] = defaultdict(list)
        records = self._records
        each: tuple[tuple[Record, Iterable[str]], ...] = (
            ("cel", records.cel),
            ("queue_log", records.queue_log),
            ("cdr", records.cdr),
            ("recordings", (ref for ref, mine in self._on_disk.items() if not all(file.uploaded for file in mine))),
        )
        for record, refs in each:
            for call_ref in refs:
                if call_ref not in self._stored and self._in_period(call_ref) and not self._young(self._last(call_ref)):
                    sources[call_ref].append(record)
        for call_ref, tellers in sources.items():
            told = records.cel.get(call_ref)
            says = f"{told.outcome if told else 'call'} ({', '.join(tellers)})"
            began = self._began(call_ref)
            yield Difference(call_ref, "call", tellers[0], None, says, "missing_in_database", began)

    def _twice(self) -> Iterator[Difference]:
        """Find what stands for one contact and is stored as two."""
        keys: dict[tuple[str, str], list[Call]] = defaultdict(list)
        for call in self._all:
            keys["call_ref", call.call_ref].append(call)
            if call.sip_call_id:
                keys["sip_call_id", call.sip_call_id].append(call)
            for name in {segment.recording_id for segment in call.segments if segment.recording_id}:
                keys["segments.recording_id", name].append(call)
        for (field, key), calls in keys.items():
            first, *others = calls
            for other in others:
                if self._since <= other.offered_at < self._until and (field == "call_ref" or other is not first):
                    says = f"{first.call_ref}: {key}"
                    yield Difference(other.call_ref, field, "database", key, says, "twice", other.offered_at)

    def _of_records(self, found: Sequence[Difference]) -> Iterator[Difference]:
        """Tell of a whole record at once what would else be told of each call: it is unreadable, or begins later."""
        for record, reason in self._records.unreadable.items():
            yield Difference(None, "records", record, None, reason, "records_unreadable")
        for record in ("cel", "queue_log", "cdr"):
            before = [each for each in found if self._lies_before(each, record)]
            if before:
                begins = self._records.begins.get(record)
                says = f"begins {shown(begins)}" if begins else "no file"
                yield Difference(None, "records", record, f"{len(before)} calls before", says, "records_begin")

    def _without_what_lies_before(self, found: Sequence[Difference]) -> list[Difference]:
        return [each for each in found if not self._lies_before(each, each.record)]

    def _lies_before(self, difference: Difference, record: Record) -> bool:
        if difference.advice != "missing_in_record" or difference.record != record or difference.offered_at is None:
            return False
        begins = self._records.begins.get(record)
        return begins is None or difference.offered_at < begins

    def _began(self, call_ref: str) -> datetime | None:
        told = self._records.cel.get(call_ref)
        if told is not None:
            return told.offered_at
        second = uniqueid_second(call_ref)
        return None if second is None else datetime.fromtimestamp(second, UTC)

    def _last(self, call_ref: str) -> datetime | None:
        """Give the last moment that any record tells of a call."""
        told = self._records.cel.get(call_ref)
        queued = self._records.queue_log.get(call_ref)
        legs = self._records.cdr.get(call_ref)
        moments = [
            self._began(call_ref),
            told.ended_at if told else None,
            datetime.fromtimestamp(queued.left_at, UTC) if queued and queued.left_at else None,
            legs.ended_at if legs else None,
        ]
        return max((moment for moment in moments if moment), default=None)

    def _in_period(self, call_ref: str) -> bool:
        began = self._began(call_ref)
        return began is not None and self._since <= began < self._until

    def _count(self, told: Iterable[str]) -> int:
        return sum(self._in_period(call_ref) for call_ref in told)

    def _young(self, moment: datetime | None) -> bool:
        return moment is not None and moment > self._now - SETTLED_AFTER
