"""A double of the Pact Broker, rebuilt from recorded exchanges with version 2.120.0: it keeps state, and refuses.

A test replays each recorded exchange against it. Each of its answers can be made to fail.
"""

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any, Final, Literal

import httpx

from tests.support.broker_answers import READER, TOKEN, WRITER, Answer, Request, Who, answer
from tests.support.broker_state import State, Triggered

__all__ = ["BASIC", "READER", "TOKEN", "WRITER", "Broker", "Failure", "broker_double"]

Failure = Literal["503", "401", "not JSON", "cut off", "hang"]
BASIC: Final[Mapping[str, str]] = {"PACT_BROKER_USERNAME": WRITER[0], "PACT_BROKER_PASSWORD": WRITER[1]}
"""What the environment of somebody has who may write."""

_ATTEMPTS: Final = 3


@dataclass
class Broker:
    """The double: its state, its recorded requests, and its failures.

    Attributes:
        takes_tokens: Whether it wants the bearer token instead of basic authentication.
        failures: What becomes of an answer, by its number since `asked` was last emptied, the first being 0.
        asked: The requests, in their order, since it was last emptied.
        heard: All of them.
    """

    url: str = ""
    takes_tokens: bool = False
    state: State = field(default_factory=State)
    failures: dict[int, Failure] = field(default_factory=dict[int, Failure])
    asked: list[Request] = field(default_factory=list[Request])
    heard: list[Request] = field(default_factory=list[Request])
    ended: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def answer(self, request: Request) -> tuple[Answer, Failure | None]:
        """The answer, and what is to become of it. One that fails changes nothing, as with a broker that is down."""
        with self.changed:
            failure = self.failures.get(len(self.asked))
            self.asked.append(request)
            self.heard.append(request)
            self.changed.notify_all()
            if failure:
                return Answer(503, "application/hal+json;charset=utf-8", {"error": {"message": "down"}}), failure
            return answer(self.state, Who(self.url, self.takes_tokens), request), None

    def forget(self) -> None:
        """Clear the recorded requests and the failures."""
        self.asked.clear()
        self.failures.clear()

    def sent(self, method: str, ending: str) -> list[Any]:
        """The bodies that were sent to the paths with that ending."""
        return [each.body for each in self.asked if each.method == method and each.path.endswith(ending)]

    def wait_for(self, path: str) -> None:
        """Wait until a path was requested."""
        with self.changed:
            assert self.changed.wait_for(lambda: any(each.path == path for each in self.asked), 20)

    def received(self, text: str) -> bool:
        """Whether a text was in any request."""
        return any(text in f"{each.target} {each.headers}" or text.encode() in each.text for each in self.heard)

    def deliver(self) -> list[httpx.Request]:
        """Send the webhooks that are due; the real broker does so some seconds after the publication."""
        due = [each for each in self.state.triggered if not each.log]
        return [_delivered(each) for each in due]


def _delivered(triggered: Triggered) -> httpx.Request:
    wish = triggered.webhook["request"]
    text = wish["body"] if isinstance(wish["body"], str) else json.dumps(wish["body"], separators=(",", ":"))
    text = triggered.filled(text)
    headers = {
        "accept": "*/*",
        "user-agent": "Pact Broker v2.120.0",
        "content-type": "application/x-www-form-urlencoded",
    }
    headers |= {name.lower(): value for name, value in wish.get("headers", {}).items()}
    user = httpx.BasicAuth(wish["username"], wish["password"]) if "username" in wish else None
    request = httpx.Request(wish["method"], wish["url"], headers=headers, content=text.encode())
    with httpx.Client(auth=user) as client:
        for attempt in range(1, _ATTEMPTS + 1):
            response = client.send(request)
            triggered.log += _logged(triggered, response, text, attempt)
            if response.is_success:
                break
    return request


def _logged(triggered: Triggered, response: httpx.Response, text: str, attempt: int) -> str:
    request, at = response.request, "[2026-11-27T12:00:00Z]"
    names = ("accept", "user-agent", "host", "content-length", "content-type")
    end = (
        f"Retrying webhook in {attempt} seconds\n"
        if attempt < _ATTEMPTS
        else f"Webhook execution failed after {attempt} attempts"
    )
    lines = [
        f"INFO: HTTP/1.1 {request.method} {request.url}",
        *(f"INFO: {name}: {request.headers[name]}" for name in names),
        f"INFO: {text}",
        f"INFO: HTTP/1.0 {response.status_code} {response.reason_phrase}",
        *(f"INFO: {name.lower()}: {value}" for name, value in response.headers.items()),
        "INFO: ",
        *([] if response.is_success else [f"INFO: {end}"]),
    ]
    context = json.dumps(triggered.context, separators=(",", ":"))
    return "\n".join(f"{at} {line}" for line in [f"DEBUG: Webhook context {context}", *lines]) + "\n"


class _Handler(BaseHTTPRequestHandler):
    broker: Broker

    def _any(self) -> None:
        text = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answered, failure = self.broker.answer(Request(self.command, self.path, headers, text))
        if failure == "hang":
            self.broker.ended.wait()
            self.close_connection = True
            return
        body, status = _encoded(answered), answered.status
        if failure == "401":
            status, body = 401, b""
        elif failure == "not JSON":
            status, body = 200, b"<html>a proxy</html>"
        self.send_response(status)
        if answered.content_type:
            self.send_header("Content-Type", "text/html" if failure == "not JSON" else answered.content_type)
        for name, value in answered.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + (failure == "cut off")))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if failure == "cut off":
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = do_DELETE = _any  # noqa: N815  as the base class wants them

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as the base class names it
        pass


def _encoded(answered: Answer) -> bytes:
    if answered.body is None:
        return b""
    return answered.body.encode() if isinstance(answered.body, str) else json.dumps(answered.body).encode()


@contextmanager
def broker_double(*, takes_tokens: bool = False, tls: SSLContext | None = None) -> Generator[Broker]:
    """Serve a double on a free port of 127.0.0.1."""
    broker = Broker(takes_tokens=takes_tokens)
    handler = type("Handler", (_Handler,), {"broker": broker})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        broker.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield broker
        finally:
            broker.ended.set()
            server.shutdown()
            thread.join()
