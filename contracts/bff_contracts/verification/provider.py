"""A provider that is being verified: an application that this process serves, or one that runs at a URL."""

import contextlib
import inspect
import os
import time
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from bff_contracts.http import AsgiApp, base_url_problem
from bff_contracts.pact.file import Pact, PactError, load_pact, shipped_pacts
from bff_contracts.pact.wording import target_of
from bff_contracts.platform import KEY_VARIABLE, STATES_PATH, full_name
from bff_contracts.states import CATALOGUE
from bff_contracts.threads import CallThread, LoopThread
from bff_contracts.verification.engine import Target, verify_interaction
from bff_contracts.verification.front import Forwarder, Front, NoAnswer, reach
from bff_contracts.verification.key import Key
from bff_contracts.verification.outcomes import Difference, NotVerified, Outcome, Verification
from bff_contracts.verification.serving import NotStarted, serving
from bff_contracts.verification.state_handlers import HandledStates, Handler, RemoteStates, StateChangeError, States

_T = TypeVar("_T")

ANSWER_SECONDS: Final = 5.0
"""How long an answer, or setting one provider state up, may take; the services answer in milliseconds."""

_START_SECONDS: Final = 30.0
_END_SECONDS: Final = 5.0


class CannotVerify(Exception):  # named by what it says
    """Nothing can be verified: a wrong argument, a pact that cannot be read, or a provider that does not start."""


def interactions_of(provider: str, *, pact: Path | str | None = None) -> tuple[str, ...]:
    """The names of the interactions of a provider's contract, to parametrise a test with.

    Raises:
        CannotVerify: There is no contract with such a provider.
    """
    return tuple(interaction.description for interaction in _contract(provider, pact).interactions)


def verify_provider(
    app: Callable[..., Any] | None = None,
    *,
    url: str | None = None,
    provider: str,
    states: Mapping[str, Handler] | None = None,
    states_url: str | None = None,
    api_key: str | None = None,
    pact: Path | str | None = None,
    seconds: float = ANSWER_SECONDS,
) -> Verification:
    """Verify that a provider keeps the whole of its contract; the arguments are those of `running_provider`.

    Returns:
        What came of each interaction; all of them are verified.

    Raises:
        NotVerified: The provider does not keep its contract.
        CannotVerify: Nothing could be verified.
    """
    __tracebackhide__ = True
    with running_provider(
        app,
        url=url,
        provider=provider,
        states=states,
        states_url=states_url,
        api_key=api_key,
        pact=pact,
        seconds=seconds,
    ) as running:
        verification = Verification(running.name, tuple(running.outcomes()), len(running.interactions))
    if not verification.verified:
        raise NotVerified(str(verification), verification.failed)
    return verification


@contextlib.contextmanager
def running_provider(
    app: Callable[..., Any] | None = None,
    *,
    url: str | None = None,
    provider: str,
    states: Mapping[str, Handler] | None = None,
    states_url: str | None = None,
    api_key: str | None = None,
    pact: Path | str | None = None,
    seconds: float = ANSWER_SECONDS,
) -> Generator["RunningProvider"]:
    """Serve an application, or reach the one that runs at a URL, so that its interactions can be verified.

    Args:
        app: An ASGI application, or a function without parameters, plain or async, that makes one.
        url: Where the provider runs, instead of `app`.
        provider: Its name in the contract, `result-aggregator-service` or `class-management-service`; `ras` and `cms`
            will do.
        states: What sets each provider state up: a function of the state's params, plain or async, or a generator,
            plain or async, that sets up before its `yield` and restores after it.
        states_url: Where the provider sets its states up when it is asked to, instead of `states`.
        api_key: The provider's real key, put in the place of the contract's placeholder; else the one in
            `HULEEDU_INTERNAL_API_KEY`. Without either the placeholder is sent.
        pact: Another contract than the one that this package brings.
        seconds: How long an answer, or setting one state up, may take.

    Raises:
        CannotVerify: An argument is wrong, or the provider does not start or cannot be reached.
    """
    __tracebackhide__ = True
    if (app is None) == (url is None):
        raise CannotVerify("give an ASGI application or url=, and not both")
    if app is not None and not callable(app):
        raise CannotVerify(f"give the ASGI application itself, or a function that makes it, not {app!r}")
    contract = _contract(provider, pact)
    key = Key.given(api_key, os.environ.get(KEY_VARIABLE, ""))
    changes = _states(contract, states, states_url, seconds)
    with contextlib.ExitStack() as stack:
        loop = LoopThread("provider under verification")
        stack.callback(loop.close, seconds=_END_SECONDS)
        stack.callback(_finish, loop, changes.close)
        if states_url is not None:
            _reach(states_url, seconds, loop)
        served = _application(app, loop, key) if app is not None else _forwarder(str(url), seconds, loop)
        stack.enter_context(key.kept_out_of_logs())
        front = Front(served, changes, seconds=seconds)
        context = serving(front)
        try:
            address = loop.run(context.__aenter__(), seconds=_START_SECONDS)
        except NotStarted:
            reason = key.hidden(str(front.failures[0] if front.failures else "its lifespan failed"))
            raise CannotVerify(f"{contract.provider} did not start: {reason}") from None
        except TimeoutError:
            loop.held = True
            raise CannotVerify(f"{contract.provider} did not start within {_START_SECONDS:g} s") from None
        stack.callback(_finish, loop, partial(context.__aexit__, None, None, None))
        yield RunningProvider(contract, front, loop, address, key=key, seconds=seconds)


class RunningProvider:
    """A provider that can be asked what its contract says.

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
        # The front is the first to lose patience, and knows why.
        self._target = Target(url, f"{url}{STATES_PATH}", seconds + 1)

    def verify(self, interaction: str) -> None:
        """Verify one interaction.

        Raises:
            NotVerified: The provider does not keep it; the message says where it differs.
            CannotVerify: The contract has no such interaction.
        """
        __tracebackhide__ = True
        if interaction not in self.interactions:
            known = "\n  ".join(self.interactions)
            raise CannotVerify(f"{self.name} has no interaction {interaction!r}; it has\n  {known}")
        outcome = self.outcome(self.interactions.index(interaction))
        if not outcome.verified:
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
        if self._loop.held or self._front.gave_up:
            return replace(outcome, troubles=("not tried: those before it took too long",))
        self._front.begin(keys=self._key.swaps(pact))
        started = time.monotonic()
        limit = (2 + 2 * len(interaction.states)) * self._seconds
        try:
            finding = self._run(lambda: verify_interaction(pact, at, self._target), limit)
            differences, troubles = finding.differences, finding.troubles
        except TimeoutError:
            differences, troubles = (), (f"no end after {limit:g} s: the provider holds its event loop",)
        seconds = time.monotonic() - started
        found = replace(outcome, seconds=seconds, differences=differences, troubles=troubles)
        return self._without_key(self._explained(found, self._front.failed_states))

    def _run(self, run: Callable[[], _T], limit: float) -> _T:
        """Run the verifier in a thread that can be left behind: a provider may hold its event loop for ever.

        Raises:
            TimeoutError: It took too long; the loop counts as held.
        """
        thread = CallThread("official verifier")
        future = thread.call(run)
        thread.close()
        try:
            return future.result(limit)
        except TimeoutError:
            self._loop.held = True
            raise
        finally:  # after Ctrl-C too
            with contextlib.suppress(TimeoutError):
                self._loop.run(self._front.restore(), seconds=limit)

    def _explained(self, outcome: Outcome, states: Sequence[StateChangeError]) -> Outcome:
        """The outcome, with what the verifier cannot know, and without what only follows from that."""
        if outcome.verified and not states:
            return outcome
        failures = () if states else self._front.failures
        if states or (failures and not self._front.answered):
            # Without its state, or without an answer of the provider's own, there is nothing to compare.
            troubles = tuple(dict.fromkeys(map(str, states)) or dict.fromkeys(map(_told, failures)))
            differences: tuple[Difference, ...] = ()
        else:
            troubles, differences = (*outcome.troubles, *map(_told, failures)), outcome.differences
            if any(_is_refusal(found) for found in differences):
                troubles = (*troubles, f"the provider refused the key: {self._key.sent}")
                differences = tuple(found for found in differences if found.where == "status")
        cause = next((error.__cause__ for error in states), None) or next(iter(failures), None)
        cause = None if self._key.told_by(cause) else cause
        return replace(outcome, differences=differences, troubles=troubles, cause=cause)

    def _without_key(self, outcome: Outcome) -> Outcome:
        """The outcome as it may be shown, written and published: whatever the provider said, without its key."""
        hidden = self._key.hidden
        differences = tuple(
            replace(
                each,
                where=hidden(each.where),
                actual=hidden(each.actual),
                rule=hidden(each.rule),
                said=hidden(each.said),
            )
            for each in outcome.differences
        )
        return replace(outcome, differences=differences, troubles=tuple(map(hidden, outcome.troubles)))


def _is_refusal(difference: Difference) -> bool:
    refusals = {"401", "403"}
    return difference.where == "status" and difference.actual in refusals and difference.expected not in refusals


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, NoAnswer) else f"the provider raised {type(error).__name__}: {error}"


def _contract(provider: str, pact: Path | str | None) -> Pact:
    name = full_name(provider)
    try:
        pacts = shipped_pacts() if pact is None else (load_pact(pact),)
    except (PactError, OSError) as error:
        raise CannotVerify(str(error)) from error
    for found in pacts:
        if found.provider == name:
            descriptions = [interaction.description for interaction in found.interactions]
            twice = next((each for each in descriptions if descriptions.count(each) > 1), None)
            if twice is not None:
                raise CannotVerify(
                    f"{found.source}: two interactions are called {twice!r}, and each needs its own name"
                )
            return found
    known = ", ".join(found.provider for found in pacts)
    raise CannotVerify(f"there is no contract with {provider!r}; known: {known}")


def _states(pact: Pact, handlers: Mapping[str, Handler] | None, url: str | None, seconds: float) -> States:
    if url is not None and handlers is not None:
        raise CannotVerify("give states or states_url, not both")
    if url is not None:
        return RemoteStates(_checked(url, "states_url"), seconds=seconds)
    known = {state.name for interaction in pact.interactions for state in interaction.states}
    known |= {state.name for state in CATALOGUE if state.provider == pact.provider}
    for name in handlers or {}:
        if name not in known:
            raise CannotVerify(
                f"{pact.provider} has no provider state {name!r}; it has {', '.join(map(repr, sorted(known)))}"
            )
    return HandledStates(pact.provider, handlers or {}, seconds=seconds)


def _forwarder(url: str, seconds: float, loop: LoopThread) -> Forwarder:
    _reach(_checked(url, "url"), seconds, loop)
    return Forwarder(url, seconds=seconds)


def _reach(url: str, seconds: float, loop: LoopThread) -> None:
    try:
        loop.run(reach(url, seconds=seconds), seconds=2 * seconds)
    except NoAnswer as error:
        raise CannotVerify(str(error)) from None


def _application(app: Callable[..., Any], loop: LoopThread, key: Key) -> AsgiApp:
    if not _takes_nothing(app):
        return app

    async def made() -> Any:
        try:
            result = app()
            return await result if inspect.isawaitable(result) else result
        except (Exception, SystemExit) as error:  # noqa: BLE001  # it is told on
            reason = key.hidden(f"{type(error).__name__}: {error}")
            cause = None if key.told_by(error) else error
            raise CannotVerify(f"the application could not be made: {reason}") from cause

    try:
        application: AsgiApp = loop.run(made(), seconds=_START_SECONDS)
    except TimeoutError as error:
        loop.held = True
        raise CannotVerify(f"the application was not made within {_START_SECONDS:g} s") from error
    if not callable(application):
        raise CannotVerify(f"what makes the application gave {application!r:.80}, which is none")
    return application


def _takes_nothing(app: Callable[..., Any]) -> bool:
    """Whether this makes an application: one takes `scope`, `receive` and `send`, by whatever names."""
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):  # something built in, which says nothing of itself
        return False
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL or each.name == "scope" for each in parameters):
        return False
    return all(each.default is not each.empty or each.kind is each.VAR_KEYWORD for each in parameters)


def _checked(url: str, name: str) -> str:
    problem = base_url_problem(url)
    if problem is not None:
        shown = "" if "credentials" in problem else f": {url!r}"
        raise CannotVerify(f"{name} {problem}{shown}")
    return url


def _finish(loop: LoopThread, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    with contextlib.suppress(TimeoutError):  # a provider that holds its event loop is left behind
        loop.run(work(), seconds=_END_SECONDS)
