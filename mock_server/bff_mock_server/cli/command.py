"""Defines the options of `bff-mock-server` and runs it."""

import argparse
import gc
import io
import ipaddress
import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bff_contracts.options import ShowVersion
from bff_contracts.pact.file import PactError
from bff_contracts.platform import KEY_VARIABLE, PROVIDERS, STATES_PATH, needs_extras
from bff_mock_server.cli import arguments
from bff_mock_server.cli.contracts import PROXY_OPTIONS, CannotStartError, Contracts

if TYPE_CHECKING:
    from bff_mock_server.cli.assembly import Assembly, Plan

_CANNOT_START: Final = 2
_WATCHING: Final = "bff_mock_server.watching"
_VIOLATED: Final = 1

_LABELS: Final = " and ".join(one.label for one in PROVIDERS)
_PORTS: Final = " and ".join(one.port_option for one in PROVIDERS)
_PROXIES: Final = " and ".join(f"--{one.short}" for one in PROVIDERS)

_EPILOG: Final = f"""\
examples:
  bff-mock-server --only cms                 a mock CMS beside a real RAS on port 4003
  bff-mock-server --scenario exam-week       many teachers; most of their batches are being processed
  bff-mock-server --live                     batches change their status over time
  bff-mock-server --ras proxy=http://127.0.0.1:4003 --ras-port 4013
                                             a real RAS whose responses are checked; the mock CMS knows its batches
  bff-mock-server --file my.json --port 8080 any pact file

headers of a request:
  X-Mock-State: batch does not exist         a provider state for this response only
  X-Mock-Fault: latency=200ms; status=503 rate=0.1
                                             a delay, and an error for one request in ten
  X-Mock-Session: my-test-run                data of its own, so that parallel test runs do not interfere

environment:
  {KEY_VARIABLE}  a key that is accepted, like that of --api-key

exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 a real service broke the contract (--fail-on-violation), 2 could not start
or could not write the recording
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the mocks until they are stopped; returns the exit code."""
    options = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a Swedish name still gets the rest of the banner.
        sys.stdout.reconfigure(errors="replace")  # pyright: ignore[reportUnknownMemberType]
    level = {-1: logging.ERROR, 0: logging.WARNING}.get(options.verbosity, logging.INFO)
    logging.basicConfig(level=level, format="%(levelname)s %(message)s", stream=sys.stderr)
    if options.watch and options.verbosity == 0:
        logging.getLogger(_WATCHING).setLevel(logging.INFO)  # with --watch, each reload is logged
    try:
        return _run(options)
    except CannotStartError as error:
        print(f"bff-mock-server: {error}", file=sys.stderr)  # noqa: T201
        return _CANNOT_START
    except KeyboardInterrupt:
        # Ctrl-C before the server handles signals.
        return 0
    finally:
        gc.enable()


def _run(options: argparse.Namespace) -> int:
    gc.disable()  # the start makes no garbage
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")  # Pydantic would search every installed distribution
    with needs_extras("mock", error=CannotStartError):
        from bff_mock_server.cli.assembly import assemble  # noqa: PLC0415  # the library is usable without the extra
        from bff_mock_server.serving.server import run  # noqa: PLC0415  # the same
        from bff_mock_server.world.scenarios import ScenarioError  # noqa: PLC0415  # the same
    is_open = _is_open(options.host, allowed=options.allow_remote)
    try:
        assembly = assemble(_plan(options))
    except (PactError, ScenarioError) as error:
        raise CannotStartError(str(error)) from error
    if is_open:
        _warn(options.host, assembly.urls)
    # What exists now is kept until the end: the collector need not examine it again.
    gc.freeze()
    gc.enable()
    run(
        assembly.listeners,
        on_ready=lambda: _announce(assembly, quiet=options.verbosity < 0),
        beside=assembly.beside,
        at_end=assembly.at_end,
    )
    return _verdict(assembly, fail=options.fail_on_violation)


def _plan(options: argparse.Namespace) -> "Plan":
    from bff_mock_server.cli.assembly import Plan  # noqa: PLC0415  # the library is usable without the extra

    _check(options)
    return Plan(
        contracts=Contracts(
            options.only, options.file, options.dir, options.provider_state, options.empty_provider_state
        ),
        scenario=options.scenario,
        keys=frozenset(filter(None, (options.api_key, os.environ.get(KEY_VARIABLE)))),
        lenient=options.lenient,
        seed=options.seed,
        log_requests=options.verbosity > 0,
        host=options.host,
        hosts=options.allow_host,
        ports={one.name: getattr(options, f"{one.short}_port") for one in PROVIDERS},
        shared_port=options.port or 0,
        control_port=None if options.no_control else options.control_port,
        proxied=_proxied_in(options),
        record=options.record,
        watch=options.watch,
        live=options.live,
        cors=options.cors,
        **({} if options.max_body is None else {"max_body": options.max_body}),
    )


def _proxied_in(options: argparse.Namespace) -> dict[str, str]:
    """The real services that the options name, by provider."""
    given = {one.name: getattr(options, one.short) for one in PROVIDERS}
    return {name: url for name, url in given.items() if url is not None}


def _check(options: argparse.Namespace) -> None:
    are_files, is_proxied = bool(options.file or options.dir), bool(_proxied_in(options))
    problems = {
        f"--port goes with --file or --dir; {_LABELS} have {_PORTS}": options.port is not None and not are_files,
        "--only goes with the shipped contracts, not with --file or --dir": bool(options.only) and are_files,
        f"{_PROXIES} go with the shipped contracts, not with --file or --dir": is_proxied and are_files,
        f"--fail-on-violation needs a real provider behind the mock: {PROXY_OPTIONS}": (
            options.fail_on_violation and not is_proxied
        ),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise CannotStartError(problem)


def _announce(assembly: "Assembly", *, quiet: bool) -> None:
    from bff_mock_server.cli.banner import banner  # noqa: PLC0415  # as above

    text = "\n".join(address.url for address in assembly.addresses)
    if not quiet:
        text = banner(assembly.addresses, assembly.control, assembly.mock)
    # In one write, also where Python does not buffer: several mocks may print to one pipe.
    print(f"{text}\n", end="", flush=True)  # noqa: T201


def _verdict(assembly: "Assembly", *, fail: bool) -> int:
    if assembly.recorder is not None and assembly.recorder.problem:
        print(f"bff-mock-server: {assembly.recorder.problem}", file=sys.stderr)  # noqa: T201
        return _CANNOT_START
    violations = assembly.mock.journal.violations
    if violations:
        text = f"bff-mock-server: contract violations by real services: {violations}; the log above shows them"
        print(text, file=sys.stderr)  # noqa: T201
    return _VIOLATED if fail and violations else 0


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
        raise CannotStartError(message)
    return not is_loopback


def _warn(host: str, urls: Sequence[str]) -> None:
    print(  # noqa: T201
        f"bff-mock-server: other machines can reach this mock at {host}: {', '.join(urls)}, {STATES_PATH}"
        " included; the placeholder key is public",
        file=sys.stderr,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bff-mock-server",
        description=f"Mock {_LABELS}, generated from the contracts of the BFF Teacher Service; or any pact file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", choices=sorted(one.short for one in PROVIDERS), help="serve one backend instead of all"
    )
    parser.add_argument(
        "--scenario",
        default="default",
        metavar="NAME|FILE",
        help="the data to start with: default, empty-school, exam-week, everything-failing, or a .yaml file",
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed for faults and generators (default: 0)")
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="also answer requests that the contract does not allow; X-Mock-Differences lists the differences",
    )
    parser.add_argument(
        "--api-key", type=arguments.key, metavar="KEY", help="also accept this key; do not use a real one"
    )
    parser.add_argument(
        "--live",
        nargs="?",
        type=arguments.SPEED,
        const=1.0,
        metavar="SPEED",
        help="move batches through their statuses, SPEED times as fast as the clock (default: 1)",
    )
    parser.add_argument("--watch", action="store_true", help="reload pact files and the scenario file when they change")
    _add_proxying(parser)
    _add_listening(parser)
    _add_files(parser)
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument(
        "-q", "--quiet", dest="verbosity", action="store_const", const=-1, default=0, help="print the addresses only"
    )
    loudness.add_argument(
        "-v", "--verbose", dest="verbosity", action="store_const", const=1, help="log each request to stderr"
    )
    parser.add_argument("--version", action=ShowVersion, nargs=0, help="show the version and exit")
    return parser


def _add_proxying(parser: argparse.ArgumentParser) -> None:
    real = parser.add_argument_group("in front of a real service")
    for one in PROVIDERS:
        real.add_argument(
            f"--{one.short}",
            type=arguments.proxied_url,
            metavar="proxy=URL",
            help=f"pass requests on to a real {one.label}, and check its responses",
        )
    real.add_argument("--fail-on-violation", action="store_true", help="exit code 1 if a response broke the contract")
    real.add_argument("--record", metavar="FILE", help="write what real services answer as a scenario")


def _add_listening(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("addresses")
    for one in PROVIDERS:
        where.add_argument(
            one.port_option,
            type=arguments.port,
            default=one.port,
            metavar="PORT",
            help="default %(default)s; 0 takes a free one",
        )
    where.add_argument(
        "--control-port",
        type=arguments.port,
        default=4100,
        metavar="PORT",
        help="control page and its API, default 4100; 0 takes a free one",
    )
    where.add_argument("--no-control", action="store_true", help="do not serve the control page and its API")
    where.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    where.add_argument("--allow-remote", action="store_true", help="allow a --host that other machines can reach")
    where.add_argument("--cors", action="store_true", help="allow requests from pages of any origin (CORS)")
    where.add_argument(
        "--max-body", type=arguments.size, metavar="BYTES", help="the largest body of a request (default: 1048576)"
    )
    where.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="another host name of the mock; repeatable"
    )


def _add_files(parser: argparse.ArgumentParser) -> None:
    files = parser.add_argument_group("any pact file")
    files.add_argument("--file", action="append", default=[], metavar="FILE", help="serve this pact file; repeatable")
    files.add_argument("--dir", action="append", default=[], metavar="DIR", help="all *.json of a folder; repeatable")
    files.add_argument(
        "--port", type=arguments.port, metavar="PORT", help="where these are served (default: any free port)"
    )
    files.add_argument(
        "--provider-state",
        type=arguments.pattern,
        metavar="REGEX",
        help="only interactions in a provider state that matches",
    )
    files.add_argument("--empty-provider-state", action="store_true", help="also interactions without a provider state")
