"""One backend: its URL, the headers of each request, and its breaker, queue and retry budget."""

import time

from pydantic import SecretStr

from bff_clients import _events
from bff_clients._breaker import Breaker, BreakerState, Budget, Gate
from bff_clients._http import (
    Answer,
    HttpClient,
    NotAnswered,
    exchange,
    fault_of,
    headers_for,
    quiet,
    quieten_loggers,
    with_hint,
)
from bff_clients._loops import PerLoop
from bff_clients._together import alone
from bff_clients.config import DEFAULT_MAX_RESPONSE_BYTES, BackendSettings


class Upstream:
    """One backend, shared by all calls of its client.

    Attributes:
        service: Its Pact name.
        base_url: Its base URL.
        settings: The settings of the clients.
        breaker: Rejects calls while the backend fails.
        budget: Limits the retries.
    """

    def __init__(self, http: HttpClient, settings: BackendSettings, *, service: str, base_url: str) -> None:
        self.service = service
        self.base_url = base_url
        self.settings = settings
        self.breaker = Breaker(
            rate=settings.http_breaker_failure_rate,
            window=settings.http_breaker_window_seconds,
            calls=settings.http_breaker_min_calls,
            pause=settings.http_breaker_pause_seconds,
            clock=time.monotonic,
            changed=self._log_state,
        )
        self.budget = Budget(settings.http_retry_budget)
        self._gates = PerLoop(self._gate)
        self._http = http
        # A setting below the default caps every share, one above raises them all.
        self._most_bytes = settings.http_max_response_bytes
        self._whole_bytes = max(self._most_bytes, DEFAULT_MAX_RESPONSE_BYTES)
        common = (("Accept", "application/json"), ("Accept-Encoding", "identity"))
        key = settings.internal_api_key.get_secret_value()
        identity = (("X-Internal-API-Key", key), ("X-Service-ID", settings.service_id))
        self._headers_without_key = headers_for(base_url, *common)
        self._headers = headers_for(base_url, *common, *identity)
        quieten_loggers()

    @property
    def gate(self) -> Gate:
        """The limit on requests in flight, for the running event loop.

        Raises:
            OtherLoopError: Another loop uses this client.
        """
        return self._gates.get()

    @property
    def is_closed(self) -> bool:
        """Whether the HTTP client was closed."""
        return self._http.is_closed

    async def fetch(
        self, target: SecretStr, *, share: float, correlation_id: str, with_key: bool
    ) -> Answer | NotAnswered:
        """Send one GET and read the answer up to the size limit.

        Args:
            target: Path and query; secret like the key, because a traceback may show the locals of each frame.
            share: The largest allowed answer, as a part of the size limit.
            correlation_id: Sent as ``X-Correlation-ID``.
            with_key: Whether to send the key and the service id.
        """
        quiet.set(True)
        try:
            return await exchange(
                self._http,
                self.base_url + target.get_secret_value(),
                self._headers if with_key else self._headers_without_key,
                correlation_id=correlation_id,
                limit=min(self._most_bytes, int(share * self._whole_bytes)),
                within=self.settings.http_client_timeout_seconds,
            )
        except Exception as error:  # noqa: BLE001  # whatever a transport raises
            return with_hint(fault_of(error, closed=self.is_closed), self.base_url)
        except BaseException as error:  # noqa: BLE001  # a cancellation, or the end of the process
            gone = alone(error)
        finally:
            quiet.set(False)
        # Without the frames below this one, whose locals hold URL and key.
        gone.__traceback__ = gone.__context__ = gone.__cause__ = None
        raise gone

    def _gate(self) -> Gate:
        return Gate(in_flight=self.settings.http_max_in_flight, waiting=self.settings.http_max_waiting)

    def _log_state(self, state: BreakerState) -> None:
        _events.breaker(self.service, state)
