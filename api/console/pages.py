"""Templates: everything they print is escaped, everything they need is handed to them."""

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.console import promises, words
from api.kit.settings import Settings

TEMPLATES = Path(__file__).resolve().parent / "templates"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {
            "caller": words.caller,
            "clock_time": words.clock_time,
            "day_time": words.day_time,
            "seconds": words.seconds,
            "position": words.position,
            "percent": words.percent,
        }
    )
    environment.globals.update(
        {
            "STATES": words.STATES,
            "VIA": words.VIA,
            "TRANSCRIPT_STATES": words.TRANSCRIPT_STATES,
            "RESULTS": promises.RESULTS,
            "FIELDS": words.FIELDS,
            "SUSPECTED": words.SUSPECTED,
        }
    )
    return environment


def render(request: Request, template: str, **values: Any) -> str:
    """Return a template's HTML."""
    settings: Settings = request.app.state.settings
    return _environment().get_template(template).render(timezone=settings.timezone, **values)
