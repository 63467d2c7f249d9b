"""The shared Asterisk of the telephony tests, and one of a test's own, for routers that are run against them."""

from tests.support.own_asterisk import environment, folder, sound
from tests.telephony.conftest import hotline, install

__all__ = ["environment", "folder", "hotline", "install", "sound"]
