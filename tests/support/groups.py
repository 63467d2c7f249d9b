"""Which tests run in one process when two run side by side (`make test`)."""

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

REAL_CALLS = ("tests/scenarios/", "tests/telephony/", "tests/api/router/", "tests/api/console/test_bar_in_browser.py")
"""Tests that place real calls share one Asterisk or one system, and keep time: one after the other, from the start."""


def group(nodeid: str) -> str:
    """Name a test's group by its id: the real calls, or else its own file."""
    return "real calls" if nodeid.startswith(REAL_CALLS) else nodeid.partition("::")[0]


def give_way(nodeid: str) -> None:
    """Let real calls, which cannot wait, have the processor first: everything else runs while they leave it idle."""
    if not nodeid.startswith(REAL_CALLS) and os.sched_getscheduler(0) != os.SCHED_IDLE:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def arrange(items: list[pytest.Item]) -> None:
    """Bring the longest group first: what begins late ends alone."""
    items.sort(key=lambda item: not item.nodeid.startswith(REAL_CALLS))


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist carries no types
    """Hands out whole groups; pytest-xdist's own `loadgroup` has no effect with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
