"""Which tests must run in one process when two run side by side (`make test`): those that share a costly part."""

import pytest

SYSTEM, ASTERISK = "system", "asterisk"
_FIRST = (SYSTEM, ASTERISK)


def group(item: pytest.Item) -> str:
    """Name an item's group: the whole system, the one Asterisk of the telephony tests, or else its own file."""
    if "scenarios" in item.path.parts[-2:-1]:
        return SYSTEM
    if "hotline" in getattr(item, "fixturenames", ()):
        return ASTERISK
    return item.nodeid.partition("::")[0]


def arrange(items: list[pytest.Item]) -> None:
    """Mark each item with its group, and bring the longest groups first: what begins late ends alone."""

    def begins(item: pytest.Item) -> int:
        return _FIRST.index(group(item)) if group(item) in _FIRST else len(_FIRST)

    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=begins)
