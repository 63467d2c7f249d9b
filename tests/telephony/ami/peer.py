"""A scripted peer on loopback: it says on the wire what a test wants Asterisk to say."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One accepted connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def action(self) -> dict[str, str]:
        """Read one action."""
        block = await self.reader.readuntil(b"\r\n\r\n")
        return dict(line.split(": ", 1) for line in block.decode().strip().split("\r\n"))

    async def say(self, *lines: str) -> None:
        """Send one message."""
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        await self.writer.drain()

    async def accept_login(self) -> None:
        self.writer.write(GREETING)
        login = await self.action()
        await self.say("Response: Success", f"ActionID: {login['ActionID']}", "Message: Authentication accepted")

    async def answer_pings(self) -> None:
        """Answer every action with Success until the client goes."""
        while True:
            asked = await self.action()
            await self.say("Response: Success", f"ActionID: {asked['ActionID']}", f"Asked: {asked['Action']}")


@asynccontextmanager
async def listening(*scripts: Script, port: int = 0) -> AsyncIterator[int]:
    """Serve the scripts, one a connection and the last one for all further connections; gives the port."""
    left = list(scripts)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = left.pop(0) if len(left) > 1 else left[0]
        try:
            await script(Peer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
