"""A recording double of the Pact Broker's API: no broker, but what the official tools ask of one.

It answers as the broker's documentation says, and can be told to refuse, to say no, or to hang. What it cannot show is
that a real broker answers like this.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "token-4711"
JSON = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request that the double was sent."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    token: str | None
    body: Any


@dataclass
class Broker:
    """What the double is told to do, and what it was asked.

    Attributes:
        refuse: Statuses that paths are answered with, by their beginning; `*` for all.
        hang: The beginnings of paths that are never answered.
        deployable: What `can-i-deploy` says; `None` while verifications are under way.
        pacts: What there is to verify: pairs of a pact and whether it is pending.
    """

    url: str = ""
    refuse: dict[str, int] = field(default_factory=dict[str, int])
    hang: list[str] = field(default_factory=list[str])
    deployable: bool | None = True
    pacts: list[tuple[Mapping[str, Any], bool]] = field(default_factory=list[tuple[Mapping[str, Any], bool]])
    asked: list[Request] = field(default_factory=list[Request])
    ended: threading.Event = field(default_factory=threading.Event)

    def bodies(self, path: str) -> list[Any]:
        """What was sent to a path."""
        return [request.body for request in self.asked if request.path == path and request.method != "GET"]

    @property
    def published(self) -> list[JSON]:
        """The contracts that were published, decoded."""
        contracts = [each for body in self.bodies("/contracts/publish") for each in body["contracts"]]
        return [json.loads(base64.b64decode(each["content"])) for each in contracts]

    @property
    def results(self) -> list[JSON]:
        """The verification results that were published."""
        return [request.body for request in self.asked if request.path.endswith("/verification-results")]

    def answer(self, request: Request) -> tuple[int, JSON]:
        """Status and body."""
        self.asked.append(request)
        if any(request.path.startswith(start) for start in self.hang):
            self.ended.wait()
        for start, status in self.refuse.items():
            if start == "*" or request.path.startswith(start):
                return status, {
                    "errors": {"contracts": ["the double refuses this"]},
                    "notices": _NOTICES[status >= 400],
                }
        return self._routed(request)

    def _routed(self, request: Request) -> tuple[int, JSON]:  # noqa: PLR0911  # one for each route
        path, here = request.path, {"self": {"href": f"{self.url}{request.path}", "name": "here"}}
        match path.strip("/").split("/"):
            case [""]:
                return 200, {"_links": {**here, **self._links()}}
            case ["contracts", "publish"]:
                return 200, {"notices": _NOTICES[False], "_links": here, "_embedded": {}}
            case ["matrix"]:
                return 200, self._matrix(request)
            case ["environments"]:
                return 200, {"_embedded": {"environments": [_environment(self.url)]}, "_links": here}
            case ["pacts", "provider", _, "for-verification"]:
                return 200, {
                    "_links": here,
                    "_embedded": {"pacts": [self._to_verify(at) for at in range(len(self.pacts))]},
                }
            case ["pact", at]:
                return 200, {**self.pacts[int(at)][0], "_links": self._pact_links(at, path)}
            case ["pacticipants", _, "versions", _]:
                record = {"name": "production", "href": f"{self.url}{path}/deployed-versions/environment/u-1"}
                return 200, {"_links": {**here, "pb:record-deployment": [record]}}
            case _:
                return 201 if request.method == "POST" else 200, {"_links": {**here, **self._provider_links(path)}}

    def _links(self) -> JSON:
        return {
            "pb:publish-contracts": {"href": f"{self.url}/contracts/publish"},
            "pb:environments": {"href": f"{self.url}/environments"},
            "pb:webhooks": {"href": f"{self.url}/webhooks"},
            "pb:provider-pacts-for-verification": {
                "href": f"{self.url}/pacts/provider/{{provider}}/for-verification",
                "templated": True,
            },
        }

    def _provider_links(self, path: str) -> JSON:
        return {
            "pb:version-tag": {"href": f"{self.url}{path}/versions/{{version}}/tags/{{tag}}", "templated": True},
            "pb:branch-version": {
                "href": f"{self.url}{path}/branches/{{branch}}/versions/{{version}}",
                "templated": True,
            },
        }

    def _pact_links(self, at: str, path: str) -> JSON:
        provider = self.pacts[int(at)][0]["provider"]["name"]
        return {
            "self": {"href": f"{self.url}{path}"},
            "pb:provider": {"href": f"{self.url}/pacticipants/{provider}", "name": provider},
            "pb:publish-verification-results": {"href": f"{self.url}{path}/verification-results"},
        }

    def _to_verify(self, at: int) -> JSON:
        pact, pending = self.pacts[at]
        return {
            "shortDescription": "latest from main",
            "verificationProperties": {"pending": pending, "notices": []},
            "_links": {"self": {"href": f"{self.url}/pact/{at}", "name": f"with {pact['consumer']['name']}"}},
        }

    def _matrix(self, request: Request) -> JSON:
        unknown = self.deployable is None
        reason = {True: "all are verified", False: "the verification failed", None: "no verification yet"}[
            self.deployable
        ]
        row = {
            "consumer": {"name": request.query["q[][pacticipant]"][0], "version": {"number": "1"}},
            "provider": {"name": "class-management-service", "version": {"number": "2"}},
            "verificationResult": None
            if unknown
            else {"success": self.deployable, "_links": {"self": {"href": self.url}}},
        }
        counts = {
            "success": int(self.deployable is True),
            "failed": int(self.deployable is False),
            "unknown": int(unknown),
        }
        return {
            "summary": {"deployable": self.deployable, "reason": reason, **counts},
            "notices": [{"type": "info", "text": reason}],
            "matrix": [row],
        }


_NOTICES = {
    False: [{"type": "success", "text": "published"}],
    True: [{"type": "error", "text": "the double refuses this"}],
}


def _environment(url: str) -> JSON:
    return {
        "uuid": "u-1",
        "name": "production",
        "production": True,
        "_links": {"self": {"href": f"{url}/environments/u-1", "name": "production"}},
    }


@contextmanager
def broker_double() -> Generator[Broker]:
    """Serve a double on a free port of 127.0.0.1."""
    broker = Broker()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            parts = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("content-length") or 0))
            token = (self.headers.get("authorization") or "").removeprefix("Bearer ") or None
            request = Request(
                self.command, parts.path, parse_qs(parts.query), token, json.loads(text) if text else None
            )
            status, document = broker.answer(request)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/hal+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = _any  # noqa: N815  as the base class wants them

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        broker.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield broker
        finally:
            broker.ended.set()
            server.shutdown()
            thread.join()
