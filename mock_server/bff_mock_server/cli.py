"""The command `bff-mock-server`."""

import argparse
import errno
import gc
import io
import ipaddress
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bff_contracts.pact_file import Pact, PactError, load_pact, shipped_pacts
from bff_contracts.states import CMS, RAS, SHORT_NAMES
from bff_mock_server.asgi import MockApp
from bff_mock_server.backend import Backend
from bff_mock_server.banner import Place, banner
from bff_mock_server.control import ControlApp
from bff_mock_server.guard import Guard
from bff_mock_server.mock import Mock

if TYPE_CHECKING:
    from bff_mock_server.scenarios import Scenario
    from bff_mock_server.server import Listener

KEY_VARIABLE: Final = "HULEEDU_INTERNAL_API_KEY"
_DISTRIBUTION: Final = "huleedu-bff-clients"
_MODULES_OF_EXTRA: Final = frozenset({"uvicorn", "httptools", "yaml"})
_CANNOT_START: Final = 2
_LOG: Final = logging.getLogger("bff_mock_server")

_EPILOG: Final = f"""\
examples:
  bff-mock-server --only cms                 RAS really runs on 4003 and only CMS is missing
  bff-mock-server --scenario exam-week       many teachers, most batches still being processed
  bff-mock-server --file my.json --port 8080 any pact file, served by its own rules

a request can ask for more, by headers:
  X-Mock-State: batch does not exist         a provider state for this answer alone
  X-Mock-Fault: latency=200ms; status=503 rate=0.1
  X-Mock-Session: my-test-run                a world of its own, so that parallel tests never race

environment:
  {KEY_VARIABLE}  accepted as a key beside the contract's placeholder, as --api-key is

exit codes: 0 stopped by Ctrl-C or SIGTERM, 2 could not start
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the mocks until they are stopped; returns the exit code."""
    options = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a Swedish name still gets the rest of the banner.
        sys.stdout.reconfigure(errors="replace")  # pyright: ignore[reportUnknownMemberType]
    level = {-1: logging.ERROR, 0: logging.WARNING}.get(options.verbosity, logging.INFO)
    logging.basicConfig(level=level, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        return _run(options)
    except _CannotStartError as error:
        print(f"bff-mock-server: {error}", file=sys.stderr)  # noqa: T201
        return _CANNOT_START
    except KeyboardInterrupt:
        # Ctrl-C before the server has taken the signals over.
        return 0
    finally:
        gc.enable()


class _CannotStartError(Exception):
    """Why there is no mock, in a few lines."""


def _run(options: argparse.Namespace) -> int:
    try:
        from bff_mock_server.scenarios import Scenario, ScenarioError, find_scenario  # noqa: PLC0415  # loads without the extra
        from bff_mock_server.server import run  # noqa: PLC0415  # the same
    except ModuleNotFoundError as error:
        if error.name not in _MODULES_OF_EXTRA:
            raise
        message = f"{error.name} is missing; install the extra: pip install '{_DISTRIBUTION}[mock]'"
        raise _CannotStartError(message) from error
    is_open = _is_open(options.host, allowed=options.allow_remote)
    gc.disable()  # nothing is garbage yet
    try:
        scenario = find_scenario(options.scenario)
        keys = frozenset(filter(None, (options.api_key, os.environ.get(KEY_VARIABLE))))
        shipped = shipped_pacts()
        backends = [
            Backend(pact, keys=keys, elsewhere=shipped, lenient=options.lenient) for pact in _pacts(options, shipped)
        ]
        if not any(backend.has_states for backend in backends):
            scenario = Scenario("none", about="These contracts have no simulator: their examples are what there is.")
        mock = Mock(backends, scenario, seed=options.seed, log_requests=options.verbosity > 0)
        _warn_of_lost_faults(mock, scenario)
    except (PactError, ScenarioError) as error:
        raise _CannotStartError(str(error)) from error
    apps, listeners = _bound(mock, options)
    urls = [_url(options.host, listener.port) for listener in listeners]
    places = [Place(url, app.backends) for url, app in zip(urls, apps, strict=False)]
    mock.urls.update({backend.provider: place.url for place in places for backend in place.backends})
    control = urls[-1] if len(urls) > len(apps) else None
    if is_open:
        _warn(options.host, urls)
    print_ready = _announcement(places, control, scenario, mock, quiet=options.verbosity < 0)
    # What stands now stands until the end: the collector need not look at it again and again.
    gc.freeze()
    gc.enable()
    run(listeners, on_ready=print_ready)
    return 0


def _warn_of_lost_faults(mock: Mock, scenario: "Scenario") -> None:
    """A scenario is for both services; if both are here, a route that leads nowhere is a slip of the pen."""
    if {RAS, CMS} <= set(mock.providers):
        for armed in scenario.faults:
            if not mock.has_route(armed.route):
                _LOG.warning("scenario %s: a fault is armed on %s, where no endpoint is", scenario.name, armed.route)


def _announcement(
    places: Sequence[Place], control: str | None, scenario: "Scenario", mock: Mock, *, quiet: bool
) -> Callable[[], None]:
    def announce() -> None:
        text = "\n".join(place.url for place in places) if quiet else banner(places, control, scenario, mock)
        print(text, flush=True)  # noqa: T201

    return announce


def _pacts(options: argparse.Namespace, shipped: Sequence[Pact]) -> list[Pact]:
    if not (options.file or options.dir):
        if options.port is not None:
            raise _CannotStartError("--port goes with --file or --dir; RAS and CMS have --ras-port and --cms-port")
        pacts = _wanted(shipped, options.only)
    elif options.only:
        raise _CannotStartError("--only goes with the shipped contracts, not with --file or --dir")
    else:
        by_file = {Path(path).resolve(): path for path in (*options.file, *_files_of(options.dir))}
        pacts = [_loaded(path) for path in by_file.values()]
    if options.provider_state is None:
        return pacts
    return [_in_state(pact, options.provider_state, also_none=options.empty_provider_state) for pact in pacts]


def _wanted(shipped: Sequence[Pact], only: str | None) -> list[Pact]:
    provider = SHORT_NAMES[only] if only else None
    wanted = [pact for pact in shipped if provider in {None, pact.provider}]
    if not wanted:
        message = f"no contract with {provider or 'any provider'} is installed"
        raise _CannotStartError(message)
    # RAS first: the example is about its pages.
    return sorted(wanted, key=lambda pact: pact.provider != RAS)


def _files_of(folders: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for folder in folders:
        files = sorted(Path(folder).glob("*.json"))
        if not Path(folder).is_dir():
            message = f"{folder}: no such folder"
            raise _CannotStartError(message)
        if not files:
            message = f"{folder}: no pact files (*.json) here"
            raise _CannotStartError(message)
        found += files
    return found


def _loaded(path: str | Path) -> Pact:
    try:
        return load_pact(path)
    except OSError as error:
        message = f"{path}: {error.strerror or error}"
        raise _CannotStartError(message) from error


def _in_state(pact: Pact, pattern: "re.Pattern[str]", *, also_none: bool) -> Pact:
    """The contract without the interactions of other provider states, as `pact stub` filters them."""
    kept = tuple(
        interaction
        for interaction in pact.interactions
        if any(pattern.search(state.name) for state in interaction.states) or (also_none and not interaction.states)
    )
    if not kept:
        message = f"{pact.source}: no interaction is in a provider state that matches {pattern.pattern!r}"
        raise _CannotStartError(message)
    return Pact(pact.consumer, pact.provider, kept, pact.source)


def _bound(mock: Mock, options: argparse.Namespace) -> "tuple[list[MockApp], list[Listener]]":
    from bff_mock_server.server import Listener, bind  # noqa: PLC0415  # the library is usable without the extra

    guard = Guard([options.host, *options.allow_host])
    if options.file or options.dir:
        apps = {MockApp(mock, *mock.backends, guard=guard): options.port or 0}
    else:
        ports = {RAS: options.ras_port, CMS: options.cms_port}
        apps = {MockApp(mock, backend, guard=guard): ports[backend.provider] for backend in mock.backends}
    wanted: list[tuple[MockApp | ControlApp, int]] = list(apps.items())
    if not options.no_control:
        wanted.append((ControlApp(mock, guard), options.control_port))
    listeners: list[Listener] = []
    for app, port in wanted:
        try:
            close = app.close if isinstance(app, ControlApp) else None
            listeners.append(Listener(app, bind(options.host, port), close))
        except OSError as error:
            for listener in listeners:
                listener.socket.close()
            raise _CannotStartError(_port_taken(app, port, options.host, error)) from error
    return list(apps), listeners


def _port_taken(app: object, port: int, host: str, error: OSError) -> str:
    whom, other = "the control page", "--control-port or --no-control"
    if isinstance(app, MockApp):
        whom = app.backends[0].provider
        other = {RAS: "--ras-port", CMS: "--cms-port"}.get(whom, "--port")
    hint = f"; is a mock running already? {other} takes another" if error.errno == errno.EADDRINUSE else ""
    return f"cannot listen on {host}:{port} for {whom}: {error.strerror or error}{hint}"


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _is_open(host: str, *, allowed: bool) -> bool:
    """Whether other machines can reach the mock."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback and not allowed:
        message = (
            f"--host {host} lets other machines reach this mock: its data, and the endpoints that change it. If that"
            " is what you want, add --allow-remote"
        )
        raise _CannotStartError(message)
    return not is_loopback


def _warn(host: str, urls: Sequence[str]) -> None:
    print(  # noqa: T201
        f"bff-mock-server: open to whoever can reach {host} on this machine: {', '.join(urls)}, /_pact/provider_states"
        " among them; the placeholder key is public",
        file=sys.stderr,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bff-mock-server",
        description="Mock RAS and CMS, generated from the contracts of the BFF Teacher Service; or any pact file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=sorted(SHORT_NAMES), help="serve one backend instead of both")
    parser.add_argument(
        "--scenario",
        default="default",
        metavar="NAME|FILE",
        help="what there is: default, empty-school, exam-week, everything-failing, or a .yaml file",
    )
    parser.add_argument("--seed", type=int, default=0, help="what chance in faults begins with (default: 0)")
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="answer also what the contract does not allow; X-Mock-Differences says what was overlooked",
    )
    parser.add_argument(
        "--api-key", type=_key, metavar="KEY", help="accept this key too; a mock's key, never a real one"
    )
    where = parser.add_argument_group("where it listens")
    where.add_argument("--ras-port", type=_port, default=4003, metavar="PORT", help="default 4003; 0 takes a free one")
    where.add_argument("--cms-port", type=_port, default=5002, metavar="PORT", help="default 5002; 0 takes a free one")
    where.add_argument(
        "--control-port", type=_port, default=4100, metavar="PORT", help="control API, default 4100; 0 takes a free one"
    )
    where.add_argument("--no-control", action="store_true", help="without the control API")
    where.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    where.add_argument("--allow-remote", action="store_true", help="let --host be one that other machines can reach")
    where.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a name the mock is reached by; repeatable"
    )
    files = parser.add_argument_group("any pact file")
    files.add_argument("--file", action="append", default=[], metavar="FILE", help="serve this pact file; repeatable")
    files.add_argument("--dir", action="append", default=[], metavar="DIR", help="all *.json of a folder; repeatable")
    files.add_argument("--port", type=_port, metavar="PORT", help="where these are served (default: any free port)")
    files.add_argument(
        "--provider-state", type=_pattern, metavar="REGEX", help="only interactions in a provider state that matches"
    )
    files.add_argument("--empty-provider-state", action="store_true", help="and those in none")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument(
        "-q", "--quiet", dest="verbosity", action="store_const", const=-1, default=0, help="print the addresses only"
    )
    loudness.add_argument(
        "-v", "--verbose", dest="verbosity", action="store_const", const=1, help="log each request to stderr"
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for: starting the mock need not wait for that."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version  # noqa: PLC0415  # see above

        print(f"{parser.prog} {version(_DISTRIBUTION)}")  # noqa: T201
        parser.exit()


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1  # noqa: PLR2004
    if not 0 <= port <= 65535:  # noqa: PLR2004
        message = f"a port is 0 to 65535, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return port


def _key(text: str) -> str:
    if not text.strip():
        message = "an empty key would let nobody in"
        raise argparse.ArgumentTypeError(message)
    return text


def _pattern(text: str) -> "re.Pattern[str]":
    try:
        return re.compile(text)
    except re.error as error:
        message = f"not a regular expression: {error}"
        raise argparse.ArgumentTypeError(message) from error
