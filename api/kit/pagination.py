"""Lists page by cursor: the place after the last row shown, opaque to the caller."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from api.kit.problems import BadRequest

Row = TypeVar("Row")
_DIGITS = 18


class BadCursor(BadRequest):
    """A cursor that no list of ours gave out."""

    error_id = "bad_cursor"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of the page before: its time and its key (keys break ties of equal times)."""

    at: datetime
    key: str

    def encode(self) -> str:
        """Return the cursor as it stands in a URL."""
        text = json.dumps([self.at.isoformat(), self.key])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Read a cursor from a URL; raises BadCursor."""
        try:
            at, key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            moment = datetime.fromisoformat(at)
        except (binascii.Error, ValueError, TypeError) as error:
            raise _foreign() from error
        if moment.tzinfo is None or not isinstance(key, str) or "\0" in key:
            raise _foreign()
        return cls(moment, key)

    @property
    def number(self) -> int:
        """The key of a list whose keys are numbers. Raises BadCursor."""
        if not (self.key.isascii() and self.key.isdigit() and len(self.key) <= _DIGITS):
            raise _foreign()
        return int(self.key)


def cut(rows: Sequence[Row], limit: int, place: Callable[[Row], Cursor]) -> tuple[list[Row], str | None]:
    """Return a page of rows, of which one more than `limit` was read, and the cursor of the next page, if any."""
    shown = list(rows[:limit])
    return shown, place(shown[-1]).encode() if len(rows) > limit else None


def _foreign() -> BadCursor:
    return BadCursor("This cursor was not given out by this list. Start without one.")
