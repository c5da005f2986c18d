"""The overlays that are shown, in the documentation and among the examples, are sound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmreplay.core.faults.fault import AtConnection
from llmreplay.core.faults.kinds import KINDS, MATCH, WHEN
from llmreplay.core.faults.presets import PRESETS
from llmreplay.overlays import load_overlays

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "overlays.md").read_text()
EXAMPLES = sorted((ROOT / "examples" / "overlays").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    assert load_overlays([path])
    assert path.read_text().startswith("# ")


def test_all_examples_together() -> None:
    assert len(load_overlays(EXAMPLES)) >= len(EXAMPLES) >= 9


def test_what_the_documentation_shows(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "shown.yaml").write_text(shown)
    assert len(load_overlays([tmp_path / "shown.yaml"])) == 3


def test_every_form_that_is_shown_is_read(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (`.*?`) \|", PAGE, re.MULTILINE)
    assert [name for name, _ in rows if name in KINDS] == [*KINDS]
    forms = [
        form for name, shown in rows if name in KINDS for form in re.findall(r"`(.*?)`", shown)
    ]
    shown = [form for form in forms if "…" not in form]
    rules = "".join(f"- fault: {{{form}}}\n" for form in shown)
    (tmp_path / "forms.yaml").write_text(f"rules:\n{rules}")
    assert len(load_overlays([tmp_path / "forms.yaml"])) == len(shown) > 15


@pytest.mark.parametrize(
    "words",
    [[*PRESETS], [*MATCH.by_name], [*WHEN.by_name], [*AtConnection]],
    ids=["presets", "match", "when", "connections"],
)
def test_every_word_is_told(words: list[str]) -> None:
    assert [word for word in words if not re.search(rf"`{word}\b", PAGE)] == []
