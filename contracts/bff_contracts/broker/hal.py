"""Asks a Pact Broker's HAL API, within a time limit; a response is judged by its status and its JSON alone."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from ssl import SSLContext
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

import httpx

from bff_contracts.broker.access import Broker, BrokerRefusalError, BrokerResponseError
from bff_contracts.threads import CallThread

Document = Mapping[str, Any]

_ACCEPT: Final = "application/hal+json, application/json"
"""With `application/json` alone the broker answers 406."""

_LOCKED_OUT: Final = frozenset({401, 403})
REFUSALS: Final = frozenset({400, 404, 409, 422})
"""Statuses with which a broker refuses a request; 2.120.0 sends 400 where others send 422."""


class Hal:
    """A broker's API.

    Attributes:
        broker: Its address and credentials.
    """

    def __init__(self, broker: Broker, *, seconds: float) -> None:
        self.broker = broker
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._origin = _origin(broker.base_url)
        self._root: Document | None = None
        self._tls: SSLContext | None = None

    @property
    def left(self) -> float:
        """Seconds until the time limit."""
        return max(0.0, self._deadline - time.monotonic())

    def root(self) -> Document:
        """The root document, asked for once.

        Raises:
            BrokerResponseError: The server is not a broker, or rejects the credentials.
        """
        if self._root is None:
            response = self._answer("GET", self.broker.base_url, None)
            self._check_credentials(response, writes=False)
            document = _document(response)
            if not response.is_success or document is None or "_links" not in document:
                found = _described(response)
                message = f"what answers at {self.broker.base_url} is no Pact Broker, or a broken one ({found})"
                raise BrokerResponseError(message)
            self._root = document
        return self._root

    def link(self, relation: str, **values: str) -> str:
        """A link of the root document, with its template filled.

        Raises:
            BrokerResponseError: As `root`; or the root has no such link.
        """
        return self.fill(self.href(self.root(), relation), **values)

    def href(self, document: Document, relation: str) -> str:
        """Where a link of a document leads.

        Raises:
            BrokerResponseError: The document has no such link.
        """
        link = _member(_member(document, "_links"), relation)
        href = _member(link, "href")
        if not isinstance(href, str):
            message = f"the Pact Broker at {self.broker.base_url} gave no link {relation}"
            raise BrokerResponseError(message)
        return href

    def fill(self, template: str, **values: str) -> str:
        """A link's template with its values; each is one segment of the path, with every special character encoded."""
        for name, value in values.items():
            template = template.replace(f"{{{name}}}", quote(value, safe=""))
        return template

    def get(self, url: str, *, refusals: Collection[int] = REFUSALS) -> Document:
        """Ask for a document.

        Args:
            url: Where it is: a link of the broker's, or an address below its own.
            refusals: The statuses that are a refusal, not a failure.

        Raises:
            BrokerRefusalError: The broker says no.
            BrokerResponseError: It gave no usable response.
        """
        return self._judged("GET", url, None, refusals)

    def send(self, method: str, url: str, body: Document, *, refusals: Collection[int] = REFUSALS) -> Document:
        """Send a document, and give the response; arguments and exceptions are those of `get`."""
        return self._judged(method, url, body, refusals)

    def _judged(self, method: str, url: str, body: Document | None, refusals: Collection[int]) -> Document:
        response = self._answer(method, url, body)
        self._check_credentials(response, writes=body is not None)
        document = _document(response)
        if response.is_success and document is not None:
            return document
        reasons = self._without_secrets("; ".join(reasons_of(document or {})))
        if response.status_code in refusals and reasons:
            raise BrokerRefusalError("\n".join([reasons, *map(self._without_secrets, _details(document or {}))]))
        message = f"the Pact Broker at {self.broker.base_url} failed on {method} {urlsplit(url).path} "
        raise BrokerResponseError(message + f"({_described(response)}){': ' if reasons else ''}{reasons}")

    def _answer(self, method: str, url: str, body: Document | None) -> httpx.Response:
        if _origin(url) != self._origin:
            message = (
                f"{url} has another origin than PACT_BROKER_BASE_URL, {self.broker.base_url}, so no credentials are "
                "sent there: use the base URL that the broker gives in its links"
            )
            raise BrokerResponseError(message)
        return self._in_time(lambda: self._asked(method, url, body))

    def _asked(self, method: str, url: str, body: Document | None) -> httpx.Response:
        self._tls = self._tls or httpx.create_ssl_context()  # slow to make
        return httpx.request(
            method,
            url,
            json=body,
            headers={"Accept": _ACCEPT, **self._bearer()},
            auth=self._basic(),
            timeout=self.left or 0.001,
            verify=self._tls,
        )

    def _in_time(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """A response within a total time limit: httpx's own timeout applies to each read."""
        thread = CallThread("pact broker")
        future = thread.call(ask)
        thread.close()
        where = self.broker.base_url
        try:
            return future.result(self.left)
        except (TimeoutError, httpx.TimeoutException) as error:
            message = f"no Pact Broker answers at {where} within {self._seconds:g} s"
            raise BrokerResponseError(message) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
            message = f"no Pact Broker answers at {where}: {type(error).__name__} {error}".rstrip()
            raise BrokerResponseError(message) from error

    def _bearer(self) -> dict[str, str]:
        token = self.broker.token
        return {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}

    def _basic(self) -> httpx.BasicAuth | None:
        username, password = self.broker.username, self.broker.password
        if self.broker.token is not None or username is None or password is None:
            return None
        return httpx.BasicAuth(username, password.get_secret_value())

    def _check_credentials(self, response: httpx.Response, *, writes: bool) -> None:
        """Check that the broker accepts the credentials.

        Raises:
            BrokerResponseError: It does not; the message names the variables to look at.
        """
        where, status = self.broker.base_url, response.status_code
        if status == httpx.codes.BAD_REQUEST and self.broker.token is not None and _document(response) is None:
            message = (
                f"the Pact Broker at {where} does not take a bearer token ({status}): for basic authentication set "
                "PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD, and leave PACT_BROKER_TOKEN empty"
            )
            raise BrokerResponseError(message)
        if status in _LOCKED_OUT:
            # The broker answers the root to every user who may read.
            done = "denies write access" if writes and self._root is not None else "rejects the credentials"
            message = f"the Pact Broker at {where} {done} ({status}): see {self._variables()}"
            raise BrokerResponseError(message)

    def _variables(self) -> str:
        if self.broker.token is not None:
            return "PACT_BROKER_TOKEN"
        if self.broker.username is not None:
            return "PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD"
        return "PACT_BROKER_TOKEN, or PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD: none is set"

    def _without_secrets(self, text: str) -> str:
        for secret in (self.broker.token, self.broker.password):
            if secret is not None:
                text = text.replace(secret.get_secret_value(), "[secret]")
        return text


def reasons_of(document: Document) -> Iterator[str]:
    """Why the broker refuses: `{"errors": {field: [reason]}}`, `{"errors": [reason]}` or `{"error": reason}`."""
    errors = document.get("errors")
    if isinstance(errors, Mapping):
        for field, reasons in cast("Mapping[str, Any]", errors).items():
            yield from (f"{field} {reason}" if _is_short(reason) else str(reason) for reason in _listed(reasons))
    elif errors:
        yield from map(str, _listed(errors))
    error = document.get("error")
    if error:
        yield str(_member(error, "message") or error)


def texts_of(document: Document, *, kinds: Collection[str] | None = None) -> list[str]:
    """The broker's notices for people, of the given kinds or of all."""
    notices = [each for each in _listed(document.get("notices")) if isinstance(_member(each, "text"), str)]
    return [each["text"] for each in notices if kinds is None or each.get("type") in kinds]


def _is_short(reason: object) -> bool:
    """Whether a reason continues a sentence that begins with the field's name, such as `is missing`."""
    return str(reason)[:1].islower()


def _details(document: Document) -> list[str]:
    """The diff of a changed contract that the broker adds to its reasons."""
    return texts_of(document, kinds={"info"})


def _listed(value: object) -> list[Any]:
    if isinstance(value, list):
        return [*cast("Iterable[Any]", value)]
    return [] if value is None else [value]


def _member(value: object, name: str) -> Any:
    return cast("Mapping[str, Any]", value).get(name) if isinstance(value, Mapping) else None


def _document(response: httpx.Response) -> Document | None:
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return None
    return cast("Document", value) if isinstance(value, dict) else None


def _described(response: httpx.Response) -> str:
    location = f", to {response.headers['location']}" if response.has_redirect_location else ""
    return f"{response.status_code}, {response.headers.get('content-type', 'no content type')}{location}"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None, None
