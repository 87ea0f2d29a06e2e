"""The command `bff-mock-server`."""

import argparse
import io
import ipaddress
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from bff_contracts.pact_file import Pact, PactError, shipped_pacts
from bff_contracts.states import CMS, RAS
from bff_mock_server.asgi import BackendApp
from bff_mock_server.backend import Backend
from bff_mock_server.banner import banner
from bff_mock_server.scenarios import default_scenario

if TYPE_CHECKING:
    from bff_mock_server.server import Listener

KEY_VARIABLE: Final = "HULEEDU_INTERNAL_API_KEY"
_DISTRIBUTION: Final = "huleedu-bff-clients"
_MODULES_OF_EXTRA: Final = frozenset({"uvicorn", "httptools"})
_ONLY: Final = {"cms": CMS, "ras": RAS}
_CANNOT_START: Final = 2

_EPILOG: Final = f"""\
example, when RAS really runs and only CMS is missing:
  bff-mock-server --only cms

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


class _CannotStartError(Exception):
    """Why there is no mock, in one line."""


def _run(options: argparse.Namespace) -> int:
    try:
        from bff_mock_server.server import run  # noqa: PLC0415  # the library is usable without the extra
    except ModuleNotFoundError as error:
        if error.name not in _MODULES_OF_EXTRA:
            raise
        message = f"{error.name} is missing; install the extra: pip install '{_DISTRIBUTION}[mock]'"
        raise _CannotStartError(message) from error
    scenario = default_scenario()
    world = scenario.build()
    keys = frozenset(filter(None, (options.api_key, os.environ.get(KEY_VARIABLE))))
    try:
        pacts = shipped_pacts()
        backends = [Backend(pact, world, keys=keys, elsewhere=pacts) for pact in _wanted(pacts, options.only)]
    except PactError as error:
        raise _CannotStartError(str(error)) from error
    listeners = _listeners(backends, options)
    _warn_when_open(options.host)
    urls = {_url(options.host, listener.port): listener.app.backend for listener in listeners}

    def announce() -> None:
        text = "\n".join(urls) if options.verbosity < 0 else banner(urls, scenario, world)
        print(text, flush=True)  # noqa: T201

    run(listeners, on_ready=announce, access_log=options.verbosity > 0)
    return 0


def _wanted(pacts: Sequence[Pact], only: str | None) -> list[Pact]:
    provider = _ONLY[only] if only else None
    wanted = [pact for pact in pacts if provider in {None, pact.provider}]
    if not wanted:
        message = f"no contract with {provider or 'any provider'} is installed"
        raise _CannotStartError(message)
    # RAS first: the example is about its pages.
    return sorted(wanted, key=lambda pact: pact.provider != RAS)


def _listeners(backends: Sequence[Backend], options: argparse.Namespace) -> "list[Listener]":
    from bff_mock_server.server import Listener, bind  # noqa: PLC0415  # as above

    # A provider that has no option of its own gets any free port; the banner says which.
    ports: dict[str, int] = {RAS: options.ras_port, CMS: options.cms_port}
    listeners: list[Listener] = []
    for backend in backends:
        port = ports.get(backend.provider, 0)
        try:
            listeners.append(Listener(BackendApp(backend), bind(options.host, port)))
        except OSError as error:
            for listener in listeners:
                listener.socket.close()
            message = f"cannot listen on {options.host}:{port} for {backend.provider}: {error.strerror or error}"
            raise _CannotStartError(message) from error
    return listeners


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _warn_when_open(host: str) -> None:
    if host == "localhost":
        return
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        text = (
            f"bff-mock-server: warning: on {host} everyone who reaches this machine can read the mock's data,"
            " and change it through /_pact/provider_states, which asks for no key"
        )
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bff-mock-server",
        description="Mock RAS and CMS, generated from the contracts of the BFF Teacher Service.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=sorted(_ONLY), help="serve one backend instead of both")
    parser.add_argument("--ras-port", type=_port, default=4003, metavar="PORT", help="default 4003; 0 takes a free one")
    parser.add_argument("--cms-port", type=_port, default=5002, metavar="PORT", help="default 5002; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--api-key", metavar="KEY", help="accept this key too; a mock's key, never a real one")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument(
        "-q", "--quiet", dest="verbosity", action="store_const", const=-1, default=0, help="print the addresses only"
    )
    loudness.add_argument(
        "-v", "--verbose", dest="verbosity", action="store_const", const=1, help="log each request to stderr"
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(_DISTRIBUTION)}")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:  # noqa: PLR2004
        message = f"a port is 0 to 65535, not {port}"
        raise argparse.ArgumentTypeError(message)
    return port
