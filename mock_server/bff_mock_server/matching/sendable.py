"""Refuses requests and responses of contracts that no message of HTTP can be."""

import re
from typing import Final

from bff_contracts.pact.file import Request, Response
from bff_contracts.pact.json_path import is_object
from bff_mock_server.matching.rules import RulePlace

_LONGEST_VALUE: Final = 100_000
"""Characters of a value that a generator makes for each response."""
_STATUSES: Final = (200, 599)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH: Final = re.compile(r"/[!\"$->@-~]*")


def check_request(request: Request, place: RulePlace) -> None:
    """Refuse a method or a path that no request has: the interaction would never match.

    Raises:
        PactError: It has such a one.
    """
    if not _TOKEN.fullmatch(request.method):
        raise place.error("request.method", f"{request.method!r} is not an HTTP method")
    # The Pact specification has a case with an empty path, which matches no request.
    if request.path_rule is None and request.path and not _PATH.fullmatch(request.path):
        message = f"{request.path!r} is not an HTTP path: one begins with / and is percent-encoded, without a query"
        raise place.error("request.path", message)


def check_answer(response: Response, place: RulePlace) -> None:
    """Refuse a status, headers or random values that cannot be sent.

    Raises:
        PactError: It has such a one.
    """
    if not _STATUSES[0] <= response.status <= _STATUSES[1]:
        raise place.error("response.status", f"{response.status} is not an HTTP status")
    for name, values in response.headers.items():
        if not _TOKEN.fullmatch(name) or not all(value.isprintable() for value in values):
            raise place.error(f"response.headers.{name}", "an HTTP header has only visible ASCII characters")
    for part, several in response.generators.items():
        for path, generator in several.items() if is_object(several) else ():
            for option in ("size", "digits"):
                wanted = str(generator.get(option, "")) if is_object(generator) else ""
                if wanted.isdigit() and (len(wanted) > len(str(_LONGEST_VALUE)) or int(wanted) > _LONGEST_VALUE):
                    where = f"response.generators.{part}.{path}.{option}"
                    raise place.error(where, f"a random value has {_LONGEST_VALUE} characters at most")
