"""Applications that are served beside the mock, and loaded after it."""

import importlib
import threading

import httpx
import pytest

from bff_contracts.http import Receive, Scope, Send
from bff_mock_server.serving.server import Listener, bind, running


async def hello(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def test_a_connection_waits_until_its_application_is_served() -> None:
    listener = Listener(hello, bind("127.0.0.1", 0))
    with running([listener]):
        assert httpx.get(f"http://127.0.0.1:{listener.port}").text == "hello"


def test_a_server_can_be_stopped_before_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    loading, stopped = threading.Event(), threading.Event()

    def slowly(name: str) -> object:
        loading.set()
        assert stopped.wait(30)
        return importlib.import_module(name)

    monkeypatch.setattr("bff_mock_server.serving.server.import_module", slowly)
    listener = Listener(hello, bind("127.0.0.1", 0), close=stopped.set)
    with running([listener]):
        assert loading.wait(30)

    assert stopped.is_set()
    assert listener.socket.fileno() != -1
    listener.socket.close()
