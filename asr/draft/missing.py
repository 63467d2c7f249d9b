"""What the agent still has to ask."""

from collections.abc import Mapping
from typing import Any

from asr.draft.taxonomy import Taxonomy


def missing(fields: Mapping[str, Any], taxonomy: Taxonomy) -> tuple[str, ...]:
    """Name the facts that a ticket's matter requires and that have no value yet, in asking order.

    `fields` is a ticket's JSON; without a known category, the facts that every matter requires. Pure.
    """
    code = (fields.get("category") or {}).get("value")
    matter = next((matter for matter in taxonomy.matters if matter.code == code), None)
    required = set(matter.required) if matter else set.intersection(*(set(each.required) for each in taxonomy.matters))
    if matter is None:
        required.add("category")
    return tuple(name for name in taxonomy.questions if name in required and not (fields.get(name) or {}).get("value"))
