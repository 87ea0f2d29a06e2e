"""The mocked backends in a test: give states, arm faults, see requests."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import NAMESPACE_OID, uuid5

from bff_contracts.pact.file import load_pact, shipped_pacts
from bff_contracts.platform import BY_NAME, KEY_VARIABLE, PLACEHOLDER_KEY, PROVIDERS, needs_extras
from bff_contracts.states import BatchRow
from bff_mock_server._suggest import meant
from bff_mock_server.answering.backend import Backend, with_http
from bff_mock_server.answering.coverage import Use
from bff_mock_server.answering.exchange import Exchange, Wanted
from bff_mock_server.answering.mock import Mock
from bff_mock_server.faults.spec import Armed
from bff_mock_server.serving.app import MockApp
from bff_mock_server.world.scenarios.model import Scenario
from bff_mock_server.world.scenarios.school import batch_of
from bff_mock_server.world.scenarios.shipped import find_scenario

if TYPE_CHECKING:
    from bff_mock_server.serving.in_process import Elsewhere, InProcessTransport

DEFAULT_URLS: Final[Mapping[str, str]] = {provider.name: provider.url for provider in PROVIDERS}
"""Where the clients look for the backends by default."""

EMPTY: Final = Scenario("empty", about="A scenario without rows: a test sets up what it needs.")
_MOST_EXPLAINED: Final = 20
"""The most refused requests in the report of a failed test; it shows the latest."""

_UNAUTHORIZED: Final = 401
_OTHER_KEY: Final = (
    "send the key backends.api_key and a service id of the contract, or override the fixture bff_api_key"
)

_ROW_FIELDS: Final = frozenset(BatchRow.model_fields)


class Backends:
    """The mocked backends of a test.

    Attributes:
        ras_url: The base URL of mock RAS; each provider of the platform has such an attribute.
        cms_url: The base URL of mock CMS.
    """

    def __init__(
        self, mock: Mock, apps: "Mapping[str, MockApp] | None" = None, elsewhere: "Elsewhere | None" = None
    ) -> None:
        self._mock = mock
        self._apps = apps or {}
        self._elsewhere = elsewhere

    def transport(self) -> "InProcessTransport":
        """An httpx transport, sync and async, for a client that calls these backends.

        Raises:
            RuntimeError: These backends are on ports, where every client reaches them.
        """
        from bff_mock_server.serving.in_process import InProcessTransport  # noqa: PLC0415  # serve() needs no httpx

        if not self._apps:
            message = "backends on ports need no transport: their URLs are in .urls"
            raise RuntimeError(message)
        return InProcessTransport(self._apps)

    @property
    def urls(self) -> Mapping[str, str]:
        """The base URL of each provider."""
        return self._mock.urls

    if TYPE_CHECKING:  # each further provider of the platform has its attribute too
        ras_url: str
        cms_url: str
    else:

        def __getattr__(self, name: str) -> str:
            """`<short name>_url` is the base URL of a provider of the platform."""
            provider = BY_NAME.get(name.removesuffix("_url")) if name.endswith("_url") else None
            if provider is None:
                message = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(message)
            return self.urls[provider.name]

    @property
    def api_key(self) -> str:
        """A key that all backends accept."""
        return PLACEHOLDER_KEY

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables that lead the BFF here, the key and the base URLs: `os.environ | environment`."""
        variables = {
            provider.url_variables[0]: self.urls[provider.name] for provider in PROVIDERS if provider.name in self.urls
        }
        return {KEY_VARIABLE: self.api_key, **variables}

    @property
    def requests(self) -> Sequence[Exchange]:
        """The recorded requests, the latest last; up to 1,000 are kept."""
        return self._mock.journal.exchanges()

    def explain(self) -> str:
        """The text for the report of a failed test: refused requests, and those that may have missed the backends."""
        refused = [exchange for exchange in self.requests if exchange.is_refused or exchange.status == _UNAUTHORIZED]
        lines = [line for exchange in refused[-_MOST_EXPLAINED:] for line in _explained(exchange)]
        if self._elsewhere is not None and (doubtful := self._elsewhere.doubtful - self._elsewhere.silent):
            lines.append(self._not_mocked(doubtful))
        return "\n".join(lines)

    def unanswered(self) -> str:
        """The hosts that sent no response to a request with the platform's key, and what to change; empty if none."""
        silent = set[str]() if self._elsewhere is None else self._elsewhere.silent
        return f"A request got no response. {self._not_mocked(silent)}" if silent else ""

    def _not_mocked(self, origins: Iterable[str]) -> str:
        missed, mocked = ", ".join(sorted(origins)), ", ".join(self.urls.values())
        return (
            f"No backend is mocked at {missed}, but at {mocked}:"
            " set the BFF's base URLs to these, or override the fixture bff_backend_urls."
        )

    def given(self, state: str, **params: Any) -> None:
        """Set up a provider state, such as `given("user has exactly these batches", user_id=…, batches=[…])`.

        A class may be its name alone: `given("batches have exactly these classes", classes={batch_id: "Svenska 9A"})`.

        Raises:
            StateError: There is no such state, or its params are not what the catalogue says; the message lists both.
        """
        self._mock.sessions.default.apply(state, _with_class_ids(params))

    def use(self, scenario: str) -> Scenario:
        """Restart with a shipped scenario, or that of a `.yaml` file, and disarm all faults.

        Raises:
            ScenarioError: There is no such scenario, or it cannot be used.
        """
        found = find_scenario(scenario)
        self._mock.use(found)
        return found

    def fail(self, route: str = "*", fault: str = "status=503", *, about: Iterable[str] = ()) -> Armed:
        """Arm a fault, beside those that are armed already; pass the result to `recover` to disarm it.

        Args:
            route: `*`, `ras`, `cms`, a path with `*`, or several of provider, method and path.
            fault: Such as `reset`, `latency=2s; html=502 rate=0.5` or `status=503 times=1; then status=429 times=1`.
            about: Only requests that name one of these ids.

        Raises:
            FaultError: Route or fault are invalid, or no endpoint matches the route.
        """
        return self._mock.arm(route, fault, about=about)

    def recover(self, failure: Armed | None = None) -> None:
        """Disarm all faults, or those of one `fail`.

        Raises:
            FaultError: These are not armed (any more).
        """
        self._mock.disarm(None if failure is None else failure.number)

    def asked(self, provider: str | None = None, path: str | None = None, **query: str) -> Sequence[Exchange]:
        """The requests to a provider (`ras`, `cms`), with a path (`*` for any part), with these query parameters.

        If there is none, the message of `assert backends.asked(…)` shows the closest request.

        Raises:
            UnknownProviderError: There is no such provider.
        """
        name = self._mock.provider_named(provider) if provider is not None else None
        wanted = Wanted(provider=name, path=path, query=query)
        return _Found(self._mock.journal.exchanges(wanted), wanted, self.requests)

    def coverage(self) -> Sequence[Use]:
        """How often each interaction of the contracts was used."""
        return self._mock.coverage()

    def assert_contract_covered(self, *providers: str, route: str = "*") -> None:
        """Fail unless every interaction was used.

        Args:
            providers: Only interactions of these providers (`ras`, `cms`).
            route: Only interactions of these endpoints, with `*` for any part: `GET */class-info`.

        Raises:
            AssertionError: Some were not; the message lists them.
            UnknownProviderError: There is no such provider.
        """
        wanted = {self._mock.provider_named(provider) for provider in providers}
        uses = [use for use in self._mock.coverage() if not wanted or use.provider in wanted]
        uses = [use for use in uses if any(fnmatchcase(one, route) for one in (use.route, use.route.partition(" ")[2]))]
        if not uses:
            message = f"no endpoint matches the route {route!r}"
            raise AssertionError(message)
        unused = [use for use in uses if use.times == 0]
        if unused:
            lines = [f"  {use.provider}: {use.interaction} ({use.route} -> {use.status})" for use in unused]
            message = "\n".join([f"{len(unused)} of {len(uses)} interactions were never used:", *lines])
            raise AssertionError(message)


class _Found(list[Exchange]):
    """The exchanges that match; if there are none, its `repr` shows the closest one."""

    def __init__(self, found: Iterable[Exchange], wanted: Wanted, others: Sequence[Exchange]) -> None:
        super().__init__(found)
        self._wanted = wanted
        self._others = others

    def __repr__(self) -> str:
        if self or not self._others:
            return super().__repr__() if self else "<no request at all>"
        closest = max(self._others, key=lambda one: (-len(self._wanted.missing_in(one)), one.number))
        return f"<no such request; the closest: {_line(closest)}, {'; '.join(self._wanted.missing_in(closest))}>"


def _line(exchange: Exchange) -> str:
    provider = BY_NAME.get(exchange.provider)
    whom = exchange.provider if provider is None else provider.short
    return f"{whom} {exchange.method} {exchange.target} -> {exchange.status}"


def _explained(exchange: Exchange) -> list[str]:
    """A refused request, and the change that each difference needs."""
    reason = _OTHER_KEY if exchange.status == _UNAUTHORIZED else exchange.reason
    changes = [difference.change for difference in exchange.differences] or [reason]
    return [_line(exchange), *(f"  {change}" for change in changes if change)]


def _class_named(name: str) -> dict[str, str]:
    return {"class_id": str(uuid5(NAMESPACE_OID, name)), "class_name": name}


def _with_class_ids(params: Mapping[str, Any]) -> dict[str, Any]:
    """Params in which each class that is only a name gets an id, the same for the same name."""
    classes = params.get("classes")
    if not isinstance(classes, Mapping):
        return dict(params)
    named = {
        batch_id: _class_named(known) if isinstance(known, str) else known
        for batch_id, known in cast("Mapping[str, Any]", classes).items()
    }
    return {**params, "classes": named}


def a_batch(
    number: int = 0, *, status: str = "completed_successfully", internal_status: str | None = None, **fields: Any
) -> dict[str, Any]:
    """A batch as the provider states spell it, with essays and dates that belong together.

    Args:
        number: Different numbers are different batches; the higher, the older.
        status: The internal status.
        internal_status: The same by the name that the row has for it; takes precedence.
        fields: Other fields to set.

    Raises:
        TypeError: There is no such field; the message lists the fields.
    """
    unknown = fields.keys() - _ROW_FIELDS
    if unknown:
        message = f"a batch has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(_ROW_FIELDS))}"
        raise TypeError(message)
    return {**batch_of("a test", number, internal_status or status), **fields}


@contextmanager
def in_process(
    *, scenario: Scenario = EMPTY, urls: Mapping[str, str] = DEFAULT_URLS, keys: frozenset[str] = frozenset()
) -> Generator[Backends]:
    """Answer the requests of every httpx client to the backends' base URLs in this process, without a port.

    Raises:
        UnknownProviderError: A URL is for an unknown provider; `ras` and `cms` will do as names.
        KeyError: A URL is missing.
    """
    from bff_mock_server.serving.in_process import answering  # noqa: PLC0415  # serve() needs no httpx

    mock = Mock(_backends(keys), scenario, keys=keys)
    mock.urls.update({mock.provider_named(name): url for name, url in urls.items()})
    at: dict[str, list[Backend]] = {}
    for backend in mock.backends:
        at.setdefault(mock.urls[backend.provider].rstrip("/"), []).append(backend)
    apps = {url: MockApp(mock, *backends) for url, backends in at.items()}
    with answering(apps) as elsewhere:
        yield Backends(mock, apps, elsewhere)


@contextmanager
def mocked_pact(*files: str | Path, base_url: str, keys: frozenset[str] = frozenset()) -> Generator[Backends]:
    """Answer the requests of every httpx client to a base URL in this process, from any pact files.

    Args:
        files: The pact files.
        base_url: The base URL that the consumer calls.
        keys: Keys to accept beside those of the contracts.

    Raises:
        PactError: A file cannot be used, or none has an HTTP interaction.
        OSError: A file cannot be read.
    """
    from bff_mock_server.serving.in_process import answering  # noqa: PLC0415  # serve() needs no httpx

    pacts = with_http([load_pact(file) for file in files])
    mock = Mock([Backend(pact, keys=keys) for pact in pacts], EMPTY, keys=keys)
    mock.urls.update({backend.provider: base_url for backend in mock.backends})
    apps = {base_url.rstrip("/"): MockApp(mock, *mock.backends)}
    with answering(apps) as elsewhere:
        yield Backends(mock, apps, elsewhere)


@contextmanager
def serve(*, scenario: str | Scenario = "default", keys: Iterable[str] = (), **ports: int) -> Generator[Backends]:
    """Serve the mocked backends on real ports of 127.0.0.1, from a thread.

    Args:
        scenario: A shipped one, the path of a `.yaml` file, or one that was read already.
        keys: Keys to accept beside the placeholder.
        ports: `ras_port`, `cms_port`: where a provider is served; a free port for those left out.

    Raises:
        ModuleNotFoundError: The extra `mock` is missing.
        TypeError: A port is for an unknown provider.
        OSError: A port is in use.
        ScenarioError: There is no such scenario, or it cannot be used.
    """
    with needs_extras("mock", error=ModuleNotFoundError):
        from bff_mock_server.serving.server import Listener, bind, running  # noqa: PLC0415  # in process needs none

    found = find_scenario(scenario) if isinstance(scenario, str) else scenario
    mock = Mock(_backends(frozenset(keys)), found, keys=frozenset(keys))
    wanted = {f"{provider.short}_port": provider.name for provider in PROVIDERS}
    for name in ports:
        if name not in wanted:
            message = f"serve() got an unexpected keyword argument {name!r}; {meant(name, wanted)}"
            raise TypeError(message)
    at = {wanted[name]: port for name, port in ports.items()}
    with ExitStack() as stack:
        listeners: dict[str, Listener] = {}
        for backend in mock.backends:
            bound = stack.enter_context(bind("127.0.0.1", at.get(backend.provider, 0)))
            listeners[backend.provider] = Listener(MockApp(mock, backend), bound)
        stack.enter_context(running(list(listeners.values())))
        mock.urls.update({provider: f"http://127.0.0.1:{one.port}" for provider, one in listeners.items()})
        yield Backends(mock)


@lru_cache(maxsize=8)
def _backends(keys: frozenset[str]) -> tuple[Backend, ...]:
    """Compiled once for all tests of a run, because backends have no state."""
    pacts = shipped_pacts()
    return tuple(Backend(pact, keys=keys, elsewhere=pacts) for pact in pacts)
