"""Starts the processes of one machine and starts them again when they die."""

from api.supervisor.part import Part
from api.supervisor.state import PartState, read_states
from api.supervisor.supervisor import PartFailedError, Supervisor

__all__ = ["Part", "PartFailedError", "PartState", "Supervisor", "read_states"]
