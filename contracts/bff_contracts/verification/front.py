"""The ASGI application that the official verifier talks to, in front of the provider.

It replaces the contract's placeholder key with the provider's real key, and leaves interactions with a wrong key or
without one unchanged. It sets provider states up, and always answers so that the verifier does not retry. It records
failures, because the verifier sees a status at most.

Paths begin with a secret prefix, a new one for each run, that only the verifier of that run knows. Every other process
of this machine, and a verifier of an abandoned run, gets 404.
"""

import asyncio
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from bff_contracts.http import AsgiApp, Message, Receive, Scope, Send, read_body, respond
from bff_contracts.platform import KEY_HEADER, STATES_PATH
from bff_contracts.terminal import described
from bff_contracts.verification.bounds import IncomingResponse, NoResponseError
from bff_contracts.verification.held import BLOCKING, LoopWatch
from bff_contracts.verification.state_handlers import StateChangeError, States

_PATIENCE: Final = 3
_NO_STATUS: Final = 599
_NOT_TRIED: Final = "skipped: the interactions before it timed out"
_PROVIDER: Final = "the provider"
_STARTUP: Final = "lifespan.startup"

_KEY_HEADER: Final = KEY_HEADER.encode()


class Front:
    """An ASGI application in front of a provider.

    Attributes:
        failed_states: The provider states that could not be set up or restored since `begin`.
        failures: What the provider raised since then, or at its start.
        stop_failures: What it reported or raised when it was shut down.
        answered: Whether it completed a response in time.
        prefix: The secret beginning of the paths of this run; empty when none is under way.
        doing: Which part is at work, so that a timeout can name it.
        late: How many times in a row a response or a provider state did not come in time; after three, the provider
            gets no more requests.
    """

    def __init__(self, provider: AsgiApp, states: States, *, seconds: float) -> None:
        self._provider = provider
        self._states = states
        self._seconds = seconds
        self.late = 0
        self.stop_failures: list[str] = []
        self.begin()

    def begin(self, *, keys: Mapping[bytes, bytes] | None = None) -> None:
        """Begin another interaction, with a new prefix and these keys for the placeholders."""
        self._keys = keys or {}
        self.failed_states: list[StateChangeError] = []
        self.failures: list[BaseException] = []
        self.answered = False
        self.prefix = f"/{secrets.token_urlsafe(32)}"
        self.doing = _PROVIDER

    def end(self) -> None:
        """Refuse all further requests, such as those of an abandoned verifier."""
        self.prefix = ""

    @property
    def gave_up(self) -> bool:
        """Whether the provider gets no more requests."""
        return self.late >= _PATIENCE

    async def restore(self) -> None:
        """Undo the provider states that were set up."""
        await self._changed(self._states.restore())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of the verifier, or the provider's lifespan."""
        if scope["type"] == "lifespan":
            return await self._live(scope, receive, send)
        beginning, rest = self.prefix.encode(), bytes(scope["raw_path"])
        if not beginning or not hmac.compare_digest(rest[: len(beginning) + 1], beginning + b"/"):
            return await respond(send, 404, [], b"")
        inside = {**scope, "path": scope["path"][len(beginning) :], "raw_path": rest[len(beginning) :]}
        if inside["path"] == STATES_PATH:
            return await self._change_state(receive, send)
        return await self._answer(inside, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = ""  # empty at other times, when a failure is none to start or to stop

        async def hearing() -> Message:
            nonlocal asked
            message = await receive()
            asked = message["type"]
            return message

        async def noting(message: Message) -> None:
            nonlocal asked
            asked = ""
            reason = message.get("message") or "it gave no reason"
            if message["type"] == "lifespan.startup.failed":
                self.failures.append(RuntimeError(reason))
            elif message["type"] == "lifespan.shutdown.failed":
                self.stop_failures.append(reason)
            await send(message)

        try:
            await self._provider(scope, hearing, noting)
        except SystemExit as error:  # would end the event loop, without a report
            await noting({"type": f"{asked or _STARTUP}.failed", "message": f"it called sys.exit({error.code!r})"})
        except GeneratorExit:
            raise
        except BaseException as error:  # any failure to start or to stop
            if not asked:  # it has no lifespan, or it is over
                raise
            await noting({"type": f"{asked}.failed", "message": described(error)})

    async def _change_state(self, receive: Receive, send: Send) -> None:
        change = json.loads(await read_body(receive))
        if change.get("action") == "teardown":
            self.doing = "the teardown of the provider states"
            await self.restore()
        elif change["state"]:  # the verifier also announces that an interaction has no state
            if self.gave_up:
                self.failed_states.append(StateChangeError(change["state"], _NOT_TRIED))
            else:
                self.doing = f"the handler of provider state {change['state']!r}"
                await self._changed(self._states.set_up(change["state"], change.get("params") or {}), change["state"])
                self.doing = _PROVIDER
        # Always 200: a refused change is printed on standard error, and asked again for two minutes after any 5xx. What
        # failed is in `failed_states`, without which no interaction counts as verified.
        await respond(send, 200, [(b"content-type", b"application/json")], b"{}")

    async def _changed(self, work: Awaitable[None], state: str = "") -> None:
        """Change provider states; record failures instead of raising them."""
        try:
            await work
        except StateChangeError as error:
            self.failed_states.append(error)
            self.late = self.late + 1 if error.late else self.late
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  # anything that is raised here would be asked again
            self.failed_states.append(StateChangeError(state, f"provider state {state!r}: {described(error)}"))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.failed_states:  # there is nothing to compare without its state
            return await respond(send, _NO_STATUS, [], b"")
        if self.gave_up:
            self.failures.append(NoResponseError(_NOT_TRIED))
            return await respond(send, _NO_STATUS, [], b"")
        response, started = IncomingResponse(), time.monotonic()
        sent = False

        async def noting(message: Message) -> None:
            nonlocal sent
            await asyncio.sleep(0)  # so that the limit stops a provider that sends without end
            response.take(message)
            if response.ended and not sent:
                await response.deliver(send)
                self.answered = sent = True

        with LoopWatch(self._seconds) as watch:
            failure = await self._asked({**scope, "headers": self._headers(scope)}, receive, noting, response)
        # By the clock: a provider that holds the event loop is not seen by the limit.
        is_late = time.monotonic() - started >= self._seconds
        self.late = self.late + 1 if is_late else 0
        if is_late and watch.held:
            self.answered = False
            failure = NoResponseError(f"the provider held the event loop for {watch.longest:.1f} s: {BLOCKING}")
        if failure is not None:
            self.failures.append(failure)
        if not response.ended:
            # A status that no contract has, so that the kit's own response never matches a contract.
            await respond(send, _NO_STATUS, [], b"")
        elif not sent:
            message = "the response was cut off"
            raise RuntimeError(message)
        return None

    async def _asked(
        self, scope: Scope, receive: Receive, send: Send, response: IncomingResponse
    ) -> BaseException | None:
        """Ask the provider; return the failure, if there is one."""
        limit = asyncio.timeout(self._seconds)
        failure: BaseException | None
        try:
            async with limit:
                # A separate task, so that a provider that cancels its task does not cancel the kit's.
                failure = await asyncio.ensure_future(_failure_of(partial(self._provider, scope, receive, send)))
        except TimeoutError as error:
            failure = error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            failure = error
        if response.problem is not None:
            return response.problem
        if failure is not None and limit.expired():
            what = "did not complete its" if response.begun and not response.ended else "gave no"
            return NoResponseError(f"the provider {what} response within {self._seconds:g} s")
        if failure is not None or response.ended:
            return failure
        return NoResponseError(f"the provider returned without {'completing its' if response.begun else 'a'} response")

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """The headers with the real key, and without `accept-encoding`: a compressed response has no known size."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        return [
            (name, self._keys.get(value, value) if name == _KEY_HEADER else value)
            for name, value in headers
            if name != b"accept-encoding"
        ]


async def _failure_of(call: Callable[[], Awaitable[None]]) -> BaseException | None:
    """The exception of a call, as a value: a task that raises `SystemExit` would end its event loop."""
    try:
        await call()
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001  # reported with the outcome
        return error
    return None
