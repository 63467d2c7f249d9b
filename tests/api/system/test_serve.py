import socket

import pytest

from api.app import CannotListen, serve
from api.kit.settings import HttpSettings, Settings


async def test_a_port_that_is_taken_is_named(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = settings.model_copy(update={"http": HttpSettings(port=port)})
        with pytest.raises(CannotListen, match=f"port {port}.*--port"):
            await serve(taken)
