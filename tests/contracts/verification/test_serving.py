"""The provider is served for as long as its event loop runs, and leaves no connection behind."""

import http.client
from typing import Any

from bff_contracts.threads import LoopThread
from bff_contracts.verification.serving import serving


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


def test_a_loop_that_ends_with_the_context_open_closes_its_connections() -> None:
    """So it is with a loop that was held and given up; Python would warn of the connection in some later test."""
    loop = LoopThread("provider under verification")
    context = serving(app)
    address = loop.run(context.__aenter__(), seconds=10)
    client = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    client.request("GET", "/")
    client.getresponse().read()
    connection: Any = client.sock

    loop.close(seconds=10)

    assert connection.recv(1) == b""
    client.close()
    del context
