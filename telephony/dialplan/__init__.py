"""The dialplan's proof: from 12345 every path reaches a human, and no menu stands on the way."""

from telephony.dialplan.findings import Finding
from telephony.dialplan.proof import check
from telephony.dialplan.queues import check_queues

__all__ = ["Finding", "check", "check_queues"]
