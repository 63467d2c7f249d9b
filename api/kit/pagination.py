"""Lists page by cursor: the place after the last row shown, opaque to the caller."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime

from api.kit.problems import BadRequest


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
            raise BadCursor("This cursor was not given out by this list. Start without one.") from error
        if moment.tzinfo is None or not isinstance(key, str) or "\0" in key:
            raise BadCursor("This cursor was not given out by this list. Start without one.")
        return cls(moment, key)
