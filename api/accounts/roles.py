"""Who may do what."""

from enum import StrEnum


class Permission(StrEnum):
    """What a route asks for."""

    READ_CALLS = "calls:read"
    HEAR_RECORDINGS = "recordings:hear"
    UPLOAD_RECORDINGS = "recordings:upload"
    READ_TICKETS = "tickets:read"
    EDIT_TICKETS = "tickets:edit"
    EXPORT = "calls:export"
    READ_METRICS = "metrics:read"
    READ_SPEECH_REPORT = "speech:report"
    READ_RECONCILIATIONS = "reconciliations:read"
    READ_LIVE = "queues:live"
    READ_QUEUES = "queues:read"
    READ_ENFORCEMENT = "enforcement:read"
    PLACE_CALLBACKS = "callbacks:place"
    READ_AGENTS = "agents:read"
    USE_PHONE = "agents:own"
    DIRECT_AGENTS = "agents:direct"
    READ_STAFFING = "staffing:read"


_READ = frozenset({Permission.READ_CALLS, Permission.HEAR_RECORDINGS, Permission.READ_TICKETS, Permission.READ_AGENTS})
_ALL = frozenset(Permission)

# A machine reads and is watched; only people whose work it is take lists of citizens away. Who audits changes nothing.
PERMISSIONS: dict[str, frozenset[Permission]] = {
    "agent": _READ
    | {Permission.EDIT_TICKETS, Permission.UPLOAD_RECORDINGS, Permission.USE_PHONE}
    | {Permission.READ_LIVE, Permission.PLACE_CALLBACKS},
    "qa": _READ
    | {Permission.EXPORT, Permission.READ_SPEECH_REPORT}
    | {Permission.READ_LIVE, Permission.READ_QUEUES, Permission.READ_ENFORCEMENT},
    "supervisor": _ALL,
    "admin": _ALL,
    "machine": _READ
    | {
        *(Permission.READ_METRICS, Permission.UPLOAD_RECORDINGS, Permission.READ_RECONCILIATIONS),
        Permission.READ_STAFFING,
        *(Permission.READ_LIVE, Permission.READ_QUEUES, Permission.READ_ENFORCEMENT),
    },
}
