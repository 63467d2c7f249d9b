"""What can go wrong between this program and Asterisk's manager port."""

from telephony.errors import TelephonyError


class AmiError(TelephonyError):
    """Something about the manager connection is wrong."""

    error_id = "ami"


class UnsafeAction(AmiError):
    """A key or value would break out of its line and run as another action."""

    error_id = "ami-unsafe-action"


class NotConnected(AmiError):
    """There is no logged-in manager connection, or it was lost before the answer came."""

    error_id = "ami-not-connected"


class LoginRefused(AmiError):
    """Asterisk does not accept this user or secret."""

    error_id = "ami-login-refused"


class ActionRefused(AmiError):
    """Asterisk answered an action with an error."""

    error_id = "ami-action-refused"


class ActionTimeout(AmiError):
    """Asterisk did not answer an action in time."""

    error_id = "ami-action-timeout"
