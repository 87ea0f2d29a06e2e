"""Write docs/contract/: what the BFF expects of each provider, out of the pacts and the catalogue of states."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from bff_contracts.pact.file import Interaction, Pact, shipped_pacts
from bff_contracts.pact.wording import example_of, freedoms, params_of, params_text, request_text, response_text
from bff_contracts.states import CATALOGUE, ProviderState

FOLDER: Final = Path(__file__).parents[1] / "docs" / "contract"

_INTRODUCTION: Final = """\
Written out of the contract by `pdm run contracts`. An answer may have more fields than an example. Where it may
differ in other ways a table says how; without a table, every value has to be the one of the example. "Given" is the
provider state that has to stand before the request. The key in the examples stands for the real one;
`X-Correlation-ID` is any UUID, and a provider may leave it alone. What is not here (an empty or malformed query, say)
the BFF does not send. A date-time is `2026-01-15T10:30:00.123456`, with six digits of a second, three or none. It
means UTC, with a `Z` at its end or without, unless an offset such as `+01:00` follows. How to verify all of it:
[providers.md](../providers.md)."""


def pages() -> Mapping[str, str]:
    """The text of each page, by its file name."""
    return {f"{pact.provider}.md": "\n".join(_page(pact)) + "\n" for pact in shipped_pacts()}


def _page(pact: Pact) -> Iterator[str]:
    yield f"# {pact.provider}: what {pact.consumer} expects"
    yield ""
    yield _INTRODUCTION
    yield ""
    yield "| endpoint | interactions |"
    yield "|---|---|"
    for endpoint, interactions in _by_endpoint(pact):
        yield f"| `{endpoint}` | {len(interactions)} |"
    yield ""
    yield "## Provider states"
    for state in CATALOGUE:
        if state.provider == pact.provider:
            yield from _state(state, pact)
    for endpoint, interactions in _by_endpoint(pact):
        yield ""
        yield f"## `{endpoint}`"
        for interaction in interactions:
            yield from _interaction(interaction)


def _by_endpoint(pact: Pact) -> list[tuple[str, list[Interaction]]]:
    """The interactions of each endpoint, which is called by the path that its shape has."""
    shapes = [interaction for interaction in pact.interactions if interaction.role is not None]

    def endpoint(interaction: Interaction) -> str:
        shape = next(shape for shape in shapes if shape.is_for(interaction.request.method, interaction.request.path))
        return f"{shape.request.method} {shape.request.path}"

    ordered = sorted(pact.interactions, key=lambda each: (endpoint(each), each.role is None))
    return [(name, list(each)) for name, each in groupby(ordered, key=endpoint)]


def _state(state: ProviderState, pact: Pact) -> Iterator[str]:
    yield ""
    yield f"### {state.name}"
    yield ""
    yield state.meaning
    yield ""
    yield f"Params (`{state.params.__name__}`):"
    yield ""
    yield "| param | holds |"
    yield "|---|---|"
    yield from (f"| `{param.path}` | {param.kind} |" for param in params_of(state))
    yield from _folded("Example", ["```json", params_text(example_of(state, pact)), "```"])


def _interaction(interaction: Interaction) -> Iterator[str]:
    yield ""
    yield f"### {interaction.description}"
    for state in interaction.states:
        yield from _folded(f"Given: {state.name}", ["```json", params_text(state.params), "```"])
    exchange = ["```http", request_text(interaction), "```", ""]
    exchange += ["```http", f"HTTP/1.1 {response_text(interaction)}", "```"]
    free = freedoms(interaction)
    if free:
        exchange += ["", "| may differ | what may be there |", "|---|---|"]
        exchange += [f"| `{path}` | {words.replace('|', chr(92) + '|')} |" for path, words in free]
    if interaction.role is not None:
        yield from ("", *exchange)
    else:
        yield from _folded("Request and answer", exchange)


def _folded(title: str, lines: list[str]) -> Iterator[str]:
    yield from ("", f"<details><summary>{title}</summary>", "", *lines, "", "</details>")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file_name, page in pages().items():
        (FOLDER / file_name).write_text(page, encoding="utf-8")
