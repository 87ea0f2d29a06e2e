"""`bff-contracts publish`, `can-i-deploy` and `record-deployment`: what CI asks a Pact Broker."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from bff_contracts.broker.access import BrokerAnswerError, BrokerRefusalError, broker
from bff_contracts.broker.checkout import SourceError, branch, commit, uncommitted
from bff_contracts.broker.deployment import DeploymentVerdict, can_i_deploy, record_deployment
from bff_contracts.broker.hal import Hal
from bff_contracts.broker.publishing import Publication, publish
from bff_contracts.cli.common import BUILD_URL, CommandError, Commands, pacts_of, seconds, shipped
from bff_contracts.platform import PROVIDERS

_NO: Final = 1
_SHOWN: Final = 5
_INTERVAL: Final = 5
"""Seconds between two questions while verifications are under way."""

_EPILOG: Final = """\
environment:
  PACT_BROKER_BASE_URL  where the broker is; without it the command says so and returns 2
  PACT_BROKER_TOKEN     its bearer token, or PACT_BROKER_USERNAME and PACT_BROKER_PASSWORD; empty is not set
  SSL_CERT_FILE         the certificates of its own authority

exit codes: 0 done, 1 the broker says no, 2 could not run
"""


def add(commands: Commands) -> None:
    """Describe the commands."""
    send = _parser(commands, "publish", "publish the contracts of this package as those of this commit")
    send.add_argument("--branch", help="the branch (default: what the CI or git says)")
    send.add_argument("--tag", action="append", default=[], help="a tag of the version; repeatable")
    send.add_argument("--build-url", metavar="URL", help=BUILD_URL)
    send.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
    send.set_defaults(run=_guarded(_publish))
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
    short = " and ".join(one.short for one in PROVIDERS)
    for parser in (deploy, record):
        parser.add_argument(
            "--of",
            default=shipped()[0].consumer,
            metavar="PARTICIPANT",
            help=f"whose version, consumer or provider; {short} will do (default: %(default)s)",
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
        raise CommandError(message)
    publication = Publication(version, of_branch, shipped(), options.tag, options.build_url)
    for line in publish(Hal(broker(), seconds=options.time_limit), publication):
        _tell(line)
    return 0


def _tell_plan(version: str, of_branch: str, tags: Sequence[str], changed: Sequence[str]) -> None:
    try:
        where = broker().base_url
    except BrokerAnswerError as error:
        where = f"({error})"
    _tell(f"would publish to {where}")
    _tell(f"  version  {version}\n  branch   {of_branch}")
    if tags:
        _tell(f"  tags     {', '.join(tags)}")
    for pact in shipped():
        _tell(f"  pact     {pact.consumer} and {pact.provider}, {len(pact.interactions)} interactions")
    if changed:
        _tell(f"but {_listed(changed)}: a real run refuses that")


def _listed(changed: Sequence[str]) -> str:
    shown = ", ".join(line[3:] for line in changed[:_SHOWN])
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return f"{len(changed)} uncommitted: {shown}{more}"


def _can_i_deploy(options: argparse.Namespace) -> int:
    participant, version = _participant(options.of), options.version or commit()
    where = broker()
    providers = [pact.provider for pact in shipped() if pact.consumer == participant]
    until = time.monotonic() + (options.wait or 0.0)
    while True:
        # A question takes its own time too.
        hal = Hal(where, seconds=options.time_limit)
        verdict = can_i_deploy(hal, participant, version, options.to, providers=providers)
        left = until - time.monotonic()
        if not verdict.open or left <= 0:
            break
        time.sleep(min(_INTERVAL, left))
    _tell_verdict(verdict, f"{participant} {version}", options.to)
    return 0 if verdict.yes else _NO


def _tell_verdict(verdict: DeploymentVerdict, whose: str, environment: str) -> None:
    for line in (*verdict.rows, *verdict.reasons):
        _tell(f"  {line}")
    for provider in verdict.missing:
        _tell(f"  there is no contract of {whose} with {provider} in the broker: publish it, and have it verified")
    word = "yes" if verdict.yes else "not known yet" if verdict.open else "no"
    _tell(f"{word}: {whose} to {environment}")


def _record_deployment(options: argparse.Namespace) -> int:
    participant, version = _participant(options.of), options.version or commit()
    record_deployment(Hal(broker(), seconds=options.time_limit), participant, version, options.environment)
    _tell(f"recorded: {participant} {version} is deployed to {options.environment}")
    return 0


def _participant(name: str) -> str:
    """The name of a participant, as it is or shortened.

    Raises:
        CommandError: No contract here has such a consumer or provider.
    """
    return name if name in {pact.consumer for pact in shipped()} else pacts_of(name)[0].provider


def _guarded(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Maps errors to exit codes: 2 for what could not be asked or read from git, 1 for what the broker refuses."""

    def run(options: argparse.Namespace) -> int:
        try:
            return command(options)
        except BrokerRefusalError as error:
            print(f"bff-contracts: the Pact Broker refuses: {error}", file=sys.stderr)  # noqa: T201
            return _NO
        except (BrokerAnswerError, SourceError) as error:
            raise CommandError(str(error)) from error

    return run


def _tell(text: str) -> None:
    print(text)  # noqa: T201
