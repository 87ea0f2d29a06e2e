"""The client methods: what they may be asked, what they send for it, and what they make of an answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import httpx
from hypothesis import Phase, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bff_clients import BackendError, BackendSettings, BatchStatus, CMSClient, RASClient
from bff_clients.models import UUID_PATTERN
from bff_contracts.states import CMS, RAS

BASE_URL: Final = "http://backend.test"
SETTINGS: Final = BackendSettings(
    internal_api_key=SecretStr("INJECTED-AT-VERIFICATION"),
    ras_base_url=BASE_URL,
    cms_base_url=BASE_URL,
    http_retries=0,
    http_breaker_failure_rate=0,
)
"""One request for each call, whatever came of the calls before it."""

QUICK: Final = settings(max_examples=80, derandomize=True, database=None, deadline=None)
"""The same search each time, in seconds; `pdm run agreement` is the long one."""

TO_BE_FOUND: Final = settings(QUICK, phases=[Phase.generate])
"""For what has to be found, and need not be made small then."""

CLIENTS: Final = {RAS: RASClient, CMS: CMSClient}
IDS: Final = st.uuids().map(str) | st.from_regex(UUID_PATTERN, fullmatch=True)
USERS: Final = IDS | st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)

Arguments = Mapping[str, Any]
Answer = Callable[[httpx.Request], Any]


def _as_they_are(query: Arguments) -> Arguments | None:
    return query


def _pages_from_the_start(query: Arguments) -> Arguments | None:
    if query.get("offset") != 0:
        return None
    return {"page_size" if name == "limit" else name: value for name, value in query.items() if name != "offset"}


@dataclass(frozen=True)
class Operation:
    """A client method.

    Attributes:
        name: The method.
        provider: Whom it asks.
        path: What it asks for; `{…}` is the argument of that name.
        arguments: What it may be called with.
        from_query: The rest of the arguments, from a query that is read; `None` when it never sends such a query.
    """

    name: str
    provider: str
    path: str
    arguments: st.SearchStrategy[Arguments] = field(repr=False)
    from_query: Callable[[Arguments], Arguments | None] = field(default=_as_they_are, repr=False)

    def __str__(self) -> str:
        return self.name

    def arguments_for(self, path: str, query: Mapping[str, str]) -> Arguments | None:
        """The arguments that make it send a request; `None` when none do."""
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path), path)
        rest = self.from_query({name: _READ[name](value) for name, value in query.items()})
        if found is None or rest is None:
            return None
        return {name: unquote(value) for name, value in found.groupdict().items()} | dict(rest)

    async def call(self, client: Any, arguments: Arguments) -> Any:
        """Call it; what comes bit by bit is waited for to the end."""
        called = getattr(client, self.name)(**arguments)
        return [item async for item in called] if hasattr(called, "__aiter__") else await called

    def result(self, arguments: Arguments, answer: Answer, how: BackendSettings = SETTINGS) -> Any:
        """What it makes of answers; raises what it raises."""

        async def ask() -> Any:
            async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
                return await self.call(CLIENTS[self.provider](http, how), arguments)

        return asyncio.run(ask())

    def sent(self, arguments: Arguments) -> list[httpx.Request]:
        """The requests that it sends; none, when it refuses the arguments."""
        requests: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return httpx.Response(204)

        with suppress(BackendError, ValueError):
            self.result(arguments, answer)
        return requests


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "limit": int,
    "offset": int,
    "status": BatchStatus,
    "batch_ids": lambda text: text.split(","),
}
"""Parameters of a query as the arguments that they were."""

_FILTERS: Final = {"status": st.sampled_from(BatchStatus)}

READING: Final = (
    Operation(
        "get_batches_for_user",
        RAS,
        "/internal/v1/batches/user/{user_id}",
        st.fixed_dictionaries(
            {"user_id": USERS},
            optional={"limit": st.integers(1, 100), "offset": st.integers(0, 40) | st.integers(0, 2**63), **_FILTERS},
        ),
    ),
    Operation(
        "get_batch_status",
        RAS,
        "/internal/v1/batches/{batch_id}/status",
        st.fixed_dictionaries({"batch_id": IDS}),
    ),
    Operation(
        "get_batch_class_info",
        CMS,
        "/internal/v1/batches/class-info",
        st.fixed_dictionaries({"batch_ids": st.lists(IDS, min_size=1, max_size=4)}),
    ),
)
"""The methods that each read one endpoint's body."""

OPERATIONS: Final = (
    *READING,
    Operation(
        "iter_batches_for_user",
        RAS,
        "/internal/v1/batches/user/{user_id}",
        st.fixed_dictionaries({"user_id": USERS}, optional={"page_size": st.integers(1, 100), **_FILTERS}),
        _pages_from_the_start,
    ),
    *(Operation("ping", provider, "/healthz", st.just({})) for provider in (RAS, CMS)),
)
"""All methods of both protocols."""
