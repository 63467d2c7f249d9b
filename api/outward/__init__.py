"""Calls that agents place: to citizens who gave up, to units, on behalf of a ticket."""
