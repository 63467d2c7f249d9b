import re
from dataclasses import dataclass

# A site's name is an endpoint, a label of the dialplan, a value in AstDB and the agent in a recording's name.
SITE_NAME = re.compile(r"[a-z][a-z0-9]{1,19}\Z")
# A desk's name is a queue, a label of the dialplan and a value in AstDB.
DESK_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}\Z")


@dataclass(frozen=True, slots=True)
class Desk:
    """A queue of its own for some callers (dialect, enterprise), whose agents also serve the hotline.

    Who dials one of `numbers` reaches it, and who is written down for it (`desk/<digits>` in AstDB). After
    `wait_seconds` without an answer, or at once when nobody is there, the caller is in the hotline's queue.
    """

    name: str
    zh: str
    en: str
    numbers: tuple[str, ...] = ()
    wait_seconds: int = 30


@dataclass(frozen=True, slots=True)
class OtherSite:
    """Another hotline, with a system of its own, that callers may be led to: `number` at `host` (`host:port`).

    What nobody there answers within `ring_seconds` comes back into the own queue.
    """

    name: str
    zh: str
    en: str
    host: str
    number: str = "12345"
    ring_seconds: int = 20
