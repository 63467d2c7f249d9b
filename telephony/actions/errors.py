"""What can be wrong with an order to Asterisk."""

from telephony.errors import TelephonyError


class ActionInvalid(TelephonyError):
    """An order that cannot be given: a value that is none, somebody who is not there; the message says which."""

    error_id = "action-invalid"


class NoSuchTalk(ActionInvalid):
    """The agent is in no call that this could be done to."""

    error_id = "action-no-such-talk"
