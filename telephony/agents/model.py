"""What an agent does, in spells that follow each other without a gap."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

State = Literal["offline", "idle", "ringing", "talking", "wrap_up", "paused"]


@dataclass(frozen=True, slots=True)
class AgentSpell:
    """An agent was in one state from `started_at` to `ended_at` (None while it lasts).

    `agent` is the extension. `reason` says why offline or paused (`telephony.agents.reasons`, or the words of who
    paused). `call_ref` names the call while ringing or talking, where there is one: an agent may also dial out.
    """

    agent: str
    node: str
    state: State
    reason: str | None
    call_ref: str | None
    started_at: datetime
    ended_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """How long it lasted; None while it does."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the API and the command line print."""
        return {
            "agent": self.agent,
            "node": self.node,
            "state": self.state,
            "reason": self.reason,
            "call_ref": self.call_ref,
            "started_at": self.started_at.isoformat(timespec="microseconds"),
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(timespec="microseconds"),
        }


@dataclass(frozen=True, slots=True)
class Revision:
    """From `since` on, an agent's spells on a node are these: what was told before of that time is void.

    A spell that was told to last beyond `since` ended there.
    """

    agent: str
    node: str
    since: datetime
    spells: tuple[AgentSpell, ...]

    def after(self, earlier: "Revision") -> "Revision":
        """Give the one revision that says what `earlier` and then this one say of the same agent."""
        kept = tuple(
            replace(spell, ended_at=self.since) if spell.ended_at is None or spell.ended_at > self.since else spell
            for spell in earlier.spells
            if spell.started_at < self.since
        )
        return Revision(self.agent, self.node, min(self.since, earlier.since), kept + self.spells)
