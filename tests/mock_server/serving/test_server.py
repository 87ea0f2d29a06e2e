"""Applications that run beside the mock and are loaded on demand."""

import asyncio
import importlib
import socket
import threading
import traceback
from collections.abc import Sequence

import httpx
import pytest

from bff_contracts.http import Receive, Scope, Send
from bff_mock_server.serving.server import Beside, Listener, bind, running
from tests.support.golden import Golden


async def hello(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def test_a_connection_waits_until_its_application_is_served() -> None:
    listener = Listener(hello, bind("127.0.0.1", 0))
    with running([listener]):
        assert httpx.get(f"http://127.0.0.1:{listener.port}").text == "hello"


def test_uvicorn_is_loaded_for_the_first_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def noted(name: str) -> object:
        loaded.append(name)
        return importlib.import_module(name)

    monkeypatch.setattr("bff_mock_server.serving.server.import_module", noted)
    unused, used = (Listener(hello, bind("127.0.0.1", 0)) for _ in range(2))
    with running([unused, used]):
        assert httpx.get(f"http://127.0.0.1:{used.port}").text == "hello"

    assert loaded == ["bff_mock_server.serving.asgi"]
    assert (unused.socket.fileno(), used.socket.fileno()) == (-1, -1)


def test_a_server_can_be_stopped_before_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    loading, stopped = threading.Event(), threading.Event()

    def slowly(name: str) -> object:
        loading.set()
        assert stopped.wait(30)
        return importlib.import_module(name)

    monkeypatch.setattr("bff_mock_server.serving.server.import_module", slowly)
    listener = Listener(hello, bind("127.0.0.1", 0), close=stopped.set)
    with running([listener]), socket.create_connection(("127.0.0.1", listener.port)):
        assert loading.wait(30)

    assert stopped.is_set()
    assert listener.socket.fileno() == -1


class Failing:
    """Work that fails as soon as it may."""

    def __init__(self) -> None:
        self.may, self.did = threading.Event(), threading.Event()

    async def __call__(self) -> None:
        assert await asyncio.to_thread(self.may.wait, 30)
        self.did.set()
        raise OSError("no space left")


async def waits_for_ever() -> None:
    await asyncio.Event().wait()


def serve(
    failing: Failing, beside: Sequence[Beside], at_end: Sequence[Beside], *, error: Exception | None = None
) -> None:
    listener = Listener(hello, bind("127.0.0.1", 0))
    with listener.socket, running([listener], beside=beside, at_end=at_end):
        failing.may.set()
        assert failing in at_end or failing.did.wait(30)
        if error is not None:
            raise error


@pytest.mark.parametrize("when", ["beside", "at_end"])
def test_an_error_that_stops_the_server_is_raised_at_the_end_and_logged(
    when: str, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    failing = Failing()
    beside, at_end = ([failing], []) if when == "beside" else ([waits_for_ever], [failing])
    with pytest.raises(RuntimeError) as stopped:
        serve(failing, beside, at_end)

    assert "no space left" in "".join(traceback.format_exception(stopped.value))
    (record,) = (record for record in caplog.records if record.name == "bff_mock_server")
    golden.check(str(stopped.value))
    golden.check(record.message)


def test_an_error_of_the_test_itself_is_not_replaced(caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing()
    with pytest.raises(httpx.ConnectError):
        serve(failing, [failing], [], error=httpx.ConnectError("refused"))

    assert "no space left" in caplog.text
