"""The site: the Markdown that GitHub shows, and the API out of the docstrings. `pdm run docs` builds it."""

import re
from enum import Enum
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Protocol, get_type_hints

from docutils import nodes
from pydantic import BaseModel
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from bff_clients import BackendSettings
from bff_clients.models import AnswerModel

project = "huleedu-bff-clients"
author = "HuleEdu"
version = release = version_of(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["images", "workflows"]
nitpicky = True
# A type in a signature may be of another package, private, or an alias: it need not be a link.
nitpick_ignore_regex = [("py:class", ".*"), ("py:exc", r"pydantic\.ValidationError")]
suppress_warnings = ["misc.highlighting_failure"]  # an HTTP message of one line
default_role = "literal"

myst_heading_anchors = 3
linkcheck_ignore = [r"http://127\.0\.0\.1"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
add_module_names = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_title = "huleedu-bff-clients"
html_show_copyright = False
html_show_sourcelink = False

_CONTENTS = """
```{toctree}
:hidden:
:caption: You build the BFF
The mock <bff-developers>
Any pact file <pact-files>
The clients <clients>
Moving from your own clients <migration>
When a backend fails <reliability>
Logs, metrics and traces <observability>
```
```{toctree}
:hidden:
:caption: You own RAS or CMS
Verify your service <providers>
By framework <provider-frameworks>
What the BFF expects of RAS <contract/result-aggregator-service>
What the BFF expects of CMS <contract/class-management-service>
What may change when <contract-policy>
```
```{toctree}
:hidden:
:caption: You run CI
From nothing to published pacts <ci>
```
```{toctree}
:hidden:
:caption: Reference
api/clients
api/mock
api/contracts
```
```{toctree}
:hidden:
:caption: You change this project
architecture
extending
agreement
evidence/outcomes
evidence/mutants
evidence/benchmarks
mutation
security
performance
dependencies
decisions/index
OTHERS
```
"""
"""The contents at the side of the site; in the page itself, GitHub would show them as text."""


def _add_contents(app: Sphinx, page: str, text: list[str]) -> None:
    if page == "index":
        named = set(re.findall(r"^(?:.+ <)?([\w/-]+)>?$", _CONTENTS, re.MULTILINE))
        others = {
            name for name in app.project.docnames - named - {page} if not name.startswith(("contract/", "decisions/"))
        }
        text[0] += _CONTENTS.replace("OTHERS", "\n".join(sorted(others)))
    endpoints = sorted(name.rpartition("/")[2] for name in app.project.docnames if name.startswith(f"{page}/"))
    if page.startswith("contract/") and endpoints:
        folder = page.rpartition("/")[2]
        entries = "\n".join(f"{folder}/{name}" for name in endpoints)
        text[0] += f"\n```{{toctree}}\n:hidden:\n{entries}\n```\n"


def _name_pages_outside(_app: Sphinx, page: str, text: list[str]) -> None:
    """Replace a link to a page of the repository outside of docs/, which only GitHub has, by the page's path."""
    if "/" not in page:
        text[0] = re.sub(r"\[[^\]]+\]\(\.\./([^)#]+\.md)(?:#[^)]*)?\)", r"`\1`", text[0])


def _without_machinery(_app: Sphinx, what: str, _name: str, it: object, *_: object) -> tuple[str, str] | None:
    """What the constructor of a model, an enum or a protocol could take says nothing."""
    if what != "class" or not isinstance(it, type):
        return None
    return ("", "") if issubclass(it, (BaseModel, Enum)) or Protocol in it.__bases__ else None


def _show_plain_types() -> None:
    """Show `int` for a field, and not the annotations by which Pydantic bounds it."""
    for model in (BackendSettings, *AnswerModel.models()):
        hints = get_type_hints(model)
        model.__annotations__ = {name: hints[name] for name in model.__annotations__}


class LightAndDark(SphinxTransform):
    """Shows a picture that there is for light and for dark in the one that fits."""

    default_priority = 200

    def apply(self) -> None:
        """Put the dark picture beside the light one."""
        for image in list(self.document.findall(nodes.image)):
            dark = image["uri"].replace("-light.png", "-dark.png")
            if dark != image["uri"] and (Path(self.env.srcdir) / dark).exists():
                other = image.deepcopy()
                other["uri"] = dark
                image["classes"].append("only-light")
                other["classes"].append("only-dark")
                image.parent.insert(image.parent.index(image) + 1, other)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    _show_plain_types()
    app.connect("source-read", _add_contents)
    app.connect("source-read", _name_pages_outside)
    app.connect("autodoc-process-signature", _without_machinery)
    app.add_transform(LightAndDark)
