"""The command line `zhitong`: one verb a file."""

from api.cli.app import main

__all__ = ["main"]
