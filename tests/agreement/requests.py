"""Generates requests from an interaction: some that it allows, and some that differ in one place."""

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from hypothesis import strategies as st

from bff_contracts.pact.file import Request, Rule
from bff_contracts.platform import UUID_PATTERN
from tests.agreement.bodies import respelled
from tests.agreement.worlds import IDS

VISIBLE: Final = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
OF_A_PATH: Final = st.sampled_from(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@%/")
"""What a path may hold without being escaped (RFC 3986, section 3.3), and what escapes."""
UUID: Final = re.compile(UUID_PATTERN.strip("^$"))

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Wire:
    """A request as bytes and headers of HTTP.

    Attributes:
        method: The method.
        path: Percent-encoded.
        query: Pairs in the order sent, percent-encoded.
        headers: Pairs in the order sent.
        body: The bytes; empty for none.
    """

    method: str
    path: str
    query: Pairs
    headers: Pairs
    body: bytes = b""

    @property
    def target(self) -> str:
        """The target of the request line."""
        return f"{self.path}?{'&'.join(f'{name}={value}' for name, value in self.query)}" if self.query else self.path


@st.composite
def requests(draw: st.DrawFn, request: Request) -> Wire:
    """A request that an interaction allows: the example's values, other ids, or other values that the rules allow."""
    query_rules, header_rules = request.query_rules, {name.lower(): rule for name, rule in request.header_rules.items()}
    query = [
        (name, quote(_value(draw, one, query_rules.get(name)), safe=draw(st.sampled_from(["", ","]))))
        for name, values in request.query.items()
        for one in values
    ]
    headers = [(name, _value(draw, one, header_rules.get(name))) for name, (one,) in request.headers.items()]
    path = _value(draw, request.path, request.path_rule, OF_A_PATH)
    return Wire(request.method, path, tuple(draw(st.permutations(query))), tuple(headers))


def _value(draw: st.DrawFn, example: str, rule: Rule | None, alphabet: st.SearchStrategy[str] = VISIBLE) -> str:
    if rule is None:
        return example
    patterns = [re.compile(str(matcher["regex"])) for matcher in rule.matchers]
    other_ids = UUID.sub(lambda _: draw(st.sampled_from(IDS)), example)
    free = [st.from_regex(pattern, fullmatch=True, alphabet=alphabet) for pattern in patterns]
    value: str = draw(st.one_of(st.sampled_from([other_ids, example]), *free))
    return value


@st.composite
def near_misses(draw: st.DrawFn, request: Request) -> tuple[str, Wire]:
    """A request with one change, and its description; the change may be harmless."""
    wire = draw(requests(request))
    name, flaw = draw(st.sampled_from(FLAWS))
    return name, flaw(draw, wire)


Flaw = Callable[[st.DrawFn, Wire], Wire]


def _other_method(draw: st.DrawFn, wire: Wire) -> Wire:
    return replace(wire, method=draw(st.sampled_from(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])))


def _other_path(draw: st.DrawFn, wire: Wire) -> Wire:
    *front, last = wire.path.split("/")
    at = draw(st.integers(1, len(wire.path) - 1))
    return replace(
        wire,
        path=draw(
            st.sampled_from(
                [
                    f"{wire.path}/",
                    f"/{wire.path}",
                    "/".join(front) or "/",
                    "/".join([*front, last, last]),
                    "/".join([*front, "..", last]),
                    "/".join([*front, last[:-1]]) or "/",
                    wire.path.upper(),
                    wire.path[:at] + f"%{ord(wire.path[at]):02X}" + wire.path[at + 1 :],
                    wire.path[:at] + f"%{ord(wire.path[at]):02x}" + wire.path[at + 1 :],
                    wire.path[:at] + wire.path[at + 1 :],
                    f"{wire.path}%0A",
                    f"{wire.path}%20",
                    f"{wire.path};a=1",
                ]
            )
        ),
    )


def _other_query(draw: st.DrawFn, wire: Wire) -> Wire:
    if not wire.query:
        return replace(wire, query=(("limit", "20"),))
    at = draw(st.integers(0, len(wire.query) - 1))
    name, value = wire.query[at]
    texts = [quote(one, safe="") for one in respelled(value)]
    odd = ["", "0", "-1", "00", "1.5", "+1", "%2B1", "101", "1e2", "%D9%A3", "1%0A", "+", "null", "a%2Cb"]
    pairs = draw(
        st.sampled_from(
            [
                (),
                ((name, value), (name, value)),
                ((name, value), ("extra", "1")),
                ((name, value), (f"{name}[]", value)),
                ((name.upper(), value),),
                ((f"%{ord(name[0]):02x}{name[1:]}", value),),
                ((name, f"{value},"),),
                *(((name, text),) for text in (*texts, *odd)),
            ]
        )
    )
    return replace(wire, query=(*wire.query[:at], *pairs, *wire.query[at + 1 :]))


def _other_header(draw: st.DrawFn, wire: Wire) -> Wire:
    if not wire.headers:
        return replace(wire, headers=(("X-Extra", "1"),))
    at = draw(st.integers(0, len(wire.headers) - 1))
    name, value = wire.headers[at]
    texts = [one.strip() for one in respelled(value) if one.isascii() and one.isprintable()]
    pairs: Sequence[Pairs] = [
        (),
        ((name, ""),),
        ((name.upper(), value),),
        ((name.lower(), f"  {value}  "),),
        ((name, value), ("X-Extra", "1")),
        ((name, f"{value} {value}"),),
        ((name, f"{value},{value}"),),
        *(((name, text),) for text in texts),
    ]
    return replace(wire, headers=(*wire.headers[:at], *draw(st.sampled_from(pairs)), *wire.headers[at + 1 :]))


FLAWS: Final[tuple[tuple[str, Flaw], ...]] = (
    ("nothing", lambda _, wire: wire),
    ("the method", _other_method),
    ("the path", _other_path),
    ("the query", _other_query),
    ("a header", _other_header),
)
"""The near misses, and what there is to miss."""
