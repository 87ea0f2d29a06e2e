"""`make demo`: the mock, its control page and the sample BFF with its page, in one process."""

import argparse
import io
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from bff_clients import BackendSettings
from bff_contracts.platform import CMS, PLACEHOLDER_KEY, RAS
from bff_mock_server import Mock, ScenarioError
from bff_mock_server.cli import arguments
from bff_mock_server.cli.assembly import Assembly, Plan, assemble
from bff_mock_server.cli.contracts import CannotStartError, Contracts
from bff_mock_server.serving.server import bind, running
from examples.bff.app import create_app
from examples.bff.page import Teacher, page

_HOST: Final = "127.0.0.1"
_CANNOT_START: Final = 2

_EPILOG: Final = """\
examples:
  make demo
  make demo ARGS="--scenario exam-week"
  make demo ARGS="--live 5"           batches move through their statuses, five times as fast as the clock
  make demo ARGS="--port 4111 --ras-port 0 --cms-port 0 --control-port 0"

exit codes: 0 stopped by Ctrl-C or SIGTERM, 2 could not start
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until it is stopped; returns the exit code."""
    options = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a Swedish name still gets the rest.
        sys.stdout.reconfigure(errors="replace")  # pyright: ignore[reportUnknownMemberType]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both signals end it in the same way
    try:
        return _run(options)
    except (CannotStartError, ScenarioError, ValidationError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return _CANNOT_START
    except KeyboardInterrupt:
        return 0


def _run(options: argparse.Namespace) -> int:
    ports = {RAS: options.ras_port, CMS: options.cms_port}
    with _bound(options.port) as own:
        mocks = assemble(
            Plan(Contracts(), options.scenario, ports=ports, control_port=options.control_port, live=options.live)
        )
        with running(mocks.listeners, beside=mocks.beside, at_end=mocks.at_end):
            server = _Server(
                _config(_app(mocks)), on_ready=lambda: print(_banner(mocks, own.getsockname()[1]), flush=True)
            )
            server.run(sockets=[own])
    return 0 if server.started else _CANNOT_START


def _bound(port: int) -> socket.socket:
    try:
        return bind(_HOST, port)
    except OSError as error:
        hint = "is a BFF running already? --port takes another"
        message = f"cannot listen on {_HOST}:{port} for the BFF: {error.strerror}; {hint}"
        raise CannotStartError(message) from error


def _app(mocks: Assembly) -> FastAPI:
    urls = mocks.mock.urls
    settings = BackendSettings(
        internal_api_key=PLACEHOLDER_KEY,
        ras_base_url=urls[RAS],
        cms_base_url=urls[CMS],
        service_id="bff-teacher-service",  # independent of the shell's environment
    )
    app = create_app(settings)
    app.include_router(page(lambda: _teachers(mocks.mock), control=f"{mocks.control}/"))
    return app


def _teachers(mock: Mock) -> list[Teacher]:
    """The teachers of the mock's present scenario."""
    known = mock.sessions.scenario_of(None).teachers
    return [Teacher(user_id=one.user_id, name=one.name, purpose=one.purpose) for one in known]


def _banner(mocks: Assembly, port: int) -> str:
    bff = f"http://{_HOST}:{port}"
    teachers = _teachers(mocks.mock)
    teacher = teachers[0] if teachers else Teacher(user_id="somebody", name="an unknown teacher", purpose="")
    curl = ["curl", "-H", f"X-User-ID: {teacher.user_id}", f"{bff}/bff/v1/teacher/dashboard?limit=3"]
    return "\n".join(
        (
            "The sample BFF on mocked backends is listening; stop it with Ctrl-C.",
            "",
            f"  dashboard     {bff}/?teacher={quote(teacher.user_id, safe='')}  ({_printable(teacher.name)})",
            f"  control page  {mocks.control}/  (arm a fault there and watch the dashboard)",
            f"  readiness     {bff}/readyz",
            *(f"  mock          {address.url}  ({address.backends[0].provider})" for address in mocks.addresses),
            "",
            "Try:",
            shlex.join(curl),
        )
    )


def _printable(text: str) -> str:
    """Escape control characters: a scenario may come from anywhere."""
    return "".join(character if character.isprintable() else "?" for character in text)


class _Server(uvicorn.Server):
    """A uvicorn server that signals when it listens."""

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_ready()


def _config(app: FastAPI) -> uvicorn.Config:
    # Calls that hang on a fault are not waited for when it is stopped.
    return uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="demo",
        description="The mock of RAS and CMS, its control page, and the sample BFF with a dashboard, in one terminal.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--scenario",
        default="default",
        metavar="NAME|FILE",
        help="the data to start with: default, empty-school, exam-week, everything-failing, or a .yaml file",
    )
    parser.add_argument(
        "--live",
        nargs="?",
        type=arguments.SPEED,
        const=1.0,
        metavar="SPEED",
        help="move batches through their statuses",
    )
    for option, default, what in (
        ("--port", 4101, "the BFF and its page"),
        ("--ras-port", 4003, "mock RAS"),
        ("--cms-port", 5002, "mock CMS"),
        ("--control-port", 4100, "the control page"),
    ):
        parser.add_argument(
            option, type=arguments.port, default=default, metavar="PORT", help=f"{what}: {default}, or 0 for a free one"
        )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
