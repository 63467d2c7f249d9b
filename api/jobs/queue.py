"""The job queue, in the same database as everything else."""

from datetime import UTC, datetime, timedelta
from typing import cast

import psycopg
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from sqlalchemy.ext.asyncio import AsyncSession

TASK = "transcribe_recording"
QUEUE = "transcription"
# How long a job waits for a worker that hears the recording live, before it looks again.
LIVE_SECONDS = 2
_LONGEST_WAIT_SECONDS = 60


class BackOff(BaseRetryStrategy):
    """Try again after 1, 2, 4 … 60 seconds, without end: what cannot be cured is no error but a stored result."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to try again."""
        del exception
        wait = min(_LONGEST_WAIT_SECONDS, 2 ** min(job.attempts, 10))
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=wait))


def open_queue(url: str) -> App:
    """Return the queue at this database; `async with queue.open_async()` connects it."""
    return App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=6, timeout=10))


async def defer_transcription(
    queue: App, session: AsyncSession, recording_id: str, call_ref: str, *, wait_seconds: int = 0
) -> None:
    """Order a transcription within the transaction of `session`: both are stored or neither.

    Jobs of one call run one after the other, because all of them draft the same ticket.
    """
    raw = await (await session.connection()).get_raw_connection()
    connection = cast("psycopg.AsyncConnection", raw.driver_connection)
    schedule_in = {"seconds": wait_seconds} if wait_seconds else None
    await queue.configure_task(
        TASK,
        queue=QUEUE,
        lock=call_ref,
        queueing_lock=recording_id,
        connection=connection,
        schedule_in=schedule_in,
    ).defer_async(recording_id=recording_id)
