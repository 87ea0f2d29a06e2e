"""The part of `bff-contracts verify` that talks to a Pact Broker, before and after the verification."""

import argparse
import os
from collections.abc import Sequence
from functools import partial
from typing import Final

from bff_contracts.broker.access import BrokerError, BrokerRefusalError, broker
from bff_contracts.broker.checkout import branch, commit
from bff_contracts.broker.contracts import Contract, fetched, publish_results, put_on_branch, selected
from bff_contracts.broker.hal import Hal
from bff_contracts.cli.common import CommandError, print_text, shipped
from bff_contracts.cli.rows import verify_with_row
from bff_contracts.verification import Outcome, RunningProvider, Verification
from bff_contracts.verification.selection import Selected, outcome, read, results

_TIME_LIMIT: Final = 120.0
"""Seconds for a whole verification: the interactions of several contracts take seconds each at a slow provider."""


class BrokerRun:
    """A verification of what a broker has for a provider.

    Raises:
        BrokerResponseError: The environment names no broker.
        SourceError: The version or the branch of the provider is unknown.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        where = broker()
        self._pact_url: str | None = options.pact_url
        self._consumer = None if options.all_consumers else shipped()[0].consumer
        self._publishes: bool = options.publish_results
        self._build_url: str | None = options.build_url
        self._version = options.version or commit() if self._publishes else ""
        self._branch = options.branch or branch(os.environ) if self._publishes or not self._pact_url else ""
        self._time_limit: float = options.time_limit or _TIME_LIMIT
        self._hal = Hal(where, seconds=self._time_limit)
        self._done: list[tuple[Selected, list[Outcome]]] = []

    def verify(self, running: RunningProvider, at: str) -> Verification:
        """Verify each contract, and print a row for each interaction as soon as it is verified.

        Raises:
            BrokerResponseError: The broker did not give a contract.
            CannotVerify: A contract cannot be verified.
            CommandError: The broker has nothing for the provider, or the time is over.
        """
        print_text(f"{running.name} at {at}: what {self._hal.broker.base_url} has for it\n")
        chosen = read(self._contracts(running.name), running.name)
        self._refuse_others(chosen)
        for each in chosen:
            self._done.append((each, []))
            for place, interaction in enumerate(each.pact.interactions):
                if not self._hal.left:
                    message = f"not finished after {self._time_limit:g} s"
                    raise CommandError(message)
                name = f"{interaction.description} ({each.name})"
                self._done[-1][1].append(verify_with_row(name, partial(outcome, running, each, place)))
        outcomes = tuple(each for _, found in self._done for each in found)
        return Verification(running.name, outcomes, len(outcomes))

    def _refuse_others(self, chosen: Sequence[Selected]) -> None:
        # A webhook without a consumer also sends other consumers' contracts, which would be published as failed here,
        # because this provider's handlers know the states of the BFF.
        other = next((each.pact.consumer for each in chosen if self._consumer not in {None, each.pact.consumer}), None)
        if other is not None:
            message = f"the contract is of {other}, and not of {self._consumer}: --all-consumers verifies it too"
            raise CommandError(message)

    def publish(self) -> None:
        """Publish the results, if the options ask for it.

        Raises:
            CommandError: Not all of them could be published.
        """
        if not self._publishes:
            return
        try:
            put_on_branch(self._hal, self._done[0][0].pact.provider, self._version, self._branch)
            for each, outcomes in self._done:
                publish_results(
                    self._hal, each.contract, results(each, outcomes), version=self._version, build_url=self._build_url
                )
        except BrokerError as error:
            message = f"not all results were published: {error}"
            raise CommandError(message) from error

    def _contracts(self, provider: str) -> list[Contract]:
        if self._pact_url:
            return [fetched(self._hal, self._pact_url)]
        try:
            found = selected(self._hal, provider, self._branch, consumer=self._consumer)
        except BrokerRefusalError as error:
            raise CommandError(str(error)) from error
        if not found:
            whose = self._consumer or "any consumer"
            message = f"the Pact Broker has no contract of {whose} with {provider} for branch {self._branch}"
            raise CommandError(message)
        return found
