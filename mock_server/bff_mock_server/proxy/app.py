"""Passes requests on to a real provider, and checks every response against the contract.

Needs the `contracts` extra as well: the official engine checks the responses.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from bff_contracts.judge import Judge, Mismatch
from bff_contracts.pact.file import Pact
from bff_contracts.personal import names_in, without_names
from bff_contracts.platform import STATES_PATH
from bff_mock_server._json import json_or_none
from bff_mock_server.answering.backend import Backend
from bff_mock_server.answering.exchange import Violation
from bff_mock_server.answering.mock import Mock
from bff_mock_server.answering.mock_headers import STATE, MockHeaderError, read_mock_headers
from bff_mock_server.answering.secrets import HIDDEN
from bff_mock_server.matching.match import NOT_ALLOWED
from bff_mock_server.matching.request import Asked, Surroundings, is_secret
from bff_mock_server.proxy.real_service import RealService, UnreadableError, decoded
from bff_mock_server.responses.reply import AttributedReply, Reply, problem
from bff_mock_server.serving.guard import Guard
from bff_mock_server.serving.http import MAX_BODY_BYTES, MAX_STATE_BYTES
from bff_mock_server.world.sessions import SessionError

_BAD_GATEWAY: Final = 502

_MOST_VIOLATIONS: Final = 20
"""The most violations of one response that are logged and recorded: a page may break the contract in every row."""

_LOG: Final = logging.getLogger("bff_mock_server")

Observer = Callable[[Pact, Asked, int, bytes], None]
"""Called for each request that a real provider answered: its contract, the request, the status and the body."""


class ProxyApp:
    """Serves one provider by passing requests on to a real one.

    Args:
        mock: Records the requests and has the armed faults.
        backend: The provider's contract.
        url: The URL of the real provider.
        guard: Decides who may set provider states.
        observers: Called for each response.

    Raises:
        ProxyError: The URL is not one that requests can be passed on to.
    """

    def __init__(
        self,
        mock: Mock,
        backend: Backend,
        url: str,
        *,
        guard: Guard | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.backends = (backend,)
        self._service = RealService(url)
        self.url = self._service.url
        self._mock = mock
        self._backend = backend
        self._judge = Judge(backend.pact)
        self._guard = guard or Guard()
        self._observers = observers
        # The engine runs in one thread, which is not the one that serves.
        self._judging_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="judge")

    async def answer(self, asked: Asked) -> Reply:
        """The real provider's response to a request, checked against the contract; never raises."""
        try:
            return await (self._pass_on_states(asked) if asked.path == STATES_PATH else self._pass_on(asked))
        except Exception:  # noqa: BLE001  # a bug here must not look like a response of the provider
            _LOG.exception("%s %s failed", asked.method, asked.path)
            return problem(500, "The mock itself failed on this request; its log on stderr says where.")

    def recall(self, surroundings: Surroundings, target: str, correlation_id: str | None) -> None:
        """Never a response: a real provider gets each request."""

    def max_body(self, path: str) -> int:
        """The largest body of a request for a path, in bytes."""
        return MAX_STATE_BYTES if path == STATES_PATH else MAX_BODY_BYTES

    def reload(self) -> None:
        """Adopt the mock's present contract after a reload."""
        found = next((one for one in self._mock.backends if one.provider == self._backend.provider), None)
        if found is not None:
            self.backends, self._backend, self._judge = (found,), found, Judge(found.pact)

    async def close(self) -> None:
        """Close the connections to the real provider."""
        await self._service.close()
        self._judging_thread.shutdown()

    async def _pass_on(self, asked: Asked) -> Reply:
        if STATE in asked.headers:
            detail = f"{self._backend.provider} is a real service here: X-Mock-State cannot change its responses."
            return self._mock.refuse(self._backend, asked, NOT_ALLOWED, detail)
        try:
            headers = read_mock_headers(asked.headers)
            world = self._mock.sessions.world_of(headers.session)
        except (MockHeaderError, SessionError) as error:
            return self._mock.refuse(self._backend, asked, NOT_ALLOWED, str(error))
        try:
            reply = await self._service.fetch(asked)
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            _LOG.warning("%s at %s cannot be reached: %s", self._backend.provider, self.url, why)
            return self._mock.refuse(self._backend, asked, _BAD_GATEWAY, f"{self.url} cannot be reached: {why}")
        # Every response reaches its client, also if it breaks the contract.
        judging = asyncio.get_running_loop().run_in_executor(self._judging_thread, self._judged, asked, reply)
        attributed, text, violations = await judging
        for observe in self._observers:
            try:
                observe(self._backend.pact, asked, reply.status, text)
            except Exception:  # noqa: BLE001  # an unforeseen response still reaches its client
                _LOG.exception("nothing is learned from %s %s", asked.method, asked.path)
        return self._mock.conclude(self._backend, asked, attributed, world, headers, violations)[1]

    async def _pass_on_states(self, asked: Asked) -> Reply:
        reason = self._guard.refuses(asked.method, asked.headers)
        if reason is not None:
            return problem(403, reason)
        try:
            return await self._service.fetch(asked)
        except httpx.HTTPError as error:
            return problem(_BAD_GATEWAY, f"{self.url} cannot be reached: {error or type(error).__name__}")

    def _judged(self, asked: Asked, reply: Reply) -> tuple[AttributedReply, bytes, Sequence[Violation]]:
        """The interaction of the response, its body as text, and its violations of the contract."""
        found = self._backend.find(asked)
        try:
            text = decoded(reply)
        except UnreadableError as error:
            attributed = self._backend.attribute(found, asked, reply, b"")
            return attributed, b"", (Violation("body", "$", str(error)),)
        attributed = self._backend.attribute(found, asked, reply, text)
        # The contract defines no response to a request that it does not allow.
        return attributed, text, () if attributed.differences else self._violations(asked, reply, text)

    def _violations(self, asked: Asked, reply: Reply, text: bytes) -> Sequence[Violation]:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in reply.head.headers]
        try:
            judged = self._judge.violations(
                method=asked.method,
                target=asked.target,
                status=reply.status,
                content_type=next((value for name, value in headers if name == "content-type"), None),
                body=text,
                headers=headers,
            )
        except Exception as error:  # noqa: BLE001  # what the judge cannot even read is within no contract
            return (Violation("body", "$", f"cannot be judged ({type(error).__name__})"),)
        found = _each_once(judged)
        names = names_in(json_or_none(text)) if found else ()
        violations = tuple(_violation(one, names) for one in found[:_MOST_VIOLATIONS])
        more = len(found) - len(violations)
        return (*violations, Violation("body", "$", f"and {more} more")) if more else violations


def _each_once(found: Sequence[Mismatch]) -> Sequence[Mismatch]:
    """The mismatches without the header that is reported as the content type as well."""
    if all(one.where != "content type" for one in found):
        return found
    return [one for one in found if (one.where, one.path) != ("header", "content-type")]


def _violation(found: Mismatch, names: Iterable[str]) -> Violation:
    """A mismatch without names of persons and secret values."""
    if found.where == "header" and is_secret(found.path):
        return Violation(found.where, found.path, "is not as the contract expects it")
    return Violation(found.where, found.path, without_names(found.message, names, HIDDEN))
