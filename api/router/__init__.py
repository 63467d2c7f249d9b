"""The process between Asterisk's events and the stored calls."""

from api.router.duty import run_router

__all__ = ["run_router"]
