"""What came of earlier runs: survivors are tried again, those that are meant, and nothing else is forgotten."""

import json
from pathlib import Path

import pytest

from tests.mutation import __main__ as mutation

NOTICED, SURVIVED = 1, 0


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        pytest.param([], {"a.x": NOTICED, "a.y": None, "b.z": None}, id="all"),
        pytest.param(["b.*"], {"a.x": NOTICED, "a.y": SURVIVED, "b.z": None}, id="some"),
    ],
)
def test_survivors_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, patterns: list[str], left: dict[str, int | None]
) -> None:
    monkeypatch.setattr(mutation, "FOLDER", tmp_path)
    file = tmp_path / "mutants" / "src" / "p" / "m.py.meta"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"exit_code_by_key": {"a.x": NOTICED, "a.y": SURVIVED, "b.z": SURVIVED}}))

    mutation.forget_survivors(patterns)

    assert json.loads(file.read_text()) == {"exit_code_by_key": left}
