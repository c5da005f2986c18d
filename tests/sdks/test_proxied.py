"""Programs that know nothing of llmreplay get equal results from a recording and its replay.

Each runs twice, under `record -- PROGRAM` and under `serve -- PROGRAM`, with nothing else set;
the tests look at what came out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sdks.comparison import first_difference
from tests.sdks.once import once
from tests.sdks.proxied.journey import HERE, Ended, Journey, travel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# The first test of a journey waits for both of its runs.
pytestmark = pytest.mark.timeout(300)

# `make sdks` sets it, and CI runs that: what cannot run there is a failure.
MUST_RUN = "SDKS_MUST_RUN" in os.environ

LITELLM = Path(__file__).parents[2] / ".venv-litellm" / "bin" / "python"
PYTHON_SDKS = ("openai", "anthropic", "google.genai", "boto3", "mistralai", "cohere", "groq")


BY_PROXY, BY_BASE_URL = "through the proxy", "by base URL"


class Way(Enum):
    """How a client's requests come to llmreplay: while recording, and while replaying."""

    PROXY = (BY_PROXY, BY_PROXY)
    BASE_URL = (BY_BASE_URL, BY_BASE_URL)
    # What is signed for the real host must be sent to it, until nobody checks the signature.
    PROXY_THEN_BASE_URL = (BY_PROXY, BY_BASE_URL)


@dataclass(frozen=True, slots=True)
class Program:
    """A program in one language. `lacks` says what is missing to run it, or nothing.

    Without those that are `optional` the suite is whole.
    """

    command: Callable[[Path], Sequence[str]]
    lacks: Callable[[], str]
    clients: Mapping[str, Way]
    optional: bool = False


def python(interpreter: Path | str, *modules: str) -> Callable[[Path], Sequence[str]]:
    return lambda _: [str(interpreter), "-m", "tests.sdks.proxied.program", *modules]


def javascript(*runtime: str) -> Callable[[Path], Sequence[str]]:
    return lambda _: [*runtime, str(HERE / "client.mjs")]


def script(interpreter: str, file: str) -> Callable[[Path], Sequence[str]]:
    return lambda _: [interpreter, str(HERE / file)]


def go(folder: Path) -> Sequence[str]:
    # Built beforehand: its compiler is not what is to be recorded.
    built = folder / "client"
    line = ["go", "build", "-o", str(built), str(HERE / "client.go")]
    subprocess.run(line, check=True, timeout=120)  # noqa: S603  # our own program
    return [str(built)]


def lacks_python() -> str:
    missing = [name for name in PYTHON_SDKS if not _is_installed(name)]
    return f"not installed: {', '.join(missing)}; `make sdks` installs them" if missing else ""


def _is_installed(module: str) -> bool:
    package, _, _ = module.partition(".")
    return find_spec(package) is not None and find_spec(module) is not None


def lacks_litellm() -> str:
    return "" if LITELLM.exists() else "no .venv-litellm; `make litellm` makes it"


def lacks_npm(runtime: str) -> Callable[[], str]:
    """For the npm SDKs in a runtime."""

    def lacks() -> str:
        if not (HERE.parent / "node_modules" / "openai").is_dir():
            return "the npm SDKs are not installed; `make sdks` installs them"
        return lacks_command(runtime)()

    return lacks


def lacks_php() -> str:
    line = ("php", "-r", "exit(function_exists('curl_init') ? 0 : 1);")
    if shutil.which("php") and subprocess.run(line, check=False).returncode == 0:  # noqa: S603  # our own line
        return ""
    return "php is not installed, or without curl"


def lacks_command(name: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(name) else f"{name} is not installed"


def ways(way: Way, *names: str) -> dict[str, Way]:
    return dict.fromkeys(names, way)


def both_ways(*names: str, way: Way = Way.BASE_URL) -> dict[str, Way]:
    """Clients that are run as they are, and once more with the real address in their code."""
    return ways(way, *names) | ways(Way.PROXY, *(f"{name}, address in the code" for name in names))


def and_async(*names: str) -> list[str]:
    return [f"{name}{how}" for name in names for how in ("", ", async")]


NPM_CLIENTS = both_ways("npm openai", "npm anthropic") | ways(Way.PROXY, "fetch")

PROGRAMS = {
    "python": Program(
        python(
            sys.executable,
            *("openai_clients", "anthropic_clients", "gemini_clients", "bedrock_clients"),
            *("chat_clients", "http_clients"),
        ),
        lacks_python,
        both_ways(*and_async("openai", "anthropic", "google-genai"), "cohere", "groq")
        | both_ways("boto3", way=Way.PROXY_THEN_BASE_URL)
        | ways(Way.BASE_URL, "cohere, async", "groq, async")
        | ways(Way.PROXY, *and_async("mistralai", "httpx"), "requests", "aiohttp", "urllib"),
    ),
    "litellm": Program(
        python(LITELLM, "litellm_clients"),
        lacks_litellm,
        ways(Way.BASE_URL, *and_async("litellm to OpenAI", "litellm to Anthropic"))
        | ways(Way.PROXY, *and_async("litellm to Gemini", "litellm to Bedrock"))
        | ways(Way.PROXY, *and_async("litellm to Mistral", "litellm to Groq")),
        optional=True,
    ),
    "node": Program(javascript("node"), lacks_npm("node"), NPM_CLIENTS),
    "bun": Program(javascript("bun", "run"), lacks_npm("bun"), NPM_CLIENTS, optional=True),
    "deno": Program(
        # It would ask whether there is a newer one.
        javascript("env", "DENO_NO_UPDATE_CHECK=1", "deno", "run", "--allow-all"),
        lacks_npm("deno"),
        NPM_CLIENTS,
        optional=True,
    ),
    "go": Program(go, lacks_command("go"), ways(Way.PROXY, "go net/http"), optional=True),
    "java": Program(
        script("java", "Client.java"),
        lacks_command("java"),
        ways(Way.PROXY, "java.net.http"),
        optional=True,
    ),
    "ruby": Program(
        script("ruby", "client.rb"),
        lacks_command("ruby"),
        ways(Way.PROXY, "ruby net/http"),
        optional=True,
    ),
    "php": Program(
        script("php", "client.php"), lacks_php, ways(Way.PROXY, "php curl"), optional=True
    ),
    "curl": Program(script("sh", "curl.sh"), lacks_command("curl"), ways(Way.PROXY, "curl")),
}


@pytest.fixture(scope="module", params=PROGRAMS)
def name(request: pytest.FixtureRequest) -> str:
    program = PROGRAMS[request.param]
    reason = program.lacks()
    if reason and MUST_RUN and not program.optional:
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture(scope="module")
def journey(name: str, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    program = PROGRAMS[name]
    return once(
        f"proxied-{name}",
        tmp_path_factory,
        lambda folder: travel(program.command(folder), folder),
    )


def test_both_runs_end_well(journey: Journey) -> None:
    for ended in (journey.recorded, journey.replayed):
        assert (ended.status, "Traceback" in ended.errors) == (0, False), ended.errors


def test_every_client_comes_to_its_end(name: str, journey: Journey) -> None:
    for ended in (journey.recorded, journey.replayed):
        crashes = {client: shown[-1] for client, shown in ended.shown.items() if crashed(shown)}
        assert crashes == {}
        assert set(ended.shown) == set(PROGRAMS[name].clients)


def crashed(shown: list[tuple[str, object]]) -> bool:
    return any(label == "crashed" for label, _ in shown)


def test_every_client_is_given_an_answer_a_stream_and_an_error(journey: Journey) -> None:
    for client, shown in journey.recorded.shown.items():
        given = dict(shown)
        assert {"answer", "stream", "error"} <= set(given), client
        assert len(given["stream"]) > 1, client


def test_every_client_is_given_equal_results(
    journey: Journey, record_property: Callable[[str, object], None]
) -> None:
    recorded, replayed = journey.recorded.shown, journey.replayed.shown
    different = {
        client: text
        for client, shown in recorded.items()
        if (text := first_difference(shown, replayed.get(client)))
    }
    record_property("counted", f"{len(recorded) - len(different)} of {len(recorded)} clients equal")
    assert different == {}


def test_each_request_is_recorded_and_replayed_once(journey: Journey) -> None:
    recorded, replayed = journey.recorded.requests, journey.replayed.requests
    assert {line["outcome"] for line in recorded} == {"recorded"}
    assert {line["outcome"] for line in replayed} == {"hit"}
    assert len(recorded) == len(replayed) == len(list(came(journey.recorded)))


def test_each_client_comes_the_way_that_is_meant_for_it(name: str, journey: Journey) -> None:
    meant = PROGRAMS[name].clients
    for number, ended in enumerate((journey.recorded, journey.replayed)):
        found: dict[str, set[str]] = {}
        for client, way in came(ended):
            found.setdefault(client, set()).add(way)
        assert found == {client: {way.value[number]} for client, way in meant.items()}


def came(ended: Ended) -> Iterator[tuple[str, str]]:
    """Each request: whose it was, and which way it came.

    Clients run one after another, and each asks once for what it shows. In the log, a base URL's
    paths begin with the name of the upstream; what comes through the proxy has the real ones.
    """
    asking = (client for client, shown in ended.shown.items() for _ in shown)
    for client, line in zip(asking, ended.requests, strict=True):
        by_base_url = line["target"].startswith(f"/{line['upstream']}/")
        yield client, BY_BASE_URL if by_base_url else BY_PROXY


def test_no_credential_is_in_the_cassette_or_the_log(journey: Journey) -> None:
    written = journey.cassettes + journey.recorded.errors + journey.replayed.errors
    assert "sk-proj-" not in written
    assert "AKIA" not in written
