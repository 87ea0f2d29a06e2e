"""Runs `bff-contracts publish`, `can-i-deploy` and `record-deployment` against a Pact Broker.

Each takes the options that `cli/broker.py` describes, and returns the exit code.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Final

from bff_contracts.broker.access import BrokerRefusalError, BrokerResponseError, broker
from bff_contracts.broker.checkout import SourceError, branch, commit, uncommitted
from bff_contracts.broker.deployment import DeploymentVerdict, can_i_deploy, record_deployment
from bff_contracts.broker.hal import Hal
from bff_contracts.broker.publishing import Publication, publish
from bff_contracts.cli.common import CommandError, pacts_of, print_error, print_text, shipped

_NO: Final = 1
_SHOWN: Final = 5
_INTERVAL: Final = 5
"""Seconds between two polls while verifications are under way."""


def _guarded(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Map errors to exit codes: 1 if the broker refuses the request, 2 if it or git could not be read."""

    @wraps(command)
    def run(options: argparse.Namespace) -> int:
        try:
            return command(options)
        except BrokerRefusalError as error:
            print_error(f"the Pact Broker refuses: {error}")
            return _NO
        except (BrokerResponseError, SourceError) as error:
            raise CommandError(str(error)) from error

    return run


@_guarded
def publish_contracts(options: argparse.Namespace) -> int:
    """Publish the contracts of this package."""
    version, of_branch = options.version or commit(), options.branch or branch(os.environ)
    changed = uncommitted()
    if options.dry_run:
        _print_plan(version, of_branch, options.tag, changed)
        return 0
    broker()  # without one, that comes first
    if changed:
        message = f"{_listed(changed)}: commit first, so that the version identifies what is published"
        raise CommandError(message)
    publication = Publication(version, of_branch, shipped(), options.tag, options.build_url)
    for line in publish(Hal(broker(), seconds=options.time_limit), publication):
        print_text(line)
    return 0


def _print_plan(version: str, of_branch: str, tags: Sequence[str], changed: Sequence[str]) -> None:
    try:
        where = broker().base_url
    except BrokerResponseError as error:
        where = f"({error})"
    print_text(f"would publish to {where}")
    print_text(f"  version  {version}\n  branch   {of_branch}")
    if tags:
        print_text(f"  tags     {', '.join(tags)}")
    for pact in shipped():
        print_text(f"  pact     {pact.consumer} and {pact.provider}, {len(pact.interactions)} interactions")
    if changed:
        print_text(f"but {_listed(changed)}: without --dry-run, that is an error")


def _listed(changed: Sequence[str]) -> str:
    shown = ", ".join(line[3:] for line in changed[:_SHOWN])
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return f"{len(changed)} uncommitted: {shown}{more}"


@_guarded
def ask_to_deploy(options: argparse.Namespace) -> int:
    """Ask whether a version is verified against what an environment runs; returns 1 if it is not."""
    participant, version = _participant(options.of), options.version or commit()
    where = broker()
    providers = [pact.provider for pact in shipped() if pact.consumer == participant]
    until = time.monotonic() + (options.wait or 0.0)
    while True:
        # A poll takes time too.
        hal = Hal(where, seconds=options.time_limit)
        verdict = can_i_deploy(hal, participant, version, options.to_environment, providers=providers)
        left = until - time.monotonic()
        if not verdict.open or left <= 0:
            break
        time.sleep(min(_INTERVAL, left))
    _print_verdict(verdict, f"{participant} {version}", options.to_environment)
    return 0 if verdict.yes else _NO


def _print_verdict(verdict: DeploymentVerdict, whose: str, environment: str) -> None:
    for line in (*verdict.rows, *verdict.reasons):
        print_text(f"  {line}")
    for provider in verdict.missing:
        print_text(f"  there is no contract of {whose} with {provider} in the broker: publish it, and have it verified")
    word = "yes" if verdict.yes else "not known yet" if verdict.open else "no"
    print_text(f"{word}: {whose} to {environment}")


@_guarded
def record(options: argparse.Namespace) -> int:
    """Record that a version is deployed."""
    participant, version = _participant(options.of), options.version or commit()
    record_deployment(Hal(broker(), seconds=options.time_limit), participant, version, options.environment)
    print_text(f"recorded: {participant} {version} is deployed to {options.environment}")
    return 0


def _participant(name: str) -> str:
    """The name of a participant, as it is or shortened.

    Raises:
        CommandError: No contract here has such a consumer or provider.
    """
    return name if name in {pact.consumer for pact in shipped()} else pacts_of(name)[0].provider
