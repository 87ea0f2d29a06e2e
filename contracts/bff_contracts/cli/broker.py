"""`bff-contracts publish`, `can-i-deploy` and `record-deployment`: what CI asks a Pact Broker."""

import argparse
import glob
import math
import os
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from typing import Final

from bff_contracts.broker.checkout import SourceError, branch, commit, uncommitted
from bff_contracts.broker.tool import CannotPublish, ask, broker
from bff_contracts.cli.common import CannotRun, Commands, seconds
from bff_contracts.pact.file import shipped_pacts

_SHOWN: Final = 5
_INTERVAL: Final = 5
"""Seconds between two questions while verifications are under way."""

_EPILOG: Final = """\
environment:
  PACT_BROKER_BASE_URL  where the broker is; without it the command says so and returns 2
  PACT_BROKER_TOKEN     its bearer token, or PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD

exit codes: 0 done, 1 the broker says no, 2 could not run
"""


def add(commands: Commands) -> None:
    """Describe the commands."""
    publish = _parser(commands, "publish", "publish the contracts of this package as those of this commit")
    publish.add_argument("--branch", help="the branch (default: what the CI or git says)")
    publish.add_argument("--tag", action="append", default=[], help="a tag of the version; repeatable")
    publish.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
    publish.set_defaults(run=_guarded(_publish))
    deploy = _parser(commands, "can-i-deploy", "whether all contracts of a version are verified in an environment")
    deploy.add_argument("--to", required=True, metavar="ENVIRONMENT", help="such as production")
    deploy.add_argument(
        "--wait",
        type=seconds,
        default=None,
        metavar="SECONDS",
        help="how long to wait for verifications that are under way (default: not at all)",
    )
    deploy.set_defaults(run=_guarded(_can_i_deploy))
    record = _parser(commands, "record-deployment", "tell the broker that a version is deployed")
    record.add_argument("--environment", required=True, help="where, such as production")
    record.set_defaults(run=_guarded(_record_deployment))
    for parser in (deploy, record):
        parser.add_argument(
            "--of",
            default=shipped_pacts()[0].consumer,
            metavar="PARTICIPANT",
            help="whose version, consumer or provider (default: %(default)s)",
        )


def _parser(commands: Commands, name: str, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=summary, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", metavar="VERSION", help="the version (default: the commit checked out here)")
    parser.add_argument(
        "--time-limit", type=seconds, default=60.0, metavar="SECONDS", help="how long the broker may take (default: 60)"
    )
    return parser


def _publish(options: argparse.Namespace) -> int:
    version, of_branch = options.version or commit(), options.branch or branch(os.environ)
    changed = uncommitted()
    if options.dry_run:
        _tell_plan(version, of_branch, options.tag, changed)
        return 0
    broker()  # without one, that comes first
    if changed:
        message = f"{_listed(changed)}: commit first, so that the version says what is published"
        raise CannotRun(message)
    with as_file(files("bff_contracts") / "pacts") as folder:
        paths = [glob.escape(str(path)) for path in sorted(folder.glob("*.json"))]
        words = ["publish", *paths, "--consumer-app-version", version, "--branch", of_branch]
        if options.tag:
            words += ["--tag", ",".join(options.tag)]  # given twice it is an error, whatever its help says
        return ask(words, os.environ, seconds=options.time_limit)


def _tell_plan(version: str, of_branch: str, tags: Sequence[str], changed: Sequence[str]) -> None:
    try:
        where = broker().base_url
    except CannotPublish as error:
        where = f"({error})"
    _tell(f"would publish to {where}")
    _tell(f"  version  {version}\n  branch   {of_branch}")
    if tags:
        _tell(f"  tags     {', '.join(tags)}")
    for pact in shipped_pacts():
        _tell(f"  pact     {pact.consumer} and {pact.provider}, {len(pact.interactions)} interactions")
    if changed:
        _tell(f"but {_listed(changed)}: a real run refuses that")


def _listed(changed: Sequence[str]) -> str:
    shown = ", ".join(line[3:] for line in changed[:_SHOWN])
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return f"{len(changed)} uncommitted: {shown}{more}"


def _can_i_deploy(options: argparse.Namespace) -> int:
    words = ["can-i-deploy", "--pacticipant", options.of, "--version", options.version or commit()]
    words += ["--to-environment", options.to]
    limit = options.time_limit
    if options.wait is not None:
        words += ["--retry-while-unknown", str(math.ceil(options.wait / _INTERVAL)), "--retry-interval", str(_INTERVAL)]
        # A question takes its own time too.
        limit += (math.ceil(options.wait / _INTERVAL) + 1) * _INTERVAL
    return ask(words, os.environ, seconds=limit)


def _record_deployment(options: argparse.Namespace) -> int:
    version = options.version or commit()
    words = ["record-deployment", "--pacticipant", options.of, "--version", version]
    return ask([*words, "--environment", options.environment], os.environ, seconds=options.time_limit)


def _guarded(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """What cannot be asked, or not be told from git, is what cannot run."""

    def run(options: argparse.Namespace) -> int:
        try:
            return command(options)
        except (CannotPublish, SourceError) as error:
            raise CannotRun(str(error)) from error

    return run


def _tell(text: str) -> None:
    print(text)  # noqa: T201
