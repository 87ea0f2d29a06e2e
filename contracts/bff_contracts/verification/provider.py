"""Verifies a provider: an application that this process serves, or a service that runs at a URL."""

import concurrent.futures
import contextlib
import os
import time
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from bff_contracts.pact.file import Pact
from bff_contracts.pact.wording import target_of
from bff_contracts.platform import KEY_VARIABLE, STATES_PATH
from bff_contracts.terminal import described
from bff_contracts.threads import CallThread, LoopThread
from bff_contracts.verification.application import check_reachable, forwarder_to, made_application
from bff_contracts.verification.arguments import CannotVerify, check_application, contract_of, states_of
from bff_contracts.verification.bounds import NoResponseError
from bff_contracts.verification.front import Front
from bff_contracts.verification.grouping import briefly, cause_of
from bff_contracts.verification.held import BLOCKING, ENDING
from bff_contracts.verification.key import Key
from bff_contracts.verification.not_yet import NotYet
from bff_contracts.verification.official_verifier import Finding, Target, verify_interaction
from bff_contracts.verification.outcomes import Difference, Outcome
from bff_contracts.verification.persons import without_answered_names
from bff_contracts.verification.quiet import quiet_engine
from bff_contracts.verification.result import NotVerified, Verification
from bff_contracts.verification.serving import NotStartedError, serving
from bff_contracts.verification.state_handlers import Handler, StateChangeError

_T = TypeVar("_T")

RESPONSE_SECONDS: Final = 5.0
"""How long a response, or setting one provider state up, may take; the services answer in milliseconds."""

START_SECONDS: Final = 10.0
"""How long creating, starting and shutting down the application may each take; the services start in one second."""

_END_SECONDS: Final = 5.0

_GRACE_SECONDS: Final = 1.0
"""How much later than the front the verifier times out, because the front knows the reason."""

_LONGEST_TROUBLE: Final = 2000
"""The longest part of an exception's message that is reported, in characters."""


def interactions_of(provider: str, *, pact: Path | str | None = None) -> tuple[str, ...]:
    """The names of the interactions of a provider's contract, to parametrise a test with.

    Raises:
        CannotVerify: There is no contract with such a provider.
    """
    return tuple(interaction.description for interaction in contract_of(provider, pact).interactions)


def verify_provider(  # noqa: PLR0913  # each is an option by name
    app: Callable[..., Any] | None = None,
    *,
    url: str | None = None,
    provider: str,
    states: Mapping[str, Handler] | None = None,
    states_url: str | None = None,
    api_key: str | None = None,
    pact: Path | str | None = None,
    seconds: float = RESPONSE_SECONDS,
    start_seconds: float = START_SECONDS,
    not_yet: Sequence[str] = (),
) -> Verification:
    """Verify that a provider keeps the whole of its contract; the arguments are those of `running_provider`.

    Beside them `not_yet` names the endpoints that are not built yet, as `NotYet` takes them: they are expected to fail.

    Returns:
        The outcomes of all interactions; each is verified, pending, or not yet.

    Raises:
        NotVerified: The provider does not keep its contract.
        CannotVerify: Nothing could be verified.
    """
    __tracebackhide__ = True
    declared = NotYet(not_yet, provider, pact=pact)
    with running_provider(
        app,
        url=url,
        provider=provider,
        states=states,
        states_url=states_url,
        api_key=api_key,
        pact=pact,
        seconds=seconds,
        start_seconds=start_seconds,
    ) as running:
        outcomes = tuple(map(declared.judged, running.outcomes()))
        verification = Verification(running.name, outcomes, len(running.interactions))
    if not verification.verified:
        raise NotVerified(str(verification), verification.failed)
    return verification


@contextlib.contextmanager
def running_provider(  # noqa: PLR0913  # each is an option by name
    app: Callable[..., Any] | None = None,
    *,
    url: str | None = None,
    provider: str,
    states: Mapping[str, Handler] | None = None,
    states_url: str | None = None,
    api_key: str | None = None,
    pact: Path | str | None = None,
    seconds: float = RESPONSE_SECONDS,
    start_seconds: float = START_SECONDS,
) -> Generator["RunningProvider"]:
    """Serve an application, or reach the one that runs at a URL, so that its interactions can be verified.

    Args:
        app: An ASGI application, or a function without parameters, plain or async, that makes one.
        url: Where the provider runs, instead of `app`.
        provider: Its name in the contract, such as `result-aggregator-service`; `ras` and `cms` will do.
        states: What sets each provider state up: a function of the state's params, plain or async, or a generator,
            plain or async, that sets up before its `yield` and restores after it.
        states_url: The provider's own route for provider states, instead of `states`.
        api_key: The provider's real key, which replaces the contract's placeholder; else the one in
            `HULEEDU_INTERNAL_API_KEY`. Without either the placeholder is sent.
        pact: Another contract than the one in this package.
        seconds: How long a response, or setting one state up, may take.
        start_seconds: How long creating, starting and shutting down the application may each take.

    Raises:
        CannotVerify: An argument is wrong, the provider cannot be reached, or it fails to start or to shut down.
    """
    __tracebackhide__ = True
    check_application(app, url)
    contract = contract_of(provider, pact)
    key = Key.given(api_key, os.environ.get(KEY_VARIABLE, ""))
    changes = states_of(contract, states, states_url, seconds)
    with contextlib.ExitStack() as stack:
        loop = LoopThread("provider under verification")
        stack.callback(loop.close, seconds=_END_SECONDS)
        stack.callback(_finish, loop, changes.close)
        if states_url is not None:
            check_reachable(states_url, seconds, loop)
        if app is not None:
            served = made_application(app, loop, key, seconds=start_seconds)
        else:
            served = forwarder_to(str(url), seconds, loop)
        stack.enter_context(key.kept_out_of_logs())
        front = Front(served, changes, seconds=seconds)
        context = serving(front)
        address = _start(front, loop, context, start_seconds, name=contract.provider, key=key)
        stack.callback(_stop, front, loop, context, start_seconds)
        yield RunningProvider(contract, front, loop, address, key=key, seconds=seconds)
    if front.stop_failures:  # after an exception of the tests, which is more important
        raise CannotVerify(f"{contract.provider} did not shut down: {key.hidden(front.stop_failures[0])}")


class RunningProvider:
    """A running provider, whose interactions can be verified.

    Attributes:
        name: What the contract calls it.
        interactions: The descriptions of its interactions, in the order of the contract.
    """

    def __init__(self, pact: Pact, front: Front, loop: LoopThread, url: str, *, key: Key, seconds: float) -> None:
        self.name = pact.provider
        self.interactions = tuple(interaction.description for interaction in pact.interactions)
        self._pact = pact
        self._front = front
        self._loop = loop
        self._key = key
        self._seconds = seconds
        self._url = url
        self._reported: dict[Any, str] = {}

    @property
    def _target(self) -> Target:
        """Where the verifier of the current run finds the provider."""
        url = f"{self._url}{self._front.prefix}"
        return Target(url, f"{url}{STATES_PATH}", self._seconds + _GRACE_SECONDS)

    def verify(self, interaction: str) -> None:
        """Verify one interaction; a pending one may fail.

        Raises:
            NotVerified: The provider does not keep it; the message says where it differs, unless an interaction before
                it had the same cause.
            CannotVerify: The contract has no such interaction.
        """
        __tracebackhide__ = True
        if interaction not in self.interactions:
            known = "\n  ".join(self.interactions)
            raise CannotVerify(f"{self.name} has no interaction {interaction!r}; it has\n  {known}")
        outcome = self.outcome(self.interactions.index(interaction))
        if outcome.verdict == "not verified":
            first = self._reported.setdefault(cause_of(outcome), interaction)
            if first != interaction:
                raise NotVerified(briefly(outcome, first), [outcome])
            raise NotVerified(str(outcome), [outcome]) from outcome.cause

    def outcomes(self) -> Iterable[Outcome]:
        """Verify one interaction after the other."""
        return map(self.outcome, range(len(self.interactions)))

    def outcome(self, at: int) -> Outcome:
        """Verify the interaction at this place in the contract."""
        return self.outcome_of(self._pact, at)

    def outcome_of(self, pact: Pact, at: int) -> Outcome:
        """Verify the interaction at this place in another contract with the provider."""
        interaction = pact.interactions[at]
        outcome = Outcome(interaction.description, interaction.states, target_of(interaction), 0.0)
        if self._loop.ended:
            return replace(outcome, troubles=("skipped: the provider's event loop has ended",))
        if self._loop.held or self._front.gave_up:
            return replace(outcome, troubles=("skipped: the interactions before it timed out",))
        self._front.begin(keys=self._key.swaps(pact))
        started = time.monotonic()
        limit, target = (2 + 2 * len(interaction.states)) * (self._seconds + _GRACE_SECONDS), self._target
        try:
            finding = self._run(lambda: verify_interaction(pact, at, target), limit)
        except TimeoutError as error:
            finding = Finding(interaction.description, troubles=(str(error),))
        found = replace(
            outcome,
            seconds=time.monotonic() - started,
            differences=finding.differences,
            troubles=tuple(trouble.replace(target.url, self.name) for trouble in finding.troubles),
            pending=finding.pending,
        )
        explained = self._explained(found, self._front.failed_states)
        return without_answered_names(self._without_key(explained), interaction)

    def _run(self, run: Callable[[], _T], limit: float) -> _T:
        """Run the verifier in a thread that can be abandoned: a provider may block its event loop forever.

        Raises:
            TimeoutError: The provider's event loop is held or has ended, or the verifier took too long.
        """
        thread = CallThread("official verifier")
        try:
            with quiet_engine():
                future = thread.call(run)
                thread.close()
                try:
                    self._wait_for(future, limit)
                except TimeoutError:
                    concurrent.futures.wait([future], limit)  # its requests time out; until then it may still print
                    raise
                return future.result()
        finally:  # after Ctrl-C too
            self._front.end()
            with contextlib.suppress(TimeoutError):
                self._loop.run(self._front.restore(), seconds=limit)

    def _wait_for(self, future: "concurrent.futures.Future[_T]", limit: float) -> None:
        """Wait for the verifier, and see that the provider's event loop runs meanwhile.

        Raises:
            TimeoutError: The loop is held or has ended, or the verifier took too long; the message names the cause.
        """
        until = time.monotonic() + limit
        while True:
            concurrent.futures.wait([future], self._seconds)
            if not self._loop.turns(seconds=self._seconds + _GRACE_SECONDS):
                how = f"holds the event loop: {BLOCKING}" if self._loop.held else f"ended the event loop: {ENDING}"
                message = f"{self._front.doing} {how}"
                raise TimeoutError(message)
            if future.done():
                return
            if time.monotonic() >= until:
                message = f"the official verifier did not end within {limit:g} s"
                raise TimeoutError(message)

    def _explained(self, outcome: Outcome, states: Sequence[StateChangeError]) -> Outcome:
        """The outcome with the failures that the front recorded, and without the differences that result from them."""
        if outcome.verified and not states:
            return outcome
        failures = () if states else self._front.failures
        if states or (failures and not self._front.answered):
            # Without its state, or without a complete response of the provider, there is nothing to compare.
            troubles = tuple(dict.fromkeys(map(str, states)) or dict.fromkeys(map(_trouble, failures)))
            differences: tuple[Difference, ...] = ()
        else:
            troubles, differences = (*outcome.troubles, *map(_trouble, failures)), outcome.differences
            if any(_is_refusal(found) for found in differences):
                troubles = (*troubles, f"the provider refused the key: {self._key.sent}")
                differences = tuple(found for found in differences if found.where == "status")
        cause = next((error.__cause__ for error in states), None) or next(iter(failures), None)
        cause = None if self._key.hides(cause) else cause
        return replace(outcome, differences=differences, troubles=troubles, cause=cause)

    def _without_key(self, outcome: Outcome) -> Outcome:
        """The outcome without the key, so that it may be shown, written and published."""
        hidden = self._key.hidden
        differences = tuple(
            replace(
                each,
                where=hidden(each.where),
                actual=hidden(each.actual),
                rule=hidden(each.rule),
                text=hidden(each.text),
            )
            for each in outcome.differences
        )
        troubles = (hidden(trouble) for trouble in outcome.troubles)
        cut = (each if len(each) <= _LONGEST_TROUBLE else f"{each[:_LONGEST_TROUBLE]} …" for each in troubles)
        return replace(outcome, differences=differences, troubles=tuple(cut))


def _is_refusal(difference: Difference) -> bool:
    refusals = {"401", "403"}
    return difference.where == "status" and difference.actual in refusals and difference.expected not in refusals


def _trouble(error: BaseException) -> str:
    return str(error) if isinstance(error, NoResponseError) else f"the provider raised {described(error)}"


def _start(  # what `_stop` has, and what the error says
    front: Front,
    loop: LoopThread,
    context: contextlib.AbstractAsyncContextManager[str],
    seconds: float,
    *,
    name: str,
    key: Key,
) -> str:
    """Start the application; returns the URL of its front."""
    __tracebackhide__ = True
    try:
        return loop.run(context.__aenter__(), seconds=seconds)
    except NotStartedError:
        reason = key.hidden(str(next(iter(front.failures), "its lifespan failed")))
        raise CannotVerify(f"{name} did not start: {reason}") from None
    except TimeoutError:
        loop.held = True
        raise CannotVerify(f"{name} did not start within {seconds:g} s") from None


def _stop(front: Front, loop: LoopThread, context: contextlib.AbstractAsyncContextManager[str], seconds: float) -> None:
    """Shut the application down, unless it holds or has ended its event loop, which was reported before."""
    if loop.held or loop.ended:
        return
    try:
        loop.run(context.__aexit__(None, None, None), seconds=seconds)
    except TimeoutError:
        turns = loop.turns(seconds=_GRACE_SECONDS)
        late = f"it took longer than {seconds:g} s"
        reason = f"it ended the event loop: {ENDING}" if loop.ended else late if turns else f"{late}: {BLOCKING}"
        front.stop_failures.insert(0, reason)  # a cancellation may have been reported, which only follows from it


def _finish(loop: LoopThread, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    with contextlib.suppress(TimeoutError):  # a provider that holds its event loop is left behind
        loop.run(work(), seconds=_END_SECONDS)
