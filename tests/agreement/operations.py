"""Describes the client methods: their arguments, their requests, and how they read an answer."""

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import httpx
from hypothesis import Phase, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bff_clients import (
    BackendError,
    BackendSettings,
    BatchStatus,
    CMSClient,
    CMSClientProtocol,
    RASClient,
    RASClientProtocol,
)
from bff_clients.models import UUID_PATTERN
from bff_contracts.platform import CMS, RAS

BASE_URL: Final = "http://backend.test"
SETTINGS: Final = BackendSettings(
    internal_api_key=SecretStr("INJECTED-AT-VERIFICATION"),
    ras_base_url=BASE_URL,
    cms_base_url=BASE_URL,
    http_retries=0,
    http_breaker_failure_rate=0,
)
"""One request for each call, independent of the calls before it."""

QUICK: Final = settings(max_examples=60, derandomize=True, database=None, deadline=None)
"""The same search each time, in seconds; `pdm run agreement` is the long one."""

TO_BE_FOUND: Final = settings(QUICK, phases=[Phase.generate])
"""For what has to be found, and need not be made small then."""

CLIENTS: Final = {RAS: RASClient, CMS: CMSClient}
PROTOCOLS: Final = {RAS: RASClientProtocol, CMS: CMSClientProtocol}

Arguments = Mapping[str, Any]
Answer = Callable[[httpx.Request], Any]


@dataclass(frozen=True)
class Argument:
    """Values of a parameter of the client methods.

    Attributes:
        values: Its values.
        read: Its value in a path and query that are about it; raises `LookupError` when they are not.
    """

    values: st.SearchStrategy[Any]
    read: Callable[[str, Mapping[str, str]], Any]


IDS: Final = st.uuids().map(str) | st.from_regex(UUID_PATTERN, fullmatch=True)
_UUID: Final = re.compile(UUID_PATTERN.strip("^$"))
_MODULES: Final = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z])")

ARGUMENTS: Final[Mapping[str, Argument]] = {
    "user_id": Argument(
        IDS | st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
        lambda path, _: unquote(path.rpartition("/")[2]),
    ),
    "batch_id": Argument(IDS, lambda path, _: _UUID.findall(path)[0]),
    "batch_ids": Argument(st.lists(IDS, min_size=1, max_size=4), lambda _, query: query["batch_ids"].split(",")),
    "limit": Argument(st.integers(1, 100), lambda _, query: int(query["limit"])),
    "page_size": Argument(st.integers(1, 100), lambda _, query: int(query["limit"])),
    "offset": Argument(
        st.integers(0, 40) | st.sampled_from([10**18 - 1, 10**18, 2**63]), lambda _, query: int(query["offset"])
    ),
    "status": Argument(st.sampled_from(BatchStatus), lambda _, query: BatchStatus(query["status"])),
}
"""By name: what the next method needs is probably here."""


@dataclass(frozen=True)
class Operation:
    """A client method.

    Attributes:
        name: The method.
        provider: Whom it asks.
        parameters: Their names, and whether each is required.
        signature: As the protocol has it.
        summary: What it does, in a sentence.
    """

    name: str
    provider: str
    parameters: tuple[tuple[str, bool], ...]
    signature: str
    summary: str

    def __str__(self) -> str:
        return self.name

    @property
    def arguments(self) -> st.SearchStrategy[Arguments]:
        """Its possible arguments."""
        known = [(name, is_required, ARGUMENTS[name].values) for name, is_required in self.parameters]
        return st.fixed_dictionaries(
            {name: values for name, is_required, values in known if is_required},
            optional={name: values for name, is_required, values in known if not is_required},
        )

    def arguments_for(self, target: str) -> Arguments | None:
        """The arguments that make it send a request; `None` when none do."""
        path, _, text = target.partition("?")
        query = {name: values[0] for name, values in parse_qs(text).items()}
        arguments: dict[str, Any] = {}
        for name, is_required in self.parameters:
            try:
                arguments[name] = ARGUMENTS[name].read(path, query)
            except LookupError:
                if is_required:
                    return None
        sent = self.sent(arguments)
        return arguments if sent and sent[0].url.raw_path.decode() == target else None

    async def call(self, client: Any, arguments: Arguments) -> Any:
        """Call it, and exhaust an iterator."""
        called = getattr(client, self.name)(**arguments)
        return [item async for item in called] if hasattr(called, "__aiter__") else await called

    def result(self, arguments: Arguments, answer: Answer, how: BackendSettings = SETTINGS) -> Any:
        """Its result for these answers; its exceptions are raised."""

        async def ask() -> Any:
            async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
                return await self.call(CLIENTS[self.provider](http, how), arguments)

        return asyncio.run(ask())

    def sent(self, arguments: Arguments) -> list[httpx.Request]:
        """The requests that it sends; none if it rejects the arguments."""
        requests: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return httpx.Response(404)

        with suppress(BackendError, ValueError):
            self.result(arguments, answer)
        return requests


def _operations() -> Iterator[Operation]:
    for provider, protocol in PROTOCOLS.items():
        for name, method in inspect.getmembers(protocol, inspect.isfunction):
            if not name.startswith("_"):
                parameters = list(inspect.signature(method).parameters.values())[1:]
                named = [(one.name, one.default is one.empty) for one in parameters if one.name != "correlation_id"]
                shown = _MODULES.sub("", str(inspect.signature(method))).replace("(self, ", "(")
                summary = (inspect.getdoc(method) or "").partition("\n")[0]
                yield Operation(name, provider, tuple(named), f"{name}{shown}", summary)


OPERATIONS: Final = tuple(_operations())
"""All methods of both protocols."""

READING: Final = tuple(one for one in OPERATIONS if one.name.startswith("get_"))
"""Those that each read one endpoint's body."""
