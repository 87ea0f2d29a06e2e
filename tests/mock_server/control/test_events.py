"""The event stream of the control page: requests, changes, and its end when the mock stops."""

import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from bff_mock_server import MockApp
from bff_mock_server.control import ControlApp
from bff_mock_server.control import events as module
from bff_mock_server.control.events import events
from bff_mock_server.serving import protocol
from bff_mock_server.serving.guard import Guard
from bff_mock_server.serving.server import Listener, bind, running
from tests.mock_server.building import KEY, PAGE, ras_app, request
from tests.mock_server.serving.connections import everything
from tests.support.mock_process import running_mock

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TICK_SECONDS", 0.001)


def follow(app: MockApp, after: int = 0) -> AsyncIterator[str]:
    return events(app.mock, after=after, is_closing=lambda: False)


async def following(stream: AsyncIterator[str]) -> tuple[str, Any]:
    """The next event: its name and its data."""
    name, data = (await anext(stream)).strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_what_was_asked_before_comes_first_and_then_what_arrives() -> None:
    app = ras_app()
    app.reply(request(PAGE))
    stream = follow(app)

    _, first = await following(stream)
    app.reply(request(f"{PAGE}&sort=up"))
    name, then = await following(stream)

    assert (first["count"], [one["number"] for one in first["exchanges"]]) == (1, [1])
    assert (name, then["count"], [one["status"] for one in then["exchanges"]]) == ("exchanges", 2, [400])
    assert KEY not in json.dumps([first, then])


@pytest.mark.parametrize(
    ("after", "same_run", "numbers"),
    [(1, True, [2]), (2, True, []), (1, False, [1, 2])],
    ids=["some", "all", "of-another-run"],
)
async def test_what_the_page_knows_does_not_come_again(
    after: int,
    same_run: bool,  # noqa: FBT001
    numbers: list[int],
) -> None:
    app = ras_app()
    for _ in range(2):
        app.reply(request(PAGE))

    start = app.mock.journal.start if same_run else "another"
    _, first = await following(events(app.mock, after=after, start=start, is_closing=lambda: False))

    assert [one["number"] for one in first["exchanges"]] == numbers


async def test_of_very_many_the_latest_come() -> None:
    app = ras_app()
    for _ in range(300):
        app.reply(request("/healthz", headers={}))

    _, first = await following(follow(app))

    assert (first["count"], [one["number"] for one in first["exchanges"]]) == (300, list(range(251, 301)))


async def test_other_changes_are_sent_once() -> None:
    app = ras_app()
    stream = follow(app)
    await following(stream)
    app.mock.arm("*", "reset")
    armed = await following(stream)
    app.mock.problem = "a file is broken"
    broken = await following(stream)
    app.reply(request(PAGE))

    assert (armed, broken) == (("changed", {}), ("changed", {}))
    assert (await following(stream))[0] == "exchanges"


async def test_silence_is_broken_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SILENT_TICKS", 3)
    stream = follow(ras_app())
    await following(stream)

    assert await anext(stream) == ": still here\n\n"


async def test_a_stream_ends_when_the_server_does() -> None:
    stream = events(ras_app().mock, after=0, is_closing=lambda: True)

    assert [event async for event in stream] == []


def test_an_open_page_does_not_keep_the_mock_from_ending() -> None:
    with running_mock() as mock:
        with httpx.stream("GET", f"{mock.control}/_mock/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: exchanges"
            mock.process.send_signal(signal.SIGINT)
            list(lines)

        assert mock.process.wait(10) == 0


def test_the_number_of_following_pages_is_limited() -> None:
    followed: list[Iterator[str]] = []  # a stream without a reference to its lines is closed
    with running_mock() as mock, ExitStack() as pages:

        def opened() -> int:
            page = pages.enter_context(httpx.stream("GET", f"{mock.control}/_mock/events"))
            followed.append(page.iter_lines())
            next(followed[-1])
            return page.status_code

        statuses = [opened() for _ in range(33)]
        pages.close()

        assert statuses == [*[200] * 32, 503]
        assert 200 in (opened() for _ in range(500))  # as soon as the mock has noticed


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"GET /_mock/health HTTP/1.1\r\nHost: loc", id="half-a-head"),
        pytest.param(b"POST /_mock/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{", id="half-a-body"),
    ],
)
def test_a_client_that_takes_too_long_is_dropped(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)
    listener = Listener(ControlApp(ras_app().mock, Guard()), bind("127.0.0.1", 0))
    with running([listener]), socket.create_connection(("127.0.0.1", listener.port), timeout=10) as connection:
        connection.sendall(sent)

        assert everything(connection) == b""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/exchange.js", "text/javascript"),
    ],
)
def test_the_page_is_served_and_may_load_nothing_from_elsewhere(path: str, kind: str) -> None:
    listener = Listener(ControlApp(ras_app().mock, Guard()), bind("127.0.0.1", 0))
    with running([listener]):
        answer = httpx.get(f"http://127.0.0.1:{listener.port}{path}")

    assert answer.headers["content-type"].startswith(kind)
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "http://" not in answer.text.replace("http://127", "")
    assert "https://" not in answer.text
