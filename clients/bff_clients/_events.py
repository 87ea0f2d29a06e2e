"""What the clients log, through the standard logger ``bff_clients``.

Each record carries its name as `event` (``call``, ``retry``, ``breaker``, ``violation``) and its facts as attributes,
for formatters of structured logs. None holds anything personal: no user id, no batch id, no body, no key.
"""

import logging
from typing import Final, NamedTuple

from bff_clients._breaker import BreakerState

LOGGER: Final = logging.getLogger("bff_clients")


class Context(NamedTuple):
    """The facts in every record about a call."""

    backend: str
    operation: str
    correlation_id: str


def call(context: Context, *, outcome: str, status: int | None, seconds: float, attempts: int) -> None:
    """Log the end of a client call; `outcome` is ``ok`` or the name of the error."""
    if LOGGER.isEnabledFor(logging.INFO):
        _log(
            logging.INFO, "call", context, outcome=outcome, status=status, duration=round(seconds, 6), attempt=attempts
        )


def retry(context: Context, *, reason: str, status: int | None, attempt: int, delay: float) -> None:
    """Log that a request failed and is sent again after `delay` seconds."""
    _log(logging.WARNING, "retry", context, reason=reason, status=status, attempt=attempt, delay=round(delay, 3))


def violation(context: Context, *, detail: str, status: int | None) -> None:
    """Log that a response is outside the contract; `detail` says where, and never quotes the response."""
    _log(logging.ERROR, "violation", context, detail=detail, status=status)


def breaker(backend: str, state: BreakerState) -> None:
    """Log that the breaker of a backend opened, half-opened or closed."""
    extra = {"event": "breaker", "backend": backend, "state": state.value}
    LOGGER.warning("breaker backend=%s state=%s", backend, state.value, extra=extra)


def _log(level: int, event: str, context: Context, **facts: object) -> None:
    known: dict[str, object] = {
        "backend": context.backend,
        "operation": context.operation,
        "correlation_id": context.correlation_id,
        **facts,
    }
    LOGGER.log(level, "%s %s", event, _listed(known), extra={"event": event, **known})


def _listed(facts: dict[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
