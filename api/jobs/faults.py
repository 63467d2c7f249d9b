"""What passes by itself: a database that is away, starting, or stopping raises these."""

import psycopg
from procrastinate.exceptions import ConnectorException
from sqlalchemy.exc import DBAPIError

PASSING_FAULTS = (DBAPIError, ConnectorException, psycopg.OperationalError, ConnectionError, TimeoutError)
