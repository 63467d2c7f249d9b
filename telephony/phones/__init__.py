"""Phones that ring for real: SIPp as citizens and agents, for tests, the demo and drills."""

from telephony.phones.agent import AgentPhone
from telephony.phones.citizen import PlacedCall, place_call
from telephony.phones.sipp import PhoneError

__all__ = ["AgentPhone", "PhoneError", "PlacedCall", "place_call"]
