"""An application under test: started, led here, and nothing of it left, however the test ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmreplay import Replay
from llmreplay.errors import UsageError
from llmreplay.replay import application, guardian
from tests.replay.asking import write
from tests.scenarios.process import DEADLINE_S, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.replay import Application

PROGRAM = Path(__file__).with_name("app_under_test.py")
COMMAND = (sys.executable, PROGRAM, "{port}")
ROOT = Path(__file__).parents[2]


def get(app: Application, path: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(app.url + path, timeout=DEADLINE_S) as answer:
        return str(answer.read().decode())


def pids(folder: Path) -> dict[str, int]:
    """The application, its child, and its daemon, once all of them run."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found = {path.name: path.read_text() for path in folder.iterdir()}
        if len(found) == 3 and all(found.values()):
            return {name: int(number) for name, number in found.items()}
        time.sleep(0.01)
    raise AssertionError(f"not all of them run: {found}")


def alive(numbers: dict[str, int]) -> list[str]:
    """Who still runs; a zombie, which nobody has taken leave of, does not."""
    there = []
    for name, number in numbers.items():
        asked = subprocess.run(  # noqa: S603  # as POSIX has it
            ["ps", "-o", "state=", "-p", str(number)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.strip() and not asked.stdout.startswith("Z"):
            there.append(name)
    return there


@pytest.fixture
def replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    monkeypatch.setenv("LLMREPLAY_CA_DIR", str(tmp_path / "ca"))
    write(tmp_path / "cassettes", "sea", hello="ahoy")
    write(tmp_path / "cassettes", "land", hello="good day")
    with Replay(tmp_path / "cassettes") as replay:
        yield replay


def test_it_is_led_into_its_session(replay: Replay) -> None:
    with (
        replay.session("a", cassettes=["sea"]) as sea,
        replay.session("b", cassettes=["land"]) as land,
    ):
        apps = [one.start(COMMAND, health="/healthz") for one in (sea, land)]
        assert [get(app, "/say/hello") for app in apps] == ["ahoy", "good day"]
        assert [one.source for one in replay.requests()] == ["sea#1", "land#1"]
        assert [get(apps[0], "/say/goodbye"), sea.verify().missed] == ["sorry", 1]
        assert apps[0].output == f"listens on {apps[0].port}\nswallowed HTTPError\n"
    assert [app.has_ended() for app in apps] == [True, True]
    assert apps[0].output.endswith("swallowed HTTPError\n")


def test_one_for_several_sessions(replay: Replay) -> None:
    app = replay.start(COMMAND)
    for cassette, said in (("sea", "ahoy"), ("land", "good day")):
        with replay.session("default", cassettes=[cassette]):
            assert get(app, "/say/hello") == said


async def test_it_can_be_waited_for(replay: Replay) -> None:
    with replay.session("a", cassettes=["sea"]) as session:
        async with await asyncio.to_thread(session.start, COMMAND) as app:
            assert await asyncio.to_thread(get, app, "/say/hello") == "ahoy"
        assert app.status == -signal.SIGTERM


@pytest.mark.parametrize("way", [guardian.REAPER, guardian.WATCHER])
def test_nothing_of_it_is_left(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == guardian.REAPER and sys.platform != "linux":
        pytest.skip("only Linux has subreapers")
    monkeypatch.setattr(application, "_WAY", way)
    folder = tmp_path / "pids"
    folder.mkdir()
    with (
        replay.session("a") as session,
        session.start([*COMMAND, folder], grace_seconds=0.5) as app,
    ):
        running = pids(folder)
        assert app.pid == running["own"]
        assert len(alive(running)) == 3
    assert alive(running) == []


def test_nothing_is_left_of_one_that_is_never_healthy(replay: Replay, tmp_path: Path) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()

    def health(_: Application) -> bool:
        raise ValueError("it is ill")

    with (
        replay.session("a") as session,
        pytest.raises(UsageError, match=r"(?s)within 1\.5 s: .*: it is ill; it .*listens"),
    ):
        session.start([*COMMAND, folder], health=health, timeout_seconds=1.5, grace_seconds=0.2)
    assert alive(pids(folder)) == []


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["no-such-command"], "no-such-command cannot be started: there is no such command"),
        ([sys.executable, "-c", "print('a'); exit(3)"], "ended with status 3 .*printed:\n  a$"),
        ([sys.executable, "-c", "exit(3)"], "ended with status 3 .*has printed nothing$"),
        ("python app.py", "a list of words"),
    ],
    ids=["no-command", "ends", "ends-silently", "no-list"],
)
def test_why_it_did_not_start_is_told(replay: Replay, command: list[str], told: str) -> None:
    with replay.session("a") as session, pytest.raises(UsageError, match=f"(?s){told}"):
        session.start(command)


def test_a_program_that_comes_to_its_end(replay: Replay) -> None:
    with replay.session("a") as session:
        app = session.start([sys.executable, "-c", "print('a'); exit(3)"], health=lambda _: True)
        assert (app.wait(DEADLINE_S), app.output) == (3, "a\n")
        with pytest.raises(UsageError, match="no such command"):
            session.start(["no-such-command"], health=lambda _: True)


def test_its_variables_and_its_folder(replay: Replay, tmp_path: Path) -> None:
    shown = (
        "import os; print(*(os.environ.get(name) for name in ('PORT', 'AT', 'HOME')), os.getcwd())"
    )
    with replay.session("a") as session:
        app = session.start(
            [sys.executable, "-c", f"{shown}; import time; time.sleep(60)"],
            health=lambda app: "\n" in app.output,
            env={"AT": "http://127.0.0.1:{port}/", "HOME": None},
            cwd=tmp_path,
        )
        at = f"http://127.0.0.1:{app.port}/"
        assert app.output.split() == [str(app.port), at, "None", str(tmp_path.resolve())]
        with pytest.raises(UsageError, match=r"has not ended within 0\.1 s"):
            app.wait(0.1)
        os.kill(app.pid, signal.SIGINT)
        assert app.wait(DEADLINE_S) == -signal.SIGINT


# -- with the plugin -----------------------------------------------------------------------

TESTS = f"""
import os, signal, sys, time, urllib.request
import pytest

COMMAND = ({str(sys.executable)!r}, {str(PROGRAM)!r}, "{{port}}")

def get(app, path):
    with urllib.request.urlopen(app.url + path) as answer:
        return answer.read().decode()
"""


def run_pytest(folder: Path, code: str, told: int = subprocess.PIPE) -> subprocess.Popen[str]:
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (folder / "test_app.py").write_text(TESTS + code)
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:hypothesispytest",
        ],
        cwd=folder,
        env=environment({"LLMREPLAY_CA_DIR": str(folder / "ca")}),
        stdout=told,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_each_test_is_alone_with_its_application_or_shares_one(tmp_path: Path) -> None:
    for name in ("own", "shared", "shared_too", "shared_last"):
        write(tmp_path / "cassettes", f"test_app/test_{name}", hello=f"ahoy, {name}")
    code = """
@pytest.fixture
def app(llmreplay):
    return llmreplay.start(COMMAND, health="/healthz")

@pytest.fixture(scope="module")
def shared(llmreplay_run):
    with llmreplay_run.start(COMMAND, health="/healthz") as app:
        yield app

def test_own(app): assert get(app, "/say/hello") == "ahoy, own"
def test_shared(shared): assert get(shared, "/say/hello") == "ahoy, shared"
def test_own_miss(app): assert get(app, "/say/hello") == "sorry"
def test_shared_too(shared, llmreplay):
    assert get(shared, "/say/hello") == "ahoy, shared_too"
    assert llmreplay.last_request.source.endswith("test_shared_too#1")
def test_shared_miss(shared): assert get(shared, "/say/goodbye") == "sorry"
def test_shared_last(shared):
    assert get(shared, "/say/hello") == "ahoy, shared_last"
    assert shared.output.count("listens on") == 1
"""
    told = run_pytest(tmp_path, code).communicate(timeout=60)[0]
    assert "2 failed, 4 passed" in told
    assert told.count("llmreplay: 1 request had no recording") == 2
    assert told.count("app_under_test.py") == 2  # above what each of them printed
    assert told.count("swallowed HTTPError") == 2
    assert told.count("listens on") == 1
    assert "6 requests in 6 tests: 4 replayed, 2 without a recording" in told


@pytest.mark.parametrize("end", ["SIGKILL", "SIGINT"])
def test_nothing_is_left_when_pytest_is_killed(tmp_path: Path, end: str) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    code = f"""
@pytest.fixture(scope="session")
def app(llmreplay_run):
    return llmreplay_run.start([*COMMAND, {str(folder)!r}], grace_seconds=0.5)

def test_that_never_ends(app):
    if os.fork() == 0:  # holds whatever a child inherits
        time.sleep(4)
        os._exit(0)
    time.sleep(60)
"""
    with run_pytest(tmp_path, code, subprocess.DEVNULL) as process:
        running = pids(folder)
        process.send_signal(getattr(signal, end))
        deadline = time.monotonic() + DEADLINE_S
        while alive(running) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert alive(running) == []
        process.wait(DEADLINE_S)
