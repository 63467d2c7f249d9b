"""What /api/v1/agents says and takes."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class AgentOut(BaseModel):
    """An agent now. Times are moments, so that a reader's own clock counts on."""

    extension: str
    name: str
    state: str | None = Field(description="offline, idle, ringing, talking, wrap_up, paused; null: nothing known yet")
    reason: str | None
    call_ref: str | None
    since: AwareDatetime | None
    held_until: AwareDatetime | None = Field(description="when the router ends the wrap-up or the missed-call pause")
    missed: int = Field(description="calls missed in a row, while paused for it")


class AgentList(BaseModel):
    """Every agent, by extension."""

    items: list[AgentOut]


class OrderIn(BaseModel):
    """What a verb needs besides the agent."""

    model_config = ConfigDict(extra="forbid")
    reason: str | None = None
    to: str | None = None
    number: str | None = None
    supervisor: str | None = None
    queue: str | None = None
    value: int | None = None
    # What a placed call is about; stored with the order, which names the recording.
    call_ref: str | None = None
    ticket_id: str | None = None


class OrderOut(BaseModel):
    """What was done."""

    command_id: int
    dial_ref: str | None = None
