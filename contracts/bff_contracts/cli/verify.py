"""`bff-contracts verify`: hold a running provider against its contract."""

import argparse
import contextlib
import os
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from bff_contracts.cli.common import CannotRun, Commands, add_provider, needs_extra, seconds

if TYPE_CHECKING:
    from bff_contracts.verification import Outcome, RunningProvider

_NOT_VERIFIED: Final = 1

_EPILOG: Final = """\
The provider's real key is read from HULEEDU_INTERNAL_API_KEY and put in the place of the contract's placeholder;
without it the placeholder is sent. States are set up by the provider: POST to --states-url with
{"state": …, "params": {…}, "action": "setup"}, and "teardown" afterwards.

exit codes: 0 verified, 1 not verified, 2 could not run
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "verify",
        help="hold a running provider against its contract",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_provider(parser)
    parser.add_argument("--url", required=True, help="where the provider runs, such as http://127.0.0.1:5002")
    parser.add_argument("--states-url", metavar="URL", help="where it sets its provider states up when asked")
    parser.add_argument("--only", metavar="TEXT", help="only interactions with this text in their description")
    parser.add_argument("--file", type=Path, metavar="PACT", help="another contract than the one of this package")
    parser.add_argument(
        "--seconds", type=seconds, default=5.0, help="how long an answer, or setting a state up, may take (default: 5)"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes there as JSON")
    parser.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    with needs_extra():
        from bff_contracts.verification import CannotVerify, Verification, running_provider  # noqa: PLC0415  # the extra
        from bff_contracts.verification.reports import as_json, as_junit  # noqa: PLC0415  # the same
    try:
        with (
            _own_output() as out,
            running_provider(
                url=options.url,
                provider=options.provider,
                states_url=options.states_url,
                pact=options.file,
                seconds=options.seconds,
            ) as running,
        ):
            places = _chosen(running, options.only)
            print(f"{running.name} at {options.url}: {len(places)} interactions\n", file=out, flush=True)
            outcomes = [_row(running, at, out) for at in places]
    except CannotVerify as error:
        raise CannotRun(str(error)) from error
    verification = Verification(running.name, tuple(outcomes))
    print(f"\n{verification}")  # noqa: T201
    for file, report in ((options.junit, as_junit), (options.json, as_json)):
        if file is not None:
            _write(file, report(verification))
    return 0 if verification.verified else _NOT_VERIFIED


def _chosen(running: "RunningProvider", only: str | None) -> Sequence[int]:
    places = [
        at
        for at, description in enumerate(running.interactions)
        if only is None or only.casefold() in description.casefold()
    ]
    if not places:
        message = f"no interaction with {running.name} has {only!r} in its description"
        raise CannotRun(message)
    return places


def _row(running: "RunningProvider", at: int, out: TextIO) -> "Outcome":
    """Verify an interaction; its row is there when it is done, and on a terminal a line while it runs."""
    description = running.interactions[at]
    if out.isatty():
        print(f"  …                {description}", end="\r", file=out, flush=True)
    outcome = running.outcome(at)
    word = "verified" if outcome.verified else "FAILED"
    print(f"  {word:<8} {outcome.seconds * 1000:4.0f} ms  {description}", file=out, flush=True)
    return outcome


@contextlib.contextmanager
def _own_output() -> Generator[TextIO]:
    """Standard output for this program alone: the engine writes to file descriptor 1, whatever it is told."""
    sys.stdout.flush()
    kept = os.dup(1)
    with (
        open(os.dup(1), "w", encoding=sys.stdout.encoding, errors="replace") as out,  # noqa: PTH123  # a descriptor
        open(os.devnull, "w", encoding="utf-8") as nowhere,  # noqa: PTH123  # not a path of ours
    ):
        os.dup2(nowhere.fileno(), 1)
        try:
            yield out
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"cannot write {file}: {error.strerror}"
        raise CannotRun(message) from error
