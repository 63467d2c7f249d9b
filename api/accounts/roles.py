"""Who may do what."""

from enum import StrEnum


class Permission(StrEnum):
    """What a route asks for."""

    READ_CALLS = "calls:read"
    HEAR_RECORDINGS = "recordings:hear"
    READ_TICKETS = "tickets:read"
    EXPORT = "calls:export"
    READ_METRICS = "metrics:read"


_READ = frozenset({Permission.READ_CALLS, Permission.HEAR_RECORDINGS, Permission.READ_TICKETS})
_WITH_EXPORT = _READ | {Permission.EXPORT}
_ALL = frozenset(Permission)

# A machine reads and is watched; only people whose work it is take lists of citizens away.
PERMISSIONS: dict[str, frozenset[Permission]] = {
    "agent": _READ,
    "qa": _WITH_EXPORT,
    "supervisor": _ALL,
    "admin": _ALL,
    "machine": _READ | {Permission.READ_METRICS},
}
