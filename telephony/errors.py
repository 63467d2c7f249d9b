"""The errors of telephony; each carries a stable `error_id` and says what to do."""


class TelephonyError(Exception):
    """Something about Asterisk, its protocol or its files is wrong."""

    error_id = "telephony"
