"""Where the backends are, who we are, and how long a call may take."""

import re
from collections.abc import Sequence
from errno import ENOENT
from ipaddress import IPv4Address, IPv6Address
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bff_clients._http import HttpClient, host_of, new_client
from bff_clients._variables import PREFIX, refused_name, report_unread_variables, with_variables

DEFAULT_MAX_RESPONSE_BYTES: Final = 4 * 1024 * 1024
"""Each endpoint may use a part of this: 1 MiB for a page, or 32 KiB (70 essays) for each row that was asked for, 2 MiB
for a batch with its essays, 256 KiB for 100 ids."""

_DEVELOPMENT: Final = "development"

_MOST_CONNECTIONS: Final = 2000
"""Connections at a time where the settings set no limit."""

_NO_HOST: Final = "must have a host that a request can be sent to"
_VISIBLE: Final = re.compile(r"[!-~]+")

_MOST_IN_A_HEADER: Final = 4096
"""Characters of the key and of the service id: common servers refuse a head of 8 KB."""

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE | re.ASCII)
"""A name or an IPv4 address. DNS names have no underscores, but container names do."""

_ENDS_IN_A_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE | re.ASCII)
"""A host that URLs define as an IPv4 address; of its spellings, aiohttp connects to the usual one alone."""


def _base_url(value: str) -> str:
    """Accept an origin with an optional path; other parts of a URL would be ignored, or leak."""
    try:
        parts = urlsplit(value)
    except ValueError:  # brackets without an IPv6 address; its message quotes what is in them
        raise ValueError(_NO_HOST) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _VISIBLE.fullmatch(value):
        message = "must be an absolute http or https URL, such as http://127.0.0.1:4003"
        raise ValueError(message)
    if "@" in parts.netloc or "?" in value or "#" in value:
        message = "must not hold credentials, a query or a fragment"
        raise ValueError(message)
    if wrong := _wrong_port(parts):
        raise ValueError(wrong)
    if not _has_usable_host(parts, value):
        raise ValueError(_NO_HOST)
    return value.rstrip("/")


def _wrong_port(parts: SplitResult) -> str | None:
    """The problem with the port. Python's own message would quote the port, which may be a password."""
    try:
        return "must not name port 0" if parts.port == 0 else None
    except ValueError as error:
        return str(error) if "out of range" in str(error) else "must have a number for its port"


def _has_usable_host(parts: SplitResult, value: str) -> bool:
    """Whether the host is a name, an IPv4 or an IPv6 address: settings that fail here would fail at the first call."""
    host, _, _ = parts.netloc.rpartition(":") if not parts.netloc.endswith("]") else (parts.netloc, "", "")
    host = host or parts.netloc
    try:
        if host.startswith("["):
            return host.endswith("]") and IPv6Address(host[1:-1]).scope_id is None
        if _ENDS_IN_A_NUMBER.fullmatch(host):
            IPv4Address(host)
        return _HOST.fullmatch(host) is not None and bool(host_of(value))
    except ValueError:
        return False


def _header_token(value: str) -> str:
    if not _VISIBLE.fullmatch(value) or len(value) > _MOST_IN_A_HEADER:
        message = f"must be 1 to {_MOST_IN_A_HEADER} visible ASCII characters, without blanks"
        raise ValueError(message)
    return value


def _environment(value: str) -> str:
    return value.strip() or _DEVELOPMENT


def _secret_token(value: SecretStr) -> SecretStr:
    _header_token(value.get_secret_value())
    return value


BaseUrl = Annotated[str, Field(max_length=1024), AfterValidator(_base_url)]


def _url_names(short: str) -> AliasChoices:
    return AliasChoices(f"{PREFIX}{short}_BASE_URL", f"{PREFIX}{short}_URL")


class BackendSettings(BaseSettings):
    """Settings of both clients, read from the environment unless they are passed by name.

    ``BackendSettings(_env_file=".env")`` also reads a file, or several; the environment takes precedence. An empty
    variable counts as missing.

    Raises:
        pydantic.ValidationError: A value is missing or out of bounds. The message names the variable that it was read
            from and never quotes a value.
        TypeError: There is no setting of that name; the message names the nearest.
        FileNotFoundError: A file that was passed does not exist.
        ValueError: A file is not UTF-8 text.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        env_ignore_empty=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    internal_api_key: Annotated[SecretStr, AfterValidator(_secret_token)] = Field(
        default=..., validation_alias="HULEEDU_INTERNAL_API_KEY"
    )
    """Sent as ``X-Internal-API-Key``. The platform's variable, without this service's prefix."""

    environment: Annotated[str, AfterValidator(_environment)] = Field(
        default=_DEVELOPMENT, validation_alias="ENVIRONMENT"
    )
    """Where the service runs. The platform's variable, without this service's prefix. Outside of ``development`` both
    base URLs have to be set."""

    ras_base_url: BaseUrl = Field(default="http://127.0.0.1:4003", validation_alias=_url_names("RAS"))
    """Result Aggregator Service; the default is its port on a developer's machine, and the mock's."""

    cms_base_url: BaseUrl = Field(default="http://127.0.0.1:5002", validation_alias=_url_names("CMS"))
    """Class Management Service; the default is its port on a developer's machine, and the mock's."""

    service_id: Annotated[str, AfterValidator(_header_token)] = "bff-teacher-service"
    """Sent as ``X-Service-ID``. RAS compares it case-sensitively with its allow-list: hyphens, not underscores."""

    http_client_timeout_seconds: float = Field(default=10, gt=0, le=300, allow_inf_nan=False)
    """Seconds that one client call may take, all its requests and bodies together."""

    http_transport: Literal["aiohttp", "httpx"] = "aiohttp"
    """What `create_http_client` sends requests with: the shipped transport, or httpx's own.

    httpx's own does not recover from many cancellations, and may return an unrequested response, which arrived together
    with an earlier one, for the next request. It reads any number of 1xx responses, which arrive together, without a
    pause for other tasks.
    """

    http_max_response_bytes: int = Field(default=DEFAULT_MAX_RESPONSE_BYTES, ge=1024, le=1024**3)
    """Bytes of a response body, both compressed and decompressed; a longer one is rejected while it arrives.

    Each endpoint allows a part of `DEFAULT_MAX_RESPONSE_BYTES`. A limit above that raises all parts; one below it
    lowers the larger ones.
    """

    http_retries: int = Field(default=2, ge=0, le=5)
    """How often a request may be sent again, within the deadline; 0 for never."""

    http_retry_backoff_seconds: float = Field(default=0.1, gt=0, le=2, allow_inf_nan=False)
    """The longest pause before the first retry, doubled for each further one, up to 2 s. The real pause is random."""

    http_retry_after_max_seconds: float = Field(default=2, ge=0, le=60, allow_inf_nan=False)
    """The longest ``Retry-After`` that is waited for; after a longer one the request is not retried."""

    http_retry_budget: float = Field(default=0.2, ge=0, le=1, allow_inf_nan=False)
    """Retries per call, on average over time; 0 for none. Limits the load that retries add to an outage."""

    http_breaker_failure_rate: float = Field(default=0.5, ge=0, le=1, allow_inf_nan=False)
    """The failure rate in the window at which the breaker opens; 0 switches it off."""

    http_breaker_window_seconds: float = Field(default=10, gt=0, le=300, allow_inf_nan=False)
    """The length of the breaker's window in seconds."""

    http_breaker_min_calls: int = Field(default=20, ge=1, le=10_000)
    """The fewest calls in the window at which the breaker may open."""

    http_breaker_pause_seconds: float = Field(default=5, gt=0, le=60, allow_inf_nan=False)
    """Seconds that the breaker rejects calls before it lets one through as a probe."""

    http_max_in_flight: int = Field(default=50, ge=0, le=1000)
    """Requests in flight to one backend; others wait. 0 for no limit."""

    http_max_waiting: int = Field(default=200, ge=0, le=100_000)
    """Requests that may wait for one backend; more are rejected at once."""

    if TYPE_CHECKING:  # what they derive from the fields has neither a text for the key nor a file

        def __init__(  # noqa: PLR0913
            self,
            *,
            internal_api_key: SecretStr | str = ...,
            environment: str = ...,
            ras_base_url: str = ...,
            cms_base_url: str = ...,
            service_id: str = ...,
            http_client_timeout_seconds: float = ...,
            http_transport: Literal["aiohttp", "httpx"] = ...,
            http_max_response_bytes: int = ...,
            http_retries: int = ...,
            http_retry_backoff_seconds: float = ...,
            http_retry_after_max_seconds: float = ...,
            http_retry_budget: float = ...,
            http_breaker_failure_rate: float = ...,
            http_breaker_window_seconds: float = ...,
            http_breaker_min_calls: int = ...,
            http_breaker_pause_seconds: float = ...,
            http_max_in_flight: int = ...,
            http_max_waiting: int = ...,
            _env_file: str | PathLike[str] | Sequence[str | PathLike[str]] | None = ...,
        ) -> None: ...

    else:

        def __init__(self, **values: Any) -> None:
            refused = refused_name(values, type(self).model_fields) or _refused_file(values.get("_env_file"))
            if refused is None:
                try:
                    super().__init__(**values)
                except ValidationError as error:
                    refused = with_variables(error, type(self), values)
                else:
                    return
            # Without frames and context of the original error, which hold the values; so does this frame.
            values.clear()
            raise refused

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keep Pydantic's sources and their order; report the variables in them that are not read.

        They are reported before any value is checked: a misspelled variable is often why one is missing.
        """
        for source in (env_settings, dotenv_settings):
            if isinstance(source, EnvSettingsSource):
                report_unread_variables(source.env_vars, settings_cls.model_fields)
        return init_settings, env_settings, dotenv_settings, file_secret_settings

    @model_validator(mode="after")
    def _has_urls_outside_of_development(self) -> Self:
        missing = [name for name in ("ras_base_url", "cms_base_url") if name not in self.model_fields_set]
        if missing and self.environment.lower() != _DEVELOPMENT:
            variables = " and ".join(f"{PREFIX}{name.upper()}" for name in missing)
            message = f"{variables} must be set when ENVIRONMENT is not {_DEVELOPMENT}: the defaults are this machine"
            raise ValueError(message)
        return self


def _refused_file(
    files: str | PathLike[str] | Sequence[str | PathLike[str]] | None,
) -> FileNotFoundError | ValueError | None:
    """Why a file cannot be read, if one cannot; Pydantic ignores missing ones."""
    for name in [files] if isinstance(files, str | PathLike) else files or ():
        file = Path(name).expanduser()
        if not file.exists() or file.is_dir():
            return FileNotFoundError(ENOENT, "no such settings file", str(name))
        if file.is_file() and not _is_text(file.read_bytes()):
            return ValueError(f"the settings file {str(name)!r} is not UTF-8 text")
    return None


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:  # which holds the whole content
        return False
    return True


def create_http_client(settings: BackendSettings) -> HttpClient:
    """Build the one HTTP client that both backends share; the caller has to close it.

    It ignores proxies that the environment names: the key must not pass through one. A CA bundle named by
    ``SSL_CERT_FILE`` is honoured. It belongs to the event loop that uses it first; when that has ended, to the next.
    Two loops that run at the same time, in two threads, need a client each.
    """
    return new_client(
        transport=settings.http_transport,
        # Room for both backends, so that neither can take the other's connections.
        connections=2 * settings.http_max_in_flight or _MOST_CONNECTIONS,
        timeout=settings.http_client_timeout_seconds,
    )
