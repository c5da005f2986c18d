"""The plugin in pytest runs of its own: what passes, what fails and why, what is on disk after."""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

# The runs are in this process, and leave no module behind that was not there before: extension
# modules that are imported a second time refuse.
import llmreplay.certificates.issuing
import llmreplay.pytest_plugin.running
import llmreplay.replay  # noqa: F401
from llmreplay.cassettes import Library
from tests.fakes.provider import FakeProvider
from tests.replay.asking import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., pytest.RunResult]

pytest_plugins = ["pytester"]

IS_INSTALLED = any(found.name == "llmreplay" for found in entry_points(group="pytest11"))
PLUGIN = () if IS_INSTALLED else ("-p", "llmreplay.pytest_plugin")

INI = "[pytest]\nasyncio_default_fixture_loop_scope = function"
CLIENT = """
import json, os, urllib.error, urllib.request
import pytest

def ask(text):
    base_url, key = os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"]
    body = json.dumps({"model": "m-1", "messages": [{"role": "user", "content": text}]}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{base_url}/chat/completions", body, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        error.close()
        raise
"""


@pytest.fixture(scope="session")
def ca_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ca_dir: str) -> Run:
    """Runs pytest over what was written, with nothing of this run's own environment."""
    for name in os.environ:
        if name.endswith(("_BASE_URL", "_API_KEY")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LLMREPLAY_CA_DIR", ca_dir)
    pytester.makeini(INI)

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", *PLUGIN, *arguments, no_reraise_ctrlc=True
        )

    return run


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    """A provider for what is recorded, as a person has it in their environment."""
    with FakeProvider() as provider:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.openai_url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-fake")
        yield provider


def written(pytester: pytest.Pytester, **modules: str) -> None:
    pytester.makepyfile(**{name: CLIENT + code for name, code in modules.items()})


def report_of(result: pytest.RunResult) -> str:
    return result.stdout.str()


def test_a_marked_test_is_answered_from_the_cassette_beside_it(
    pytester: pytest.Pytester, run: Run
) -> None:
    write(pytester.path / "cassettes", "test_sea/test_marked", hello="ahoy")
    write(pytester.path / "cassettes", "test_sea/test_fixture", hello="good day")
    written(
        pytester,
        test_sea="""
@pytest.mark.llmreplay
def test_marked():
    assert ask("hello") == "ahoy"

def test_fixture(llmreplay):
    assert ask("hello") == "good day"
    assert llmreplay.last_request.json["messages"][0]["content"] == "hello"
    assert llmreplay.base_url("openai") == os.environ["OPENAI_BASE_URL"]

def test_neither():
    assert "OPENAI_BASE_URL" not in os.environ
""",
    )
    result = run()
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["2 requests in 2 tests: 2 replayed"])


def test_a_miss_fails_its_test_though_the_error_was_swallowed(
    pytester: pytest.Pytester, run: Run
) -> None:
    write(pytester.path / "cassettes", "test_sea/test_swallows", hello="ahoy")
    written(
        pytester,
        test_sea="""
@pytest.mark.llmreplay
def test_swallows():
    try:
        ask("hullo")
    except Exception:
        pass

@pytest.mark.llmreplay
def test_skips():
    try:
        ask("hello")
    except Exception:
        pytest.skip("no provider")

@pytest.mark.llmreplay
def test_raises():
    ask("hello")

@pytest.mark.xfail(strict=True)
@pytest.mark.llmreplay
def test_is_known_to_fail():
    try:
        ask("hello")
    except Exception:
        pass
""",
    )
    result = run()
    result.assert_outcomes(failed=3, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "llmreplay: 1 request had no recording",
            '- turn 1: user message differs*recorded "hello", asked "hullo"',
            'To record what is missing: pytest --llmreplay=auto "test_sea.py::test_swallows"',
            "*Captured llmreplay call*",
            "4 requests in 4 tests: 4 without a recording",
        ]
    )


def test_a_miss_in_a_fixture_is_an_error_of_that_phase(pytester: pytest.Pytester, run: Run) -> None:
    written(
        pytester,
        test_sea="""
def swallowed():
    try:
        ask("hello")
    except Exception:
        pass

@pytest.fixture
def before(): swallowed()

@pytest.fixture
def after():
    yield
    swallowed()

@pytest.mark.llmreplay
def test_before(before): raise AssertionError("it ran")

@pytest.mark.llmreplay
def test_after(after): pass

def test_next(): assert "OPENAI_BASE_URL" not in os.environ
""",
    )
    result = run()
    result.assert_outcomes(errors=2, passed=2)
    assert "it ran" not in report_of(result).split("short test summary")[1]


def test_unittest(pytester: pytest.Pytester, run: Run) -> None:
    write(pytester.path / "cassettes", "test_sea/TestSea.test_hit", hello="ahoy")
    written(
        pytester,
        test_sea="""
import unittest

@pytest.mark.llmreplay
class TestSea(unittest.TestCase):
    def test_hit(self):
        self.assertEqual(ask("hello"), "ahoy")

    def test_swallows(self):
        try:
            ask("hello")
        except Exception:
            pass

    def test_raises(self):
        ask("hello")

    def test_skips(self):
        try:
            ask("hello")
        except Exception:
            self.skipTest("no provider")

    def test_is_skipped(self):
        self.skipTest("on purpose")
""",
    )
    result = run()
    result.assert_outcomes(passed=1, failed=3, skipped=1)
    assert report_of(result).count("llmreplay: 1 request had no recording") >= 2


def test_unused_recordings_are_reported_or_fail(pytester: pytest.Pytester, run: Run) -> None:
    write(pytester.path / "cassettes", "test_sea/test_half", hello="ahoy", bye="fair winds")
    write(pytester.path / "cassettes", "shared", hello="ahoy", bye="fair winds")
    written(
        pytester,
        test_sea="""
@pytest.mark.llmreplay
def test_half(): ask("hello")

@pytest.mark.llmreplay("shared")
def test_shared(): ask("hello")
""",
    )
    reported, failing = run(), run("--llmreplay-unused=fail")
    reported.assert_outcomes(passed=2)
    reported.stdout.fnmatch_lines(["1 recording* not used*"])
    failing.assert_outcomes(passed=2, errors=1)
    failing.stdout.fnmatch_lines(["llmreplay: 1 recording was not used: *test_half#2"])


def files(pytester: pytest.Pytester) -> dict[str, bytes]:
    found = sorted((pytester.path / "cassettes").rglob("*"))
    return {path.name: path.read_bytes() for path in found if path.is_file()}


RECORDED = """
@pytest.mark.llmreplay
@pytest.mark.parametrize("text", ["a", "b"])
class TestSea:
    def test_one(self, text):
        assert ask(text) and ask(text + text)
        assert not os.environ.get("TEST_FAILS")
"""


def test_record_replay_and_record_again(
    pytester: pytest.Pytester,
    run: Run,
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written(pytester, test_sea=RECORDED)
    run("--llmreplay=record").assert_outcomes(passed=2)
    recorded = files(pytester)
    assert list(recorded) == ["TestSea.test_one.a.yaml", "TestSea.test_one.b.yaml"]
    asked = provider.requests
    run("--llmreplay=replay", "--llmreplay-unused=fail").assert_outcomes(passed=2)
    run("--llmreplay=auto").assert_outcomes(passed=2)
    assert (provider.requests, files(pytester)) == (asked, recorded)
    monkeypatch.setenv("TEST_FAILS", "1")
    run("--llmreplay=record").assert_outcomes(failed=2)
    assert (provider.requests, files(pytester)) == (asked * 2, recorded)
    monkeypatch.delenv("TEST_FAILS")
    run("--llmreplay=record").assert_outcomes(passed=2)
    library = Library(pytester.path / "cassettes")
    assert [len(library.exchanges(name)) for name in library.names()] == [2, 2]


def test_what_is_asked_no_more_goes_when_recorded_anew(
    pytester: pytest.Pytester, run: Run, provider: FakeProvider
) -> None:
    del provider
    path = write(pytester.path / "cassettes", "test_sea/test_one", old="ahoy")
    code = "@pytest.mark.llmreplay\ndef test_one(): ask('new')\n"
    written(pytester, test_sea=code)
    run("--llmreplay=auto").assert_outcomes(passed=1)
    assert "content: old" in path.read_text()
    run("--llmreplay=record").assert_outcomes(passed=1)
    assert "content: old" not in path.read_text()
    assert "content: new" in path.read_text()


def test_a_failed_test_saves_nothing(
    pytester: pytest.Pytester, run: Run, provider: FakeProvider
) -> None:
    del provider
    written(
        pytester,
        test_sea="""
@pytest.fixture
def breaks():
    yield
    raise ValueError("in teardown")

@pytest.mark.llmreplay
def test_fails(): assert ask("a") == "never"

@pytest.mark.llmreplay
def test_skips():
    ask("a")
    pytest.skip("enough")

@pytest.mark.llmreplay
def test_breaks(breaks): ask("a")
""",
    )
    run("--llmreplay=once").assert_outcomes(failed=1, skipped=1, passed=1, errors=1)
    assert files(pytester) == {}


def test_an_interrupted_test_saves_nothing(
    pytester: pytest.Pytester, run: Run, provider: FakeProvider
) -> None:
    code = "@pytest.mark.llmreplay\ndef test_one():\n    ask('a')\n    raise KeyboardInterrupt\n"
    written(pytester, test_sea=code)
    assert run("--llmreplay=record").ret == pytest.ExitCode.INTERRUPTED
    assert (provider.requests, files(pytester)) == (1, {})
    assert os.environ["OPENAI_BASE_URL"] == f"{provider.openai_url}/v1"


def test_several_cassettes_in_one_test(pytester: pytest.Pytester, run: Run) -> None:
    write(pytester.path / "cassettes", "shared/sea", hello="ahoy")
    write(pytester.path / "cassettes", "shared/land", bye="good-bye")
    written(
        pytester,
        test_sea="""
@pytest.mark.llmreplay("shared/sea", "shared/land")
def test_named(): assert (ask("hello"), ask("bye")) == ("ahoy", "good-bye")

@pytest.mark.llmreplay("shared/*")
def test_globbed(): assert (ask("hello"), ask("bye")) == ("ahoy", "good-bye")

@pytest.mark.llmreplay("shard/*")
def test_mistyped(): ask("hello")
""",
    )
    result = run()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["no recordings are loaded from *cassettes/shard/[*].yaml*"])


def test_faults_inline(pytester: pytest.Pytester, run: Run) -> None:
    for name in ("test_limited", "test_added"):
        write(pytester.path / "cassettes", f"test_sea/{name}", hello="ahoy")
    written(
        pytester,
        test_sea="""
@pytest.mark.llmreplay(fault="rate_limit", when={"first": 1})
def test_limited():
    with pytest.raises(urllib.error.HTTPError, match="429"):
        ask("hello")
    assert ask("hello") == "ahoy"

def test_added(llmreplay):
    assert ask("hello") == "ahoy"
    llmreplay.add_rule("overloaded")
    with pytest.raises(urllib.error.HTTPError, match="503"):
        ask("hello")

@pytest.mark.llmreplay(fault="rate_limitt")
def test_mistyped(): raise AssertionError("it ran")

@pytest.mark.llmreplay(falt="rate_limit")
def test_mistyped_argument(): raise AssertionError("it ran")
""",
    )
    result = run()
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(['llmreplay: *did you mean "rate_limit"?', "2 faults injected"])
    assert "During handling" not in report_of(result)


def test_a_fault_that_never_happened_is_told_of_where_a_test_fails(
    pytester: pytest.Pytester, run: Run
) -> None:
    for name in ("test_fails", "test_passes"):
        write(pytester.path / "cassettes", f"test_sea/{name}", hello="ahoy")
    written(
        pytester,
        test_sea="""
@pytest.mark.llmreplay(rules=[{"name": "cut", "fault": "tls_error"}, {"fault": {"delay": "1ms"}}])
def test_fails():
    ask("hello")
    raise AssertionError("no error")

@pytest.mark.llmreplay(rules=[{"name": "not now", "fault": "tls_error"}])
def test_passes():
    ask("hello")
""",
    )
    result = run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["1 rule never fired: cut", "*HTTPS_PROXY*"])
    assert "not now" not in report_of(result)


def test_async_tests_and_children(pytester: pytest.Pytester, run: Run) -> None:
    for name in ("test_async", "test_child"):
        write(pytester.path / "cassettes", f"test_sea/{name}", hello="ahoy")
    written(
        pytester,
        test_sea="""
import asyncio, subprocess, sys

@pytest.mark.asyncio
@pytest.mark.llmreplay
async def test_async():
    answers = await asyncio.gather(*(asyncio.to_thread(ask, "hello") for _ in range(5)))
    assert answers == ["ahoy"] * 5

@pytest.mark.llmreplay
def test_child():
    command = [sys.executable, "-c", "import test_sea; print(test_sea.ask('hello'))"]
    assert subprocess.check_output(command, text=True) == "ahoy\\n"
""",
    )
    run().assert_outcomes(passed=2)


def test_a_client_of_a_wider_scope_is_told_of(pytester: pytest.Pytester, run: Run) -> None:
    for name in ("test_first", "test_second"):
        write(pytester.path / "cassettes", f"test_sea/{name}", hello="ahoy")
    written(
        pytester,
        test_sea="""
@pytest.fixture(scope="module")
def base_url(): return os.environ["OPENAI_BASE_URL"]

def again(base_url):
    os.environ["OPENAI_BASE_URL"] = base_url
    try:
        return ask("hello")
    except urllib.error.HTTPError:
        return None

@pytest.mark.llmreplay
def test_first(base_url): assert again(base_url) == "ahoy"

@pytest.mark.llmreplay
def test_second(base_url): again(base_url)
""",
    )
    result = run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["Of these, some came for test_first-*function scope"])


def test_clients_that_are_made_before_all_tests(pytester: pytest.Pytester, run: Run) -> None:
    for name in ("test_first", "test_second"):
        write(pytester.path / "cassettes", f"test_sea/{name}", hello=f"ahoy, {name}")
    pytester.makeini(f"{INI}\nllmreplay_variables = run")
    written(
        pytester,
        test_sea="""
MADE = os.environ["OPENAI_BASE_URL"]

@pytest.mark.llmreplay
def test_first():
    assert os.environ["OPENAI_BASE_URL"] == MADE
    assert ask("hello") == "ahoy, test_first"

def test_second(llmreplay):
    assert ask("hello") == "ahoy, test_second"
    assert llmreplay.last_request.session == "default"

@pytest.mark.llmreplay
def test_third():
    try:
        ask("hello")
    except Exception:
        pass
""",
    )
    for more in ((), ("-n1",)):
        run(*more).assert_outcomes(passed=2, failed=1)
    assert "OPENAI_BASE_URL" not in os.environ


def test_the_fixture_can_be_asked_for_late(pytester: pytest.Pytester, run: Run) -> None:
    write(pytester.path / "cassettes", "test_sea/test_hit", hello="ahoy")
    written(
        pytester,
        test_sea="""
@pytest.fixture
def late(request): return request.getfixturevalue("llmreplay")

def test_hit(late): assert ask("hello") == "ahoy"

def test_miss(request):
    request.getfixturevalue("llmreplay")
    try:
        ask("hello")
    except Exception:
        pass

def test_next(): assert "OPENAI_BASE_URL" not in os.environ
""",
    )
    run().assert_outcomes(passed=2, failed=1)


def test_a_client_that_outlives_a_test_can_be_led_into_each(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com")
    for name in ("test_first", "test_third"):
        write(pytester.path / "cassettes", f"test_sea/{name}", hello=f"ahoy, {name}")
    written(
        pytester,
        test_sea="""
@pytest.fixture(scope="session")
def base_url(llmreplay_run):
    return llmreplay_run.base_url("openai")

@pytest.fixture
def asks(base_url, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", base_url)

def test_first(asks): assert ask("hello") == "ahoy, test_first"

@pytest.mark.llmreplay
def test_alone(): assert "default" not in os.environ["OPENAI_BASE_URL"]

@pytest.mark.usefixtures("asks")
class TestMore:
    def test_miss(self):
        try:
            ask("hello")
        except Exception:
            pass

def test_third(asks, llmreplay, llmreplay_run):
    assert ask("hello") == "ahoy, test_third"
    assert len(llmreplay_run.requests()) == 1
    assert llmreplay.env()["OPENAI_BASE_URL"] == llmreplay_run.env()["OPENAI_BASE_URL"]
    assert llmreplay.env()["AZURE_OPENAI_ENDPOINT"].endswith("/_s/default/azure")
""",
    )
    for more in ((), ("-n1",)):
        result = run(*more)
        result.assert_outcomes(passed=3, failed=1)
        result.stdout.fnmatch_lines(["*record*TestMore::test_miss*"])


def test_the_last_failures_run_again(pytester: pytest.Pytester, run: Run) -> None:
    write(pytester.path / "cassettes", "test_sea/test_hit", hello="ahoy")
    written(
        pytester,
        test_sea="""
@pytest.mark.llmreplay
def test_hit(): ask("hello")

@pytest.mark.llmreplay
def test_miss():
    try:
        ask("hello")
    except Exception:
        pass
""",
    )
    del run
    pytester.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=1, failed=1)
    pytester.runpytest_inprocess(*PLUGIN, "--lf").assert_outcomes(failed=1)


def test_words_in_the_ini_file_are_looked_at(pytester: pytest.Pytester, run: Run) -> None:
    written(pytester, test_sea="def test_one(): pass\n")
    pytester.makeini(f"{INI}\nllmreplay_mode = rekord")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*llmreplay_mode: none of replay, *: rekord"])


def test_a_broken_cassette_is_named(pytester: pytest.Pytester, run: Run) -> None:
    write(pytester.path / "cassettes", "test_sea/test_one").write_text("nonsense: [\n")
    written(pytester, test_sea="@pytest.mark.llmreplay\ndef test_one(): pass\n")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["llmreplay: *test_one.yaml:1: *"])


def test_a_folder_whose_name_is_none_for_cassettes(pytester: pytest.Pytester, run: Run) -> None:
    folder = pytester.mkdir("my tests")
    write(folder / "cassettes", "test_sea/test_one", hello="ahoy")
    code = "@pytest.mark.llmreplay\ndef test_one(): assert ask('hello') == 'ahoy'\n"
    (folder / "test_sea.py").write_text(CLIENT + code)
    run().assert_outcomes(passed=1)


def test_it_is_not_imported_where_no_test_asks_for_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\ndef test_one(): assert 'aiohttp' not in sys.modules\n"
        "def test_two(): assert 'llmreplay.replay' not in sys.modules\n"
    )
    result = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "-p", "no:aiohttp", *PLUGIN, timeout=60
    )
    result.assert_outcomes(passed=2)
    assert "llmreplay =" not in report_of(result)
