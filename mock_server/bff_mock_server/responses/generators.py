"""Generates the values that differ from response to response, from a seeded random source."""

import json
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from random import Random
from typing import Any, Final
from uuid import UUID

from bff_contracts.pact.file import Interaction
from bff_contracts.pact.json_path import is_array, is_object, steps_of
from bff_mock_server._json import dumps
from bff_mock_server.responses.reply import Head, Reply

_LARGEST: Final = 2**31 - 1
_DIGITS: Final = 10
"""The default length of a random value in digits or characters, as in the engine."""
_TOKEN: Final = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_DEFAULT_FORMATS: Final = {"Date": "yyyy-MM-dd", "Time": "HH:mm:ss", "DateTime": "yyyy-MM-dd'T'HH:mm:ss"}
_NAME: Final = re.compile(r"\$\{([^}]+)\}")


class KeepsExampleError(Exception):
    """A generator cannot make a value here; the example is served."""


@dataclass(frozen=True, slots=True)
class GeneratorContext:
    """The inputs of generators.

    Attributes:
        random: The source of randomness.
        base_url: The mock's URL in the request, without a slash at the end.
        params: The params of the interaction's provider states.
    """

    random: Random
    base_url: str
    params: Mapping[str, Any]


def generated(interaction: Interaction, reply: Reply, random: Random, host: str) -> Reply:
    """A reply to a request to `host`, with the values that the generators of its interaction make.

    Its shape stays the example's.
    """
    params = {name: value for state in interaction.states for name, value in state.params.items()}
    context = GeneratorContext(random, f"http://{host}", params)
    response = interaction.response
    of_body, of_headers = response.generators.get("body"), response.generators.get("header")
    body, head = reply.body, reply.head
    if of_body and response.content is not None and response.content.is_json:
        body = dumps(generated_body(json.loads(body), of_body, context)).encode()
    if of_headers:
        makers = {name.lower().encode(): maker for name, maker in of_headers.items()}
        headers = [
            (name, generated_text(value.decode(), makers[name], context).encode() if name in makers else value)
            for name, value in head.headers
        ]
        head = Head(head.status, tuple(headers))
    return Reply(head, body)


def generated_body(body: Any, generators: Mapping[str, Any], context: GeneratorContext) -> Any:
    """A JSON body with the values of its generators; a generator that fails leaves the example."""
    for path, generator in generators.items():
        body = _at(body, steps_of(path), generator, context)
    return body


def generated_text(example: str, generator: Mapping[str, Any], context: GeneratorContext) -> str:
    """The value of a header, or a whole body that is a text."""
    value = _generated(example, generator, context)
    return value if isinstance(value, str) else str(value)


def _at(value: Any, steps: tuple[str, ...], generator: Mapping[str, Any], context: GeneratorContext) -> Any:
    if not steps:
        return _generated(value, generator, context)
    step, *rest = steps
    if is_object(value):
        return {
            name: _at(inner, tuple(rest), generator, context) if step in {"*", name} else inner
            for name, inner in value.items()
        }
    if is_array(value):
        return [
            _at(inner, tuple(rest), generator, context) if step in {"*", str(place)} else inner
            for place, inner in enumerate(value)
        ]
    return value


def _generated(example: Any, generator: Mapping[str, Any], context: GeneratorContext) -> Any:
    make = _MAKERS.get(str(generator.get("type")))
    if make is None or ("expression" in generator and generator["type"] in _DEFAULT_FORMATS):
        return example
    try:
        return make(generator, context)
    except (KeepsExampleError, ValueError, TypeError):
        return example


def _uuid(generator: Mapping[str, Any], context: GeneratorContext) -> str:
    made = UUID(int=context.random.getrandbits(128), version=4)
    match generator.get("format"):
        case "simple":
            return made.hex
        case "upper-case-hyphenated":
            return str(made).upper()
        case "URN":
            return made.urn
        case _:
            return str(made)


def _integer(generator: Mapping[str, Any], context: GeneratorContext) -> int:
    return context.random.randint(int(generator.get("min", 0)), int(generator.get("max", _LARGEST)))


def _decimal(generator: Mapping[str, Any], context: GeneratorContext) -> float:
    digits = max(int(generator.get("digits", _DIGITS)), 2)
    number = context.random.randint(10 ** (digits - 1), 10**digits - 1)
    return float(Decimal(number).scaleb(-context.random.randint(1, digits - 1)))


def _hexadecimal(generator: Mapping[str, Any], context: GeneratorContext) -> str:
    return "".join(context.random.choices("0123456789ABCDEF", k=int(generator.get("digits", _DIGITS))))


def _string(generator: Mapping[str, Any], context: GeneratorContext) -> str:
    return "".join(context.random.choices(string.ascii_letters + string.digits, k=int(generator.get("size", _DIGITS))))


def _boolean(_: Mapping[str, Any], context: GeneratorContext) -> bool:
    return context.random.random() < 0.5  # noqa: PLR2004  # one of two


def _regex(generator: Mapping[str, Any], context: GeneratorContext) -> str:
    try:
        rstr = import_module("rstr")  # of the extra `contracts`
        made: str = rstr.Rstr(context.random).xeger(str(generator["regex"]).removeprefix("^").removesuffix("$"))
    except (ModuleNotFoundError, KeyError, re.error) as error:
        raise KeepsExampleError from error
    return made


def _moment(generator: Mapping[str, Any], _: GeneratorContext) -> str:
    kind = str(generator["type"])
    return formatted(datetime.now(UTC), str(generator.get("format") or _DEFAULT_FORMATS[kind]))


def _of_state(generator: Mapping[str, Any], context: GeneratorContext) -> Any:
    """The param of a provider state that an expression names: `${id}`, or a text around it."""
    expression = str(generator.get("expression", ""))
    whole = _NAME.fullmatch(expression)
    try:
        if whole is not None:
            return context.params[whole[1]]
        return _NAME.sub(lambda found: str(context.params[found[1]]), expression)
    except KeyError as error:
        raise KeepsExampleError from error


def _url(generator: Mapping[str, Any], context: GeneratorContext) -> str:
    """The example's URL at the mock: the first group of the expression, after the mock's address."""
    found = re.search(str(generator.get("regex", "")), str(generator.get("example", "")))
    if found is None or not found.groups():
        raise KeepsExampleError
    return f"{context.base_url}{found[1]}"


_MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], GeneratorContext], Any]]] = {
    "Uuid": _uuid,
    "RandomInt": _integer,
    "RandomDecimal": _decimal,
    "RandomHexadecimal": _hexadecimal,
    "RandomString": _string,
    "RandomBoolean": _boolean,
    "Regex": _regex,
    "Date": _moment,
    "Time": _moment,
    "DateTime": _moment,
    "ProviderState": _of_state,
    "MockServerURL": _url,
}


def formatted(moment: datetime, pattern: str) -> str:
    """A moment in the format of Java's `SimpleDateFormat`, which pact files use.

    Raises:
        ValueError: A letter of the format is not supported.
    """
    return "".join(_part(moment, found) for found in _TOKEN.finditer(pattern))


def _part(moment: datetime, found: "re.Match[str]") -> str:
    text, letter = found[0], found[2]
    if letter is None:
        return text if found[1] is None else found[1].replace("''", "'") or "'"
    directive = _LETTERS.get(letter)
    if directive is None:
        message = f"{text!r} is no part of a date or a time"
        raise ValueError(message)
    return directive(moment, len(text))


def _name(short: str, long: str) -> Callable[[datetime, int], str]:
    return lambda moment, length: moment.strftime(long if length > 3 else short)  # noqa: PLR2004  # as Java counts


def _number(directive: str) -> Callable[[datetime, int], str]:
    return lambda moment, length: f"{int(moment.strftime(directive)):0{length}d}"


_LETTERS: Final[Mapping[str, Callable[[datetime, int], str]]] = {
    "y": lambda moment, length: f"{moment.year % 100:02d}" if length == 2 else f"{moment.year:04d}",  # noqa: PLR2004
    "M": lambda moment, length: f"{moment.month:0{length}d}" if length < 3 else _name("%b", "%B")(moment, length),  # noqa: PLR2004
    "d": _number("%d"),
    "D": _number("%j"),
    "H": _number("%H"),
    "h": _number("%I"),
    "m": _number("%M"),
    "s": _number("%S"),
    "S": lambda moment, length: f"{moment.microsecond:06d}".ljust(length, "0")[:length],
    "a": lambda moment, _: moment.strftime("%p"),
    "E": _name("%a", "%A"),
    "X": lambda _, __: "Z",
    "Z": lambda _, __: "+0000",
    "x": lambda _, length: "+00:00" if length == 3 else "+00" if length == 1 else "+0000",  # noqa: PLR2004
    "z": lambda _, __: "UTC",
}
