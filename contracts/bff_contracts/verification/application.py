"""Creates the application to verify, or connects to one that runs, within a time limit."""

import inspect
from collections.abc import Callable
from typing import Any

from bff_contracts.http import AsgiApp
from bff_contracts.terminal import described
from bff_contracts.threads import LoopThread
from bff_contracts.verification.arguments import CannotVerify, checked_url, takes_nothing
from bff_contracts.verification.bounds import NoResponseError
from bff_contracts.verification.forwarder import Forwarder, reach
from bff_contracts.verification.key import Key


def forwarder_to(url: str, seconds: float, loop: LoopThread) -> Forwarder:
    """An ASGI application that forwards requests to the provider at a URL.

    Raises:
        CannotVerify: Nothing listens there.
    """
    check_reachable(checked_url(url, "url"), seconds, loop)
    return Forwarder(url, seconds=seconds)


def check_reachable(url: str, seconds: float, loop: LoopThread) -> None:
    """Check that something listens at a URL.

    Raises:
        CannotVerify: Nothing does.
    """
    try:
        loop.run(reach(url, seconds=seconds), seconds=2 * seconds)
    except NoResponseError as error:
        raise CannotVerify(str(error)) from None


def made_application(app: Callable[..., Any], loop: LoopThread, key: Key, *, seconds: float) -> AsgiApp:
    """The application, or the one that a function creates, on the event loop that will serve it.

    Raises:
        CannotVerify: Creating it failed, or took longer than `seconds`.
    """
    if not takes_nothing(app):
        return app

    async def made() -> Any:
        try:
            result = app()
            return await result if inspect.isawaitable(result) else result
        except (Exception, SystemExit) as error:  # noqa: BLE001  # reported as the reason
            reason = key.hidden(described(error))
            cause = None if key.hides(error) else error
            raise CannotVerify(f"creating the application failed: {reason}") from cause

    try:
        application: AsgiApp = loop.run(made(), seconds=seconds)
    except TimeoutError as error:
        loop.held = True
        raise CannotVerify(f"creating the application took longer than {seconds:g} s") from error
    if not callable(application):
        raise CannotVerify(f"the function returned {application!r:.80} instead of an ASGI application")
    return application
