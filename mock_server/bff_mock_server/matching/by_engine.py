"""Matches with the official engine what the table does not compile, and reports its mismatches as differences.

The engine decides about request bodies, and about rules of a path, parameter or header that are more than a comparison
of texts. The shipped contracts have neither, so the engine is imported only for contracts that do.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from bff_contracts.pact.file import PactError, Request, Rule
from bff_contracts.pact.json_path import most_exact, steps_of
from bff_contracts.pact.text_rules import is_exact
from bff_contracts.platform import CORRELATION_HEADER, needs_extras
from bff_mock_server.matching.request import Asked, lines_of
from bff_mock_server.matching.rules import RulePlace, by_name

if TYPE_CHECKING:
    from bff_contracts.body_judge import BodyJudge
    from bff_contracts.engine import EngineMismatch, RequestJudge, Sent

_PARTS: Final = ("method", "path", "query", "header", "body")
_TYPE_HEADER: Final = "content-type"
_SHOWN: Final = 200
_REMEMBERED: Final = 1024
_EXPLAINED: Final = 16
_LARGEST_REMEMBERED: Final = 4096
"""Bytes of target, headers and body: with `_REMEMBERED` requests, 4 MiB for an interaction at most."""
_WANTED: Final = re.compile(
    r"^(?:Type mismatch: |Mismatch with header '[^']*': )?Expected .+? to (?:be |have )?(?P<wanted>.+?)(?: but .*)?$",
    re.DOTALL,
)
"""The beginning of an engine message; the expected value follows."""


class EngineFinding(NamedTuple):
    """A difference, as `RequestDifference` has it."""

    where: str
    rule: str
    expected: str | None
    actual: str | None


class WholeCheck(Protocol):
    """Decides about a request as a whole."""

    identity: object
    """Checks with the same identity accept the same requests."""

    def accepts(self, asked: Asked) -> bool:
        """Whether a request matches."""
        ...

    def findings(self, asked: Asked) -> Iterator[EngineFinding]:
        """Where a request does not match."""
        ...


class EmptyBody:
    """Decides for a contract that declares an empty body."""

    identity: object = "empty"

    def accepts(self, asked: Asked) -> bool:
        """Whether the request has no body."""
        return not asked.body

    def findings(self, asked: Asked) -> Iterator[EngineFinding]:
        """The body as a difference, if the request has one."""
        if asked.body:
            yield EngineFinding("body $", "absent", None, _short(asked.body.decode("utf-8", "replace")))


class EngineCheck:
    """The official engine decides about the whole request.

    Args:
        request: The contract's.
        place: Where in the file it is, for messages.

    Raises:
        PactError: The engine is not installed.
    """

    def __init__(self, request: Request, place: RulePlace) -> None:
        self._request = request
        self._judge = _judge(request, place)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._judge.allows)
        # The engine ignores a header that the contract does not name, and most requests differ in this one alone.
        self._ignored = {CORRELATION_HEADER} - request.headers.keys() - request.header_rules.keys()
        self.identity: object = json.dumps(asdict(request), default=repr, sort_keys=True)

    def accepts(self, asked: Asked) -> bool:
        """Whether the request matches, according to the engine, which is asked once about requests that are alike."""
        sent = _sent(asked)
        lines = tuple(line for line in sent.headers if line[0].lower() not in self._ignored)
        size = len(sent.target) + len(sent.body) + sum(len(value) for _, value in lines)
        allows = self._remembered if size <= _LARGEST_REMEMBERED else self._judge.allows
        return allows(replace(sent, headers=lines))

    def findings(self, asked: Asked) -> Iterator[EngineFinding]:
        """The engine's mismatches, one for each place."""
        return _found(self._judge.mismatches(_sent(asked)), self._request, asked.path)


class BodyCheck:
    """The official engine decides about the body alone; the table decides about the rest of the request.

    Args:
        request: The contract's.
        place: Where in the file it is, for messages.

    Raises:
        PactError: The engine is not installed.
    """

    def __init__(self, request: Request, place: RulePlace) -> None:
        headers = {name: values for name, values in request.headers.items() if name == _TYPE_HEADER}
        header_rules = {name: rule for name, rule in request.header_rules.items() if name in headers}
        self._request = replace(
            request, method="POST", path="/", path_rule=None, query={}, query_rules={}, headers=headers,
            header_rules=header_rules,
        )  # fmt: skip
        self._judge = _body_judge(self._request, place)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._judge.allows)
        self._explained = lru_cache(maxsize=_EXPLAINED)(self._judge.mismatches)
        self.identity: object = json.dumps(asdict(self._request), default=repr, sort_keys=True)

    def accepts(self, asked: Asked) -> bool:
        """Whether the body matches, according to the engine, which is asked once about equal bodies."""
        lines = _type_lines(asked)
        allows = self._remembered if len(asked.body) <= _LARGEST_REMEMBERED else self._judge.allows
        return allows(lines, asked.body)

    def findings(self, asked: Asked) -> Iterator[EngineFinding]:
        """The engine's mismatches, one for each place."""
        explain = self._explained if len(asked.body) <= _LARGEST_REMEMBERED else self._judge.mismatches
        return _found(explain(_type_lines(asked), asked.body), self._request, asked.path)


def whole_check(request: Request, place: RulePlace) -> WholeCheck | None:
    """The decision about a request beyond the table; `None` if the table decides alone.

    Raises:
        PactError: The engine has to decide, and is not installed.
    """
    if not _is_compiled(request):
        return EngineCheck(_plainly_named(request), place)
    if request.content is not None:
        return BodyCheck(_plainly_named(request), place)
    return EmptyBody() if request.wants_no_body else None


def path_check(request: Request, place: RulePlace) -> Callable[[str], bool]:
    """The engine's decision about a path alone.

    Raises:
        PactError: The engine is not installed.
    """
    alone = replace(
        request, method="GET", query={}, headers={}, query_rules={}, header_rules={}, rules={}, content=None,
        wants_no_body=False,
    )  # fmt: skip
    judge = _judge(alone, place)

    @lru_cache(maxsize=_REMEMBERED)
    def accepts(path: str) -> bool:
        return judge.allows(_sent(Asked("GET", path, {}, {})))

    return accepts


def _plainly_named(request: Request) -> Request:
    """The request with the keys of its rules as the engine takes them: a name, without `$.` and numbers."""
    query = {name: rule for (name, _), rule in by_name(request.query_rules, request.query).items()}
    headers = {name: rule for (name, _), rule in by_name(request.header_rules, request.headers).items()}
    return replace(request, query_rules=query, header_rules=headers)


def _is_compiled(request: Request) -> bool:
    """Whether the table decides about path, query and headers exactly like the engine."""
    if any(len(values) > 1 for values in request.headers.values()):
        return False  # on so many lines, which the table takes for one list
    path = [] if request.path_rule is None else [request.path_rule]
    rules = [*path, *request.query_rules.values(), *request.header_rules.values()]
    return all(is_exact(rule.matchers) for rule in rules)


def _judge(request: Request, place: RulePlace) -> "RequestJudge":
    _check_rules(request, place)
    from bff_contracts.engine import RequestJudge  # noqa: PLC0415  # it is installed

    return RequestJudge(request)


def _body_judge(request: Request, place: RulePlace) -> "BodyJudge":
    _check_rules(request, place)
    from bff_contracts.body_judge import BodyJudge  # noqa: PLC0415  # as in `_judge`

    return BodyJudge(request)


def _check_rules(request: Request, place: RulePlace) -> None:
    with needs_extras("mock", "contracts", error=partial(_needs_engine, place)):
        from bff_contracts.engine import EngineError, refused_rule  # noqa: PLC0415  # another extra
    try:
        refused = refused_rule(request)
    except EngineError as error:
        raise _needs_engine(place, str(error)) from error
    if refused is not None:
        raise place.error(f"request.matchingRules.{refused}", "the official engine cannot read this rule")


def _needs_engine(place: RulePlace, message: str) -> PactError:
    return place.error("request", f"only the official engine can decide about this request, and {message}")


def _sent(asked: Asked) -> "Sent":
    from bff_contracts.engine import Sent  # noqa: PLC0415  # a caller has a judge, so the engine is installed

    return Sent(asked.method, asked.target, lines_of(asked.headers), asked.body)


def _found(mismatches: Iterable["EngineMismatch"], request: Request, path: str) -> Iterator[EngineFinding]:
    """The mismatches, one for each place: the engine may report several for a place, in any order."""
    by_place: dict[str, list[EngineFinding]] = {}
    for mismatch in mismatches:
        found = _finding(mismatch, request, path)
        by_place.setdefault(found.where, []).append(found)
    for where in sorted(by_place, key=_order):
        yield _merged(by_place[where])


def _finding(mismatch: "EngineMismatch", request: Request, path: str) -> EngineFinding:
    where, rule = _place(mismatch, request)
    wanted = _WANTED.match(mismatch.text)
    expected = _short(wanted["wanted"] if wanted is not None else mismatch.text)
    if mismatch.text.startswith("Unexpected"):
        return EngineFinding(where, "absent", None, _short(mismatch.actual or mismatch.text))
    if where == "path":
        return EngineFinding(where, rule, expected, path)
    if mismatch.kind in {"QueryMismatch", "HeaderMismatch"} and not mismatch.actual:
        return EngineFinding(where, "present", expected, None)
    return EngineFinding(where, rule, expected, None if mismatch.actual is None else _short(mismatch.actual))


def _place(mismatch: "EngineMismatch", request: Request) -> tuple[str, str]:
    """The place of a difference, and the name of the rule that is about it."""
    place = mismatch.place
    match mismatch.kind:
        case "MethodMismatch":
            return "method", "equality"
        case "PathMismatch":
            return "path", _name(request.path_rule)
        case "QueryMismatch":
            return f"query {place}", _name(request.query_rules.get(place))
        case "HeaderMismatch":
            return f"header {place.lower()}", _name(request.header_rules.get(place.lower()))
        case "BodyTypeMismatch":
            return f"header {_TYPE_HEADER}", "equality"
        case _:
            found = most_exact(request.rules, steps_of(place))
            return f"body {place or '$'}", _name(found[0] if found is not None else None)


def _type_lines(asked: Asked) -> tuple[str, ...]:
    """The values of the header that says what the body is, line by line."""
    return tuple(value for name, value in lines_of(asked.headers) if name == _TYPE_HEADER)


def _order(where: str) -> tuple[int, list[tuple[int, str]]]:
    """Method, path, query, headers, body; numbers in a place count as numbers."""
    part = _PARTS.index(where.partition(" ")[0])
    return part, [(int(step), "") if step.isdecimal() else (-1, step) for step in re.split(r"([0-9]+)", where)]


def _merged(same_place: Sequence[EngineFinding]) -> EngineFinding:
    first = same_place[0]
    if first.expected is None:
        return first
    expected = dict.fromkeys(found.expected for found in same_place if found.expected is not None)
    return first._replace(expected=(" or " if first.rule == "OR" else " and ").join(expected))


def _name(rule: Rule | None) -> str:
    if rule is None or not rule.matchers:
        return "equality"
    return str(rule.matchers[0]["match"]) if len(rule.matchers) == 1 else rule.combine


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
