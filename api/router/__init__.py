"""The process between Asterisk's events and the stored calls."""

from api.router.router import run_router

__all__ = ["run_router"]
