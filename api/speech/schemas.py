"""The learning report as it is sent."""

from datetime import date

from pydantic import BaseModel, Field


class FieldTickets(BaseModel):
    """The tickets behind a field's figures."""

    unchanged: list[str]
    corrected: list[str]
    left_empty: list[str]


class FieldFiguresOut(BaseModel):
    """One field: `accuracy` is unchanged ÷ decided, null where nobody decided; `drafts` counts all of the period."""

    drafts: int
    unchanged: int
    corrected: int
    left_empty: int
    decided: int
    accuracy: float | None
    tickets: FieldTickets


class ConfusionOut(BaseModel):
    """The machine said one, the agent the other."""

    field: str
    machine: str | None
    agent: str | None
    count: int
    tickets: list[str]


class PlaceOut(BaseModel):
    """A place that agents typed and the gazetteer lacks."""

    field: str
    text: str
    count: int
    tickets: list[str]


class WordOut(BaseModel):
    """A word of calls whose category was corrected to this one, which its phrases in the taxonomy lack."""

    category: str
    word: str
    count: int
    tickets: list[str]


class ReportOut(BaseModel):
    """What a period's corrections teach; both days are included."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    fields: dict[str, FieldFiguresOut]
    confusions: list[ConfusionOut]
    places_lacking: list[PlaceOut]
    words_lacking: list[WordOut]
