"""The shared Asterisk of the telephony tests, for routers that are run against it."""

from tests.telephony.conftest import hotline, install

__all__ = ["hotline", "install"]
