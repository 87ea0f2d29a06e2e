"""`bff-contracts scaffold`: a test file to start from."""

import argparse
import re
from pathlib import Path
from string import Template
from textwrap import fill
from typing import TYPE_CHECKING, Final

from bff_contracts.cli.common import CommandError, Commands, add_provider, pacts_of
from bff_contracts.pact.wording import function_name
from bff_contracts.platform import BY_NAME

if TYPE_CHECKING:
    from bff_contracts.states import ProviderState

_FILE: Final = Template('''\
"""$provider keeps its contract with the BFF Teacher Service: one test for each interaction.

`bff-contracts states $short` shows the params of each state, `bff-contracts show TEXT` an interaction.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bff_contracts.states import (
$models
)
from bff_contracts.verification import RunningProvider, cases_of, running_provider
$application
PROVIDER = "$provider"
API_KEY: str | None = None  # the key that the application accepts; None takes HULEEDU_INTERNAL_API_KEY
NOT_YET: list[str] = []  # endpoints that are not built yet, as "GET …/last-part": their tests are expected to fail

# The handlers below write into the database that the application opens: have create_app open one for tests.


$handlers

STATES: dict[str, Callable[[Any], Any]] = {
$states
}


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider(create_app, provider=PROVIDER, states=STATES, api_key=API_KEY) as running:
        yield running


@pytest.mark.parametrize("interaction", cases_of(PROVIDER, not_yet=NOT_YET))
def test_contract(provider: RunningProvider, interaction: str) -> None:
    provider.verify(interaction)
''')

_APPLICATION: Final = '''

def create_app() -> Any:
    """The ASGI application to verify, with a database for tests; it may be async."""

    async def unwritten(scope: Any, receive: Any, send: Any) -> None:
        raise NotImplementedError("create_app: return your application here")

    return unwritten

'''

_HANDLER: Final = Template('''\
async def $name(params: $model) -> None:
    """$meaning"""
    raise NotImplementedError("write the handler $name")
''')


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "scaffold", help="a test file that verifies a provider, its handlers still to be written"
    )
    add_provider(parser)
    parser.add_argument(
        "--app", type=_importable, metavar="MODULE:NAME", help="the application, or the function that makes it"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file to write (default: print it)")
    parser.set_defaults(run=_scaffold)


def _scaffold(options: argparse.Namespace) -> int:
    (pact,) = pacts_of(options.provider)
    text = scaffold_of(pact.provider, options.app)
    if options.output is None:
        print(text, end="")  # noqa: T201
        return 0
    try:
        with options.output.open("x", encoding="utf-8") as file:  # an existing file may hold handlers
            file.write(text)
    except FileExistsError as error:
        message = f"{options.output} exists already: delete it, or choose another name"
        raise CommandError(message) from error
    except OSError as error:
        message = f"cannot write {options.output}: {error.strerror}"
        raise CommandError(message) from error
    return 0


def scaffold_of(provider: str, app: tuple[str, str] | None = None) -> str:
    """The text of a test file for a provider; `app` is the module and the name of its application."""
    from bff_contracts.states import CATALOGUE  # noqa: PLC0415  # Pydantic, for this command alone

    states = [state for state in CATALOGUE if state.provider == provider]
    return _FILE.substitute(
        provider=provider,
        short=BY_NAME[provider].short,
        models="\n".join(f"    {name}," for name in sorted(state.params.__name__ for state in states)),
        application=_APPLICATION if app is None else _import(*app),
        handlers="\n\n".join(map(_handler, states)),
        states="\n".join(f'    "{state.name}": {function_name(state)},' for state in states),
    )


def _import(module: str, name: str) -> str:
    return f"from {module} import {name}\n" if name == "create_app" else f"from {module} import {name} as create_app\n"


def _handler(state: "ProviderState") -> str:
    meaning = fill(state.meaning, 112, subsequent_indent="    ")
    name, model = function_name(state), state.params.__name__
    return _HANDLER.substitute(name=name, model=model, meaning=meaning)


def _importable(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)", text)
    if found is None:
        message = f"expected MODULE:NAME, such as my_service.app:create_app, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return found[1], found[2]
