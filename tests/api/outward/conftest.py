"""Callbacks to dial, as in tests/api/callbacks."""

from tests.api.callbacks.conftest import follower

__all__ = ["follower"]
