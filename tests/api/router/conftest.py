"""One Asterisk of a test's own, for routers that are run against it."""

from tests.support.own_asterisk import environment, folder, sound

__all__ = ["environment", "folder", "sound"]
