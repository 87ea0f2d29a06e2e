"""`bff-contracts verify`: verify that a running provider keeps its contract."""

import argparse
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bff_contracts.cli.common import (
    BUILD_URL,
    SECONDS,
    CommandError,
    Commands,
    add_provider,
    needs_contracts,
    print_text,
)
from bff_contracts.cli.rows import verify_with_row

if TYPE_CHECKING:
    from bff_contracts.verification import Outcome, RunningProvider, Verification

_NOT_VERIFIED: Final = 1

_EPILOG: Final = """\
example:
  HULEEDU_INTERNAL_API_KEY=… bff-contracts verify cms --url http://127.0.0.1:5002 \\
      --states-url http://127.0.0.1:5002/_pact/provider_states --not-yet 'GET …/validation-status'

The real key comes from HULEEDU_INTERNAL_API_KEY and replaces the contract's placeholder; without it the placeholder is
sent. The provider sets its states up: --states-url gets a POST with {"state": …, "params": {…}, "action": "setup"}
before the interaction, and with "teardown" after it.

With --from-broker, a pact whose content this branch of the provider has never verified is pending: its failures are
reported and do not fail the run, except interactions that could not be tried (a state that could not be set up, no
response, a refused key). A pact that --pact-url names is never pending.

exit codes: 0 verified, 1 not verified, 2 could not run, or could not publish the results
"""


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "verify",
        help="verify that a running provider keeps its contract",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_provider(parser)
    parser.add_argument("--url", required=True, help="where the provider runs, such as http://127.0.0.1:5002")
    parser.add_argument("--states-url", metavar="URL", help="the URL of its route for provider states")
    parser.add_argument("--only", metavar="TEXT", help="only interactions with this text in their description")
    parser.add_argument(
        "--not-yet",
        action="append",
        default=[],
        metavar="ENDPOINT",
        help="an endpoint that is not built yet, such as 'GET …/validation-status': it may fail, and may not pass",
    )
    parser.add_argument(
        "--file", type=Path, metavar="PACT", help="a pact file to verify instead of this package's contract"
    )
    parser.add_argument(
        "--seconds", type=SECONDS, default=5.0, help="time limit for each response and each provider state (default: 5)"
    )
    _add_broker(parser)
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report to FILE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes as JSON to FILE")
    parser.set_defaults(run=_verify)


def _add_broker(parser: argparse.ArgumentParser) -> None:
    source = parser.add_argument_group("contracts of a Pact Broker (PACT_BROKER_BASE_URL, its credentials)")
    source.add_argument(
        "--from-broker",
        action="store_true",
        help="verify the contracts of the consumer's main branch, of this branch, and of every version in use",
    )
    source.add_argument(
        "--pact-url", metavar="URL", help="verify the contract at URL instead, such as the one that a webhook names"
    )
    source.add_argument(
        "--all-consumers", action="store_true", help="include the contracts of consumers other than the BFF"
    )
    source.add_argument(
        "--time-limit",
        type=SECONDS,
        metavar="SECONDS",
        help="time limit for the whole verification (default: 120)",
    )
    source.add_argument("--publish-results", action="store_true", help="publish the results to the broker")
    source.add_argument("--version", help="the version of the provider (default: the commit checked out here)")
    source.add_argument("--branch", help="the branch of the provider (default: what the CI or git says)")
    source.add_argument("--build-url", metavar="URL", help=BUILD_URL)


def _verify(options: argparse.Namespace) -> int:
    _check(options)
    with needs_contracts():
        from bff_contracts.broker.access import BrokerError  # noqa: PLC0415  # Pydantic, for this command alone
        from bff_contracts.broker.checkout import SourceError  # noqa: PLC0415  # the same
        from bff_contracts.cli.verify_at_broker import BrokerRun  # noqa: PLC0415  # the extra
        from bff_contracts.verification import CannotVerify, running_provider  # noqa: PLC0415  # the same
        from bff_contracts.verification.reports import as_json, as_junit  # noqa: PLC0415  # the same
    try:
        at_broker = BrokerRun(options) if options.from_broker or options.pact_url else None
        with running_provider(
            url=options.url,
            provider=options.provider,
            states_url=options.states_url,
            pact=options.file,
            seconds=options.seconds,
        ) as running:
            verification = at_broker.verify(running, options.url) if at_broker else _verify_chosen(running, options)
        print_text(f"\n{verification}")
        for file, report in ((options.junit, as_junit), (options.json, as_json)):
            if file is not None:
                _write(file, report(verification))
        if at_broker:
            # Last, so that nothing is lost when the broker refuses the results.
            at_broker.publish()
    except (CannotVerify, BrokerError, SourceError) as error:
        raise CommandError(str(error)) from error
    return 0 if verification.verified else _NOT_VERIFIED


def _check(options: argparse.Namespace) -> None:
    """Check that the options go together, and that the reports can be written."""
    for file in (options.junit, options.json):
        if file is not None:
            _check_writable(file)
    if options.junit is not None and options.json is not None and options.junit.resolve() == options.json.resolve():
        message = f"--junit and --json both name {options.junit}: give each report its own file"
        raise CommandError(message)
    from_broker = options.from_broker or options.pact_url
    if from_broker and options.not_yet:
        message = "--not-yet applies to this package's contract alone: a broker marks new pacts as pending"
        raise CommandError(message)
    if from_broker and (options.file is not None or options.only is not None):
        message = "--from-broker and --pact-url verify what the broker has: leave out --file and --only"
        raise CommandError(message)
    of_broker = (
        options.publish_results,
        options.version,
        options.branch,
        options.build_url,
        options.all_consumers,
        options.time_limit,
    )
    if not from_broker and any(of_broker):
        message = (
            "--publish-results, --version, --branch, --build-url, --all-consumers and --time-limit go with "
            "--from-broker or --pact-url"
        )
        raise CommandError(message)


def _verify_chosen(running: "RunningProvider", options: argparse.Namespace) -> "Verification":
    from bff_contracts.verification import NotYet, Verification  # noqa: PLC0415  # the extra

    declared = NotYet(options.not_yet, options.provider, pact=options.file)
    wanted = (options.only or "").casefold()
    places = [at for at, name in enumerate(running.interactions) if wanted in name.casefold()]
    if not places:
        message = f"no interaction with {running.name} has {options.only!r} in its description"
        raise CommandError(message)
    total = len(running.interactions)
    counted = f"{len(places)} of {total}" if len(places) < total else str(total)
    print_text(f"{running.name} at {options.url}: {counted} interactions\n")

    def outcome(at: int) -> "Outcome":
        return declared.judged(running.outcome(at))

    outcomes = (verify_with_row(running.interactions[at], partial(outcome, at)) for at in places)
    return Verification(running.name, tuple(outcomes), total)


def _check_writable(file: Path) -> None:
    """Check that a report can be written, before the verification begins.

    Raises:
        CommandError: There is no such folder, or it is not allowed.
    """
    there = file if file.exists() else file.parent
    if file.is_dir() or not file.parent.is_dir() or not os.access(there, os.W_OK):
        reason = "it is a folder" if file.is_dir() else "Permission denied"
        reason = reason if file.parent.is_dir() else "No such file or directory"
        message = f"cannot write {file}: {reason}"
        raise CommandError(message)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"cannot write {file}: {error.strerror}"
        raise CommandError(message) from error
