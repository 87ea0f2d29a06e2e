"""Checks the arguments of a verification before anything runs."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bff_contracts.http import base_url_problem
from bff_contracts.pact.file import Pact, PactError, load_pact, shipped_pacts
from bff_contracts.platform import full_name
from bff_contracts.states import CATALOGUE
from bff_contracts.terminal import plain
from bff_contracts.verification.state_handlers import HandledStates, Handler, RemoteStates, States


class CannotVerify(Exception):
    """Nothing can be verified: a wrong argument, a pact that cannot be read, or a provider that does not start."""

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


def contract_of(provider: str, pact: Path | str | None) -> Pact:
    """The contract with a provider, from the given pact or from those of this package.

    Raises:
        CannotVerify: There is none, it cannot be read, or it cannot be verified by the names of its interactions.
    """
    name = full_name(provider)
    try:
        pacts = shipped_pacts() if pact is None else (load_pact(pact),)
    except (PactError, OSError) as error:
        raise CannotVerify(str(error)) from error
    for found in pacts:
        if found.provider == name:
            if not found.interactions:
                raise CannotVerify(f"{found.source}: it has no interactions, so there is nothing to verify")
            descriptions = [interaction.description for interaction in found.interactions]
            twice = next((each for each in descriptions if descriptions.count(each) > 1), None)
            if twice is not None:
                raise CannotVerify(
                    f"{found.source}: two interactions have the description {twice!r}, and each needs its own"
                )
            return found
    known = ", ".join(found.provider for found in pacts)
    raise CannotVerify(f"there is no contract with {provider!r}; known: {known}")


def states_of(pact: Pact, handlers: Mapping[str, Handler] | None, url: str | None, seconds: float) -> States:
    """The handlers of provider states, or their URL.

    Raises:
        CannotVerify: Both are given, the URL is invalid, or a handler is for an unknown state.
    """
    if url is not None and handlers is not None:
        raise CannotVerify("give states or states_url, not both")
    if url is not None:
        return RemoteStates(checked_url(url, "states_url"), seconds=seconds)
    known = {state.name for interaction in pact.interactions for state in interaction.states}
    known |= {state.name for state in CATALOGUE if state.provider == pact.provider}
    for name in handlers or {}:
        if name not in known:
            raise CannotVerify(
                f"{pact.provider} has no provider state {name!r}; it has {', '.join(map(repr, sorted(known)))}"
            )
    return HandledStates(pact.provider, handlers or {}, seconds=seconds)


def check_application(app: Callable[..., Any] | None, url: str | None) -> None:
    """Check that there is something to verify.

    Raises:
        CannotVerify: Nothing is given, both an application and a URL are, or the object is not an application.
    """
    if (app is None) == (url is None):
        raise CannotVerify("give either an ASGI application or url=")
    if app is not None and not callable(app):
        raise CannotVerify(f"give the ASGI application itself, or a function that makes it, not {app!r}")


def takes_nothing(app: Callable[..., Any]) -> bool:
    """Whether this is a function that creates an application; an application itself takes three arguments."""
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):  # a built-in function without a signature
        return False
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL or each.name == "scope" for each in parameters):
        return False
    return all(each.default is not each.empty or each.kind is each.VAR_KEYWORD for each in parameters)


def checked_url(url: str, name: str) -> str:
    """The URL in the argument of this name.

    Raises:
        CannotVerify: It cannot be a base URL.
    """
    problem = base_url_problem(url)
    if problem is not None:
        shown = "" if "credentials" in problem else f": {url!r}"
        raise CannotVerify(f"{name} {problem}{shown}")
    return url
