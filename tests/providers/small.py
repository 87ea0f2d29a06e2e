"""A minimal provider that can be broken in every way: CMS over a dictionary, as a bare ASGI application."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from bff_contracts.platform import CMS
from bff_contracts.states import KINDS, ByBatch
from bff_contracts.verification import interactions_of, running_provider

INTERACTIONS: Final = interactions_of("cms")
SEEDED: Final = tuple(name for name in INTERACTIONS if not name.startswith(("health", "refused: ")))
"""Those that need a provider state."""

NEEDS_STATE: Final = "classes of batches: all have one"
PLACEHOLDER: Final = "INJECTED-AT-VERIFICATION"

Hook = Callable[[], Awaitable[None] | None]


class SmallCms:
    """Keeps the contract by default.

    Attributes:
        entries: What it knows, whichever endpoint asks; `states` seed it.
        keys: The keys that it was sent.
        before: What it does before each answer.
        echo: Whether every text contains the key.
        refusal: The status of its refusals.
    """

    def __init__(self, key: str = PLACEHOLDER) -> None:
        self.key = key
        self.entries: dict[str, Any] = {}
        self.keys: list[str | None] = []
        self.before: Hook = lambda: None
        self.echo = False
        self.refusal = 401

    @property
    def states(self) -> dict[str, Callable[[ByBatch], None]]:
        """The handlers of its provider states."""
        return states_with(self.seed)

    def seed(self, params: ByBatch) -> None:
        """Know this, and nothing else: each interaction seeds what it asks for."""
        self.entries = entries_of(params)

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        """Answer."""
        if scope["type"] != "http":
            raise NotImplementedError
        if (waiting := self.before()) is not None:
            await waiting
        status, body = self._answer(scope)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def _answer(self, scope: Any) -> tuple[int, Any]:
        if scope["path"] == "/healthz":
            return 200, {}
        headers = dict(scope["headers"])
        key = headers.get(b"x-internal-api-key", b"").decode() or None
        self.keys.append(key)
        if key is None or not headers.get(b"x-service-id"):
            return self.refusal, {"error": "Missing authentication"}
        if key != self.key:
            return self.refusal, {"error": "Invalid credentials"}
        if scope["path"].endswith("/student-names"):
            return 200, self.entries.get(scope["path"].split("/")[-2], [])
        asked = parse_qs(scope["query_string"].decode())["batch_ids"][0].split(",")
        entries = {batch_id: self.entries.get(batch_id) for batch_id in asked}
        if self.echo:
            entries = {batch_id: dict.fromkeys(found, f"sent {key}") for batch_id, found in entries.items() if found}
        return 200, entries


def entries_of(params: ByBatch) -> dict[str, Any]:
    """What a state says, as an answer may say it: an entry names the batch that it is about, a list is as it is."""
    entries: Mapping[str, Any] = params.model_dump(mode="json")[params.param()]
    return {
        batch_id: {"batch_id": batch_id, **entry} if isinstance(entry, dict) else entry
        for batch_id, entry in entries.items()
    }


def states_with(handler: Callable[[Any], Any]) -> dict[str, Callable[[Any], Any]]:
    """One handler for every provider state of CMS."""
    return dict.fromkeys(KINDS, handler)


def once(hook: Callable[[], Any]) -> Hook:
    """Something that is done the first time alone."""
    pending = [hook]

    def run() -> Any:
        return pending.pop()() if pending else None

    return run


def raises() -> None:
    """Fail as a provider without its tables does."""
    message = "no such table: batch_classes"
    raise RuntimeError(message)


async def forever() -> None:
    """Wait forever."""
    await asyncio.Event().wait()


def failures(app: Any, states: Any, *, seconds: float = 5.0) -> dict[str, str]:
    """The report of each interaction that is not verified."""
    with running_provider(app, provider=CMS, states=states, seconds=seconds) as running:
        outcomes = list(running.outcomes())
    return {found.interaction: str(found) for found in outcomes if not found.verified}
