"""The facts of the platform: its providers, the names of headers, variables and paths, the form of ids.

Command-line options, fixtures, the control page, scenarios and the verification derive from `PROVIDERS`: the next
service is a line there.
"""

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Final

DISTRIBUTION: Final = "huleedu-bff-clients"
"""The distribution with clients, contracts and mock."""

CONSUMER: Final = "bff-teacher-service"
RAS: Final = "result-aggregator-service"
CMS: Final = "class-management-service"


@dataclass(frozen=True, slots=True)
class Provider:
    """A service that the BFF reads.

    Attributes:
        name: The participant's name in pacts and at the broker.
        short: Its short name: `--<short>-port`, `--only <short>`, `backends.<short>_url`.
        port: Where it listens on a developer's machine.
        takes_any_service: Whether it accepts every service id. Other providers accept the service ids of the contract's
            successful interactions.
        query_defaults: Its defaults of parameters that a request omits.
    """

    name: str
    short: str
    port: int
    takes_any_service: bool = False
    query_defaults: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    @property
    def url(self) -> str:
        """Its base URL on a developer's machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url_variables(self) -> tuple[str, str]:
        """The environment variables that name its base URL to the BFF; the first that is set counts."""
        prefix = f"BFF_TEACHER_SERVICE_{self.short.upper()}"
        return f"{prefix}_BASE_URL", f"{prefix}_URL"

    @property
    def port_option(self) -> str:
        """The mock's option for its port."""
        return f"--{self.short}-port"

    @property
    def label(self) -> str:
        """Its name on the control page and in `--help`."""
        return self.short.upper()


PROVIDERS: Final[tuple[Provider, ...]] = (
    Provider(RAS, short="ras", port=4003, query_defaults={"limit": "20", "offset": "0"}),
    Provider(CMS, short="cms", port=5002, takes_any_service=True),
)
"""Every service with a contract; the first is used in examples."""

BY_NAME: Final[Mapping[str, Provider]] = {
    name: provider for provider in PROVIDERS for name in (provider.name, provider.short)
}
"""Each provider by its name, and by its short one."""

KEY_HEADER: Final = "x-internal-api-key"
SERVICE_HEADER: Final = "x-service-id"
CORRELATION_HEADER: Final = "x-correlation-id"

KEY_VARIABLE: Final = "HULEEDU_INTERNAL_API_KEY"
"""The environment variable that holds the internal key."""

PLACEHOLDER_KEY: Final = "INJECTED-AT-VERIFICATION"
"""The key that the contracts are written with: the mock accepts it, the verification puts the real one in its place."""

STATES_PATH: Final = "/_pact/provider_states"
"""The mock's route for provider states; the only route that is in no contract."""

SHAPE: Final = "shape"
"""The role of the one interaction of an endpoint that is the template of its responses, and their yardstick."""


UUID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
"""A canonical UUID: lower case, with dashes."""

DATE_TIME_PATTERN: Final = (
    "^(?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)"
    r"-02-29)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3}(?:[0-9]{3})?)?"
    "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?$"
)
"""The date-times that a provider may response: naive (meaning UTC), with `Z`, or with an offset."""


def full_name(name: str) -> str:
    """The full name for a short one; any other name unchanged."""
    provider = BY_NAME.get(name)
    return name if provider is None else provider.name


_MODULES_OF_EXTRAS: Final = frozenset(
    {"fastapi", "httptools", "pact", "pact_ffi", "respx", "rstr", "starlette", "uvicorn", "uvloop", "yaml"}
)


@contextlib.contextmanager
def needs_extras(*extras: str, error: Callable[[str], BaseException]) -> Generator[None]:
    """Import a module that only an extra of this package installs.

    Args:
        extras: What has to be installed.
        error: Makes the exception for a module that is missing, out of a message that says how to install it. No
            package index has this package, so it is installed from a file.
    """
    try:
        yield
    except ModuleNotFoundError as caught:
        if caught.name not in _MODULES_OF_EXTRAS:
            raise
        wanted = f"[{','.join(extras)}]"
        message = (
            f"{caught.name} is missing: install {DISTRIBUTION}{wanted} from where you have it, such as"
            f" pip install './{DISTRIBUTION.replace('-', '_')}-….whl{wanted}'"
        )
        raise error(message) from caught
