from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from telephony.calls.facts import Microseconds

GAP_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Mark:
    """Until when nothing was missed, by Asterisk's own clock: the time of the last event that came.

    `offset_seconds`: how far this machine's clock (which Asterisk's records go by) then was ahead of a clock that
    nobody steps.
    """

    at: Microseconds
    offset_seconds: float

    def missed_since(self, offset_seconds: float) -> datetime:
        """Give the moment from which Asterisk's records must be read, when the clocks now differ by `offset_seconds`.

        A clock that was set back since writes what happens now before the mark.
        """
        set_back = timedelta(seconds=min(0.0, offset_seconds - self.offset_seconds))
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.at) + set_back - GAP_MARGIN
