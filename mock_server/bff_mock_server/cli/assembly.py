"""Assembles the mock: contracts, worlds, sockets, and what runs beside them."""

import errno
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from bff_contracts.pact.file import SHIPPED, read_shipped_pacts
from bff_contracts.platform import BY_NAME, needs_extras
from bff_mock_server.answering.backend import Backend
from bff_mock_server.answering.mock import Mock
from bff_mock_server.cli.banner import Address
from bff_mock_server.cli.contracts import PROXY_OPTIONS, CannotStartError, Contracts
from bff_mock_server.cli.watching import Loaded, Watcher
from bff_mock_server.control import ControlApp
from bff_mock_server.serving.app import MockApp
from bff_mock_server.serving.cors import CorsApp
from bff_mock_server.serving.guard import Guard
from bff_mock_server.serving.http import MAX_BODY_BYTES
from bff_mock_server.serving.server import Beside, Listener, bind
from bff_mock_server.world.scenarios import Scenario, find_scenario

if TYPE_CHECKING:
    from bff_mock_server.proxy.app import Observer, ProxyApp
    from bff_mock_server.proxy.recording import Recorder

_LOG: Final = logging.getLogger("bff_mock_server")


_FREE_PORTS: Final[Mapping[str, int]] = {}
_NOT_PROXIED: Final[Mapping[str, str]] = {}


class Plan(NamedTuple):
    """The mock to start, as the command line describes it.

    Attributes:
        contracts: What is served.
        scenario: The name of a shipped one, or the path of a file.
        keys: Keys to accept beside the placeholder.
        lenient: Whether requests that the contracts do not allow are answered too.
        seed: The random seed.
        log_requests: Whether each request is logged.
        host: The address to listen on.
        hosts: Other host names of the mock.
        ports: The port of each provider; 0 takes a free one.
        shared_port: The one port of pact files.
        control_port: The port of the control page; `None` for none.
        proxied: The URLs of real providers to which requests are passed on.
        record: The file in which their responses are recorded.
        watch: Whether changed files are reloaded.
        live: The speed of time; `None` when it does not pass.
        cors: Whether pages of any origin may send requests.
        max_body: The largest body of a request, in bytes.
    """

    contracts: Contracts
    scenario: str = "default"
    keys: frozenset[str] = frozenset()
    lenient: bool = False
    seed: int = 0
    log_requests: bool = False
    host: str = "127.0.0.1"
    hosts: Sequence[str] = ()
    ports: Mapping[str, int] = _FREE_PORTS
    shared_port: int = 0
    control_port: int | None = None
    proxied: Mapping[str, str] = _NOT_PROXIED
    record: str | None = None
    watch: bool = False
    live: float | None = None
    cors: bool = False
    max_body: int = MAX_BODY_BYTES


class Assembly(NamedTuple):
    """The assembled mock, ready to be served.

    Attributes:
        mock: The mock that the applications share.
        listeners: The applications and their sockets.
        addresses: The base URLs of the providers.
        control: That of the control page, if there is one.
        urls: All base URLs.
        beside: Tasks that run while it is served.
        at_end: Work to do afterwards.
        recorder: Records the responses of real services; `None` without `--record`.
    """

    mock: Mock
    listeners: Sequence[Listener]
    addresses: Sequence[Address]
    control: str | None
    urls: Sequence[str]
    beside: Sequence[Beside]
    at_end: Sequence[Beside]
    recorder: "Recorder | None" = None


def assemble(plan: Plan) -> Assembly:
    """Read everything, and bind the ports.

    Raises:
        CannotStartError: Something in the plan does not exist, or a port is in use.
        PactError: A pact file cannot be used.
        ScenarioError: The scenario cannot be used.
    """
    backends, scenario = load(plan)
    mock = Mock(backends, scenario, seed=plan.seed, log_requests=plan.log_requests, keys=plan.keys)
    mock.proxied.update(plan.proxied)
    guard = Guard([plan.host, *plan.hosts])
    recorder = _recorder(plan)
    proxies = _proxies(plan, mock, guard, recorder)
    apps = _apps(plan, mock, guard, proxies)
    control = [] if plan.control_port is None else [(ControlApp(mock, guard), plan.control_port)]
    listeners = _bound([*apps, *control], plan.host)
    urls = [_url(plan.host, listener.port) for listener in listeners]
    addresses = [Address(url, app.backends) for url, (app, _) in zip(urls[: len(apps)], apps, strict=True)]
    mock.urls.update({backend.provider: address.url for address in addresses for backend in address.backends})
    _check_for_proxy_loops(plan, listeners)
    beside: list[Beside] = [recorder.run] if recorder is not None else []
    if plan.live is not None:
        from bff_mock_server.world.life import Life  # noqa: PLC0415  # Pydantic, for this option alone

        beside.append(Life(mock.sessions, speed=plan.live, seed=plan.seed).run)
    if plan.watch:
        beside.append(
            Watcher(mock, _watched(plan), partial(load, plan), partial(_reload, [app for app, _ in apps])).run
        )
    return Assembly(
        mock=mock,
        listeners=listeners,
        addresses=addresses,
        control=urls[-1] if control else None,
        urls=urls,
        beside=beside,
        recorder=recorder,
        at_end=[*(proxy.close for proxy in proxies.values()), *([recorder.finish] if recorder is not None else [])],
    )


def load(plan: Plan) -> Loaded:
    """Read contracts and scenario.

    Raises:
        CannotStartError: Something in the plan does not exist.
        PactError: A pact file cannot be used.
        ScenarioError: The scenario cannot be used.
    """
    shipped = read_shipped_pacts()  # --watch loads them again after a change
    backends = [
        Backend(pact, keys=plan.keys, elsewhere=shipped, lenient=plan.lenient, seed=plan.seed)
        for pact in plan.contracts.read(shipped)
    ]
    if any(backend.has_states for backend in backends):
        return backends, find_scenario(plan.scenario)
    return backends, Scenario("none", about="No scenario: the contracts are served by their examples.")


def _reload(apps: "Sequence[MockApp | ProxyApp]") -> None:
    for app in apps:
        app.reload()


def _watched(plan: Plan) -> list[Path]:
    contracts = plan.contracts
    paths = [Path(path) for path in (*contracts.files, *contracts.folders)]
    if contracts.are_shipped:
        paths.append(SHIPPED)
    if plan.scenario.endswith((".yaml", ".yml")):
        paths.append(Path(plan.scenario))
    return paths


def _apps(
    plan: Plan, mock: Mock, guard: Guard, proxies: "dict[str, ProxyApp]"
) -> "list[tuple[MockApp | ProxyApp, int]]":
    kind = CorsApp if plan.cors else MockApp
    if not plan.contracts.are_shipped:
        return [(kind(mock, *mock.backends, guard=guard, max_body=plan.max_body), plan.shared_port)]
    return [
        (
            proxies.get(backend.provider) or kind(mock, backend, guard=guard, max_body=plan.max_body),
            plan.ports.get(backend.provider, 0),
        )
        for backend in mock.backends
    ]


def _check_for_proxy_loops(plan: Plan, listeners: Sequence[Listener]) -> None:
    own = {listener.port for listener in listeners}
    for provider, url in plan.proxied.items():
        parts = urlsplit(url)
        if parts.port in own and parts.hostname in {"localhost", "127.0.0.1", "::1", plan.host}:
            for listener in listeners:
                listener.socket.close()
            option = BY_NAME[provider].port_option
            message = f"{url} is this mock's own address; {option} takes another port"
            raise CannotStartError(message)


def _recorder(plan: Plan) -> "Recorder | None":
    if plan.record is None:
        return None
    if not plan.proxied:
        message = f"--record needs a real provider behind the mock: {PROXY_OPTIONS}"
        raise CannotStartError(message)
    if not plan.record.endswith((".yaml", ".yml")):
        message = f"--record {plan.record}: a scenario is a .yaml file"
        raise CannotStartError(message)
    from bff_mock_server.proxy.recording import Recorder  # noqa: PLC0415  # only here

    try:
        return Recorder(Path(plan.record))
    except OSError as error:
        message = f"{plan.record}: {error.strerror or error}"
        raise CannotStartError(message) from error


def _proxies(plan: Plan, mock: Mock, guard: Guard, recorder: "Recorder | None") -> "dict[str, ProxyApp]":
    if not plan.proxied:
        return {}
    left_out = [provider for provider in plan.proxied if provider not in mock.providers]
    if left_out:
        message = f"cannot pass requests on to {left_out[0]}: --only leaves it out"
        raise CannotStartError(message)
    with needs_extras("mock", "contracts", error=CannotStartError):
        from bff_mock_server.proxy.app import ProxyApp  # noqa: PLC0415  # needs another extra
        from bff_mock_server.proxy.learning import learn_batches  # noqa: PLC0415  # only here
        from bff_mock_server.proxy.real_service import ProxyError  # noqa: PLC0415  # the same
    observers: list[Observer] = [partial(learn_batches, mock.sessions)]
    try:
        if recorder is not None:
            observers.append(recorder.observe)
        return {
            backend.provider: ProxyApp(mock, backend, plan.proxied[backend.provider], guard=guard, observers=observers)
            for backend in mock.backends
            if backend.provider in plan.proxied
        }
    except ProxyError as error:
        raise CannotStartError(str(error)) from error


def _bound(wanted: "Sequence[tuple[MockApp | ProxyApp | ControlApp, int]]", host: str) -> list[Listener]:
    listeners: list[Listener] = []
    for app, port in wanted:
        try:
            close = app.end if isinstance(app, ControlApp) else None
            listeners.append(Listener(app, bind(host, port), close))
        except OSError as error:
            for listener in listeners:
                listener.socket.close()
            raise CannotStartError(_port_taken(app, port, host, error)) from error
    return listeners


def _port_taken(app: "MockApp | ProxyApp | ControlApp", port: int, host: str, error: OSError) -> str:
    whom, other = "the control page", "--control-port or --no-control"
    if not isinstance(app, ControlApp):
        whom = app.backends[0].provider
        other = BY_NAME[whom].port_option if whom in BY_NAME else "--port"
    hint = f"; is a mock running already? {other} takes another" if error.errno == errno.EADDRINUSE else ""
    return f"cannot listen on {host}:{port} for {whom}: {error.strerror or error}{hint}"


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
