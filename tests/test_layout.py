"""Things are where one looks for them: `tests/` mirrors `llmreplay/`, no file is outgrown.

Which way imports go is import-linter's to say. An exception has its reason beside it.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from llmreplay.dialects.registry import DIALECTS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "llmreplay"
TESTS = ROOT / "tests"

MODULES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))
WITH_CODE = [name for name in MODULES if not name.endswith(("__init__.py", "__main__.py"))]

NO_TEST_OF_THEIR_OWN = {
    "core/clock.py": "a protocol",
    "core/dialect.py": "types; what fills them is tested in dialects/",
    "core/journal.py": "types; cli/test_lines.py shows them",
    "core/live.py": "protocols",
    "core/streams/event.py": "a type and a protocol; each parser has its test",
    "errors.py": "types",
    "service/report.py": "a protocol",
    "session/setup.py": "types and a protocol",
}

MORE_TESTS = {
    "cassettes/test_kills.py": "recording processes, killed at each of their steps",
    "cli/test_main.py": "cli/__init__.py, where `main` is",
    "core/redaction/test_everywhere.py": "all of redaction, wherever a secret is put",
    "core/redaction/test_who_pays.py": "what decision 7 says",
    "test_docs.py": "the documentation",
    "test_examples.py": "the examples",
    "test_layout.py": "this file",
}
NO_MIRROR = {
    "corpus": "real recorded traffic, where it is at hand",
    "scenarios": "the product as a process, over sockets",
    "sdks": "real client SDKs",
}

LONGEST_MODULE = 400
LONGER = {
    "cassettes/take.py": (430, "one lock's life, from open to closed: what is durable when"),
    "dialects/anthropic.py": (430, "a provider is one file"),
    "dialects/plain.py": (
        480,
        "every other provider is one file: tables of what their wires share",
    ),
    "proxy/greeting.py": (420, "one connection until it is known what is spoken on it"),
    "proxy/connection.py": (560, "one connection's life in one state machine"),
}
LONGEST_FUNCTION = 60


def of_package(name: str) -> str:
    """The test of the folder that `name` is in: `openai/x.py` → `openai/test_openai.py`."""
    folder = Path(name).parent
    return str(folder / f"test_{folder.name}.py")


def tree(name: str) -> ast.Module:
    return ast.parse((PACKAGE / name).read_text())


def has_test(name: str) -> bool:
    own = str(Path(name).with_name(f"test_{Path(name).name}"))
    return any((TESTS / test).exists() for test in (own, of_package(name)))


def test_each_module_has_its_test() -> None:
    assert [name for name in WITH_CODE if not has_test(name) | (name in NO_TEST_OF_THEIR_OWN)] == []


def mirrored(test: str) -> bool:
    path = Path(test)
    name = path.name.removeprefix("test_").removesuffix(".py")
    if path.parent.name == name:
        return (PACKAGE / path.parent / "__init__.py").exists()
    return any((PACKAGE / path.parent / one).exists() for one in (f"{name}.py", name))


def test_each_test_has_its_module() -> None:
    tests = [str(path.relative_to(TESTS)) for path in sorted(TESTS.rglob("test_*.py"))]
    lost = [
        test
        for test in tests
        if not mirrored(test) and test not in MORE_TESTS and Path(test).parts[0] not in NO_MIRROR
    ]
    assert lost == []


def test_exceptions_are_of_what_exists() -> None:
    assert sorted({*NO_TEST_OF_THEIR_OWN, *LONGER} - {*MODULES}) == []
    assert [test for test in (*MORE_TESTS, *NO_MIRROR) if not (TESTS / test).exists()] == []


@pytest.mark.parametrize("dialect", [one.name for one in DIALECTS])
def test_each_dialect_has_its_file_and_its_test(dialect: str) -> None:
    files = [f"dialects/{dialect}.py", f"dialects/{dialect}/__init__.py"]
    tests = [f"dialects/test_{dialect}.py", f"dialects/{dialect}/test_{dialect}.py"]
    assert any((PACKAGE / name).exists() for name in files)
    assert any((TESTS / name).exists() for name in tests)


def test_no_module_has_outgrown_its_file() -> None:
    lengths = {name: len((PACKAGE / name).read_text().splitlines()) for name in MODULES}
    most = {name: LONGER.get(name, (LONGEST_MODULE, ""))[0] for name in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > most[name]} == {}


def test_each_module_says_what_it_is_for() -> None:
    assert [name for name in MODULES if not ast.get_docstring(tree(name))] == []


def test_a_function_reads_in_a_glance() -> None:
    lengths = {
        f"{name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name in MODULES
        for node in ast.walk(tree(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_no_module_is_named_for_nothing() -> None:
    names = {Path(name).stem for name in MODULES}
    assert names & {"utils", "util", "helpers", "common", "manager", "misc", "base"} == set()
