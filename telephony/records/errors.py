"""What can be wrong with Asterisk's own records."""

from telephony.errors import TelephonyError


class RecordsUnreadable(TelephonyError):
    """Asterisk's records are not where they should be, or cannot be read."""

    error_id = "records-unreadable"
