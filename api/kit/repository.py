"""All SQL lives in repositories; each holds the session of its transaction."""

from sqlalchemy.ext.asyncio import AsyncSession


class Repository:
    """Base of all repositories."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
