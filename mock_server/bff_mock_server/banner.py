"""What the mock says once it listens: where, with which key, about whom, and a line to paste."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bff_contracts.pact_file import Interaction
from bff_mock_server.backend import Backend
from bff_mock_server.scenarios import Scenario
from bff_mock_server.simulators import KEY
from bff_mock_server.world import World

_ABBREVIATIONS: Final = frozenset({"api", "id"})


def banner(backends: Mapping[str, Backend], scenario: Scenario, world: World) -> str:
    """The text of the banner; `backends` are by base URL."""
    width = max((len(backend.provider) for backend in backends.values()), default=0)
    lines = [f"  {backend.provider:<{width}}  {url}" for url, backend in backends.items()]
    key = next((key for backend in backends.values() for key in _examples(backend, KEY)), None)
    if key is not None:
        lines += ["", f"Key for {header_name(KEY)}: {key}  (a placeholder that every mock accepts)"]
    names = max(len(teacher.name) for teacher in scenario.teachers)
    lines += ["", f"Teachers of the scenario {scenario.name!r}:"]
    lines += [
        f"  {teacher.user_id}  {teacher.name:<{names}}  {teacher.batches:>3} batches  {teacher.purpose}"
        for teacher in scenario.teachers
    ]
    line = next(_curl_lines(backends, scenario, world), None)
    if line is not None:
        lines += ["", "Try:", line]
    return "\n".join(["Mocks that keep the contract are listening; stop them with Ctrl-C.", "", *lines])


def header_name(name: str) -> str:
    """A lower-case header name as people write it: `X-Internal-API-Key`."""
    return "-".join(word.upper() if word in _ABBREVIATIONS else word.capitalize() for word in name.split("-"))


def _curl_lines(backends: Mapping[str, Backend], scenario: Scenario, world: World) -> Iterator[str]:
    """A line per endpoint that needs a key, about the first teacher; those about a user come first."""
    user_id = scenario.teachers[0].user_id
    batch_ids = [row.batch_id for row in world.rows.users.get(user_id, ())]
    shapes = [
        (url, endpoint.shape.interaction)
        for url, backend in backends.items()
        for endpoint in backend.table.endpoints
        if endpoint.shape is not None and KEY in endpoint.shape.interaction.request.headers
    ]
    for url, interaction in sorted(
        shapes, key=lambda shape: _user_of(shape[1]) not in shape[1].request.path.split("/")
    ):
        headers = interaction.request.headers.items()
        sent = " ".join(f"-H {shlex.quote(f'{header_name(name)}: {_joined(values)}')}" for name, values in headers)
        yield f"curl {sent} {_quoted(url + _target(interaction, user_id, batch_ids))}"


def _target(interaction: Interaction, user_id: str, batch_ids: Sequence[str]) -> str:
    """The example's request target, about a user and batches that are there."""
    request = interaction.request
    pairs = [f"{name}={value}" for name, values in request.query.items() for value in values]
    target = request.path + (f"?{'&'.join(pairs)}" if pairs else "")
    replacements = dict(zip(_batches_of(interaction), batch_ids, strict=False))
    if (example := _user_of(interaction)) is not None:
        replacements[example] = user_id
    for example, concrete in replacements.items():
        target = target.replace(example, concrete)
    return target


def _user_of(interaction: Interaction) -> str | None:
    users = (state.params.get("user_id") for state in interaction.states)
    return next((user for user in users if isinstance(user, str)), None)


def _batches_of(interaction: Interaction) -> Iterator[str]:
    for state in interaction.states:
        yield from (str(row["batch_id"]) for row in state.params.get("batches", ()))
        yield from state.params.get("classes", {})


def _joined(values: Sequence[str]) -> str:
    return ", ".join(values)


def _quoted(url: str) -> str:
    # Always quoted: the & of a query would end the command.
    return shlex.quote(url) if "'" in url else f"'{url}'"


def _examples(backend: Backend, header: str) -> Iterator[str]:
    for endpoint in backend.table.endpoints:
        for entry in endpoint.entries:
            yield from entry.interaction.request.headers.get(header, ())
