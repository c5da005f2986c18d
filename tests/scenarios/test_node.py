"""Node programs, each with its provider traffic through the proxy, unchanged.

How much of that Node does by itself differs by version; `environment/proxy.cjs` does the rest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from llmreplay.certificates import Authority
from llmreplay.environment import Served, variables
from llmreplay.environment.composing import PRELOAD
from tests.fakes.intercepting import Intercepting, intercepting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")

HOST = "api.openai.com"
FETCH = f"console.log(await (await fetch('https://{HOST}/v1/models')).text())"
HTTPS = f"""
import https from 'https'
https.get('https://{HOST}/v1/models', {{ agent: AGENT }}, (response) => {{
  response.on('data', (data) => console.log(String(data)))
}}).on('error', (error) => console.log(error.message))
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), [HOST])


@pytest.fixture
def proxy(authority: Authority) -> Iterator[Intercepting]:
    with intercepting(authority.context) as server:
        yield server


class Node:
    """Runs programs with everything set that a client needs."""

    def __init__(self, folder: Path, proxy: Intercepting, authority: Authority) -> None:
        self._folder = folder
        self._proxy = proxy
        self._files = authority.files()

    def environ(self, given: Mapping[str, str], session: str | None = None) -> dict[str, str]:
        files = self._files
        served = Served(
            f"http://{self._proxy.address}",
            session,
            replaying=True,
            trust=files,
        )
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**own, **given, **variables(served, given)}

    def run(self, *line: str, environ: Mapping[str, str]) -> tuple[int, str, str]:
        done = subprocess.run(  # noqa: S603  # programs of this file's own
            line, env=environ, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout.strip(), done.stderr

    def prints(self, program: str, session: str | None = None, **given: str) -> str:
        path = self._folder / "program.mjs"
        path.write_text(program)
        status, output, errors = self.run("node", str(path), environ=self.environ(given, session))
        assert (status, errors) == (0, "")
        return output


@pytest.fixture
def node(tmp_path: Path, proxy: Intercepting, authority: Authority) -> Node:
    return Node(tmp_path, proxy, authority)


def test_fetch_goes_through_the_proxy(node: Node, proxy: Intercepting) -> None:
    assert node.prints(FETCH) == f"https://{HOST}/v1/models"
    assert proxy.asked_for == [f"{HOST}:443"]


def test_so_does_a_fetch_without_tls(node: Node, proxy: Intercepting) -> None:
    program = "console.log(await (await fetch('http://plain.test:81/x')).text())"
    assert node.prints(program) == "http://plain.test/x"
    assert proxy.asked_for == ["plain.test:81"]


@pytest.mark.parametrize("agent", ["undefined", "false", "new https.Agent({ keepAlive: true })"])
def test_https_goes_through_the_proxy(agent: str, node: Node, proxy: Intercepting) -> None:
    assert node.prints(HTTPS.replace("AGENT", agent)) == f"https://{HOST}/v1/models"
    assert proxy.asked_for == [f"{HOST}:443"]


def test_http_goes_through_the_proxy(node: Node, proxy: Intercepting) -> None:
    program = """
    import http from 'http'
    http.get('http://plain.test/x', (response) => response.pipe(process.stdout))
    """
    assert node.prints(program) == "http://plain.test/x"
    assert len(proxy.heads) == 1


def test_a_worker_does_as_its_program(node: Node, proxy: Intercepting) -> None:
    fetching = f"fetch('https://{HOST}/w').then((r) => r.text()).then(console.log)"
    program = f"""
    import {{ Worker }} from 'worker_threads'
    // What Node 22 says about experiments, it says again in each worker.
    new Worker({fetching!r}, {{ eval: true, stderr: true }})
    """
    assert node.prints(program) == f"https://{HOST}/w"
    assert proxy.asked_for == [f"{HOST}:443"]


def test_connections_are_kept_and_do_not_keep_the_program(node: Node, proxy: Intercepting) -> None:
    again = f"""
    for (const path of 'abcdefgh') await (await fetch('https://{HOST}/' + path)).text()
    const begin = performance.now()
    process.on('exit', () => console.log(performance.now() - begin < 2000))
    """
    assert node.prints(again) == "true"
    assert len(proxy.heads) < 4


def test_a_kept_https_connection_does_not_keep_the_program(node: Node) -> None:
    program = f"""
    import https from 'https'
    const agent = new https.Agent({{ keepAlive: true }})
    https.get('https://{HOST}/', {{ agent }}, (response) => {{
      response.resume().on('end', () => {{
        const begin = performance.now()
        process.on('exit', () => console.log(performance.now() - begin < 2000))
      }})
    }})
    """
    assert node.prints(program) == "true"


def test_the_session_is_the_users_name(node: Node, proxy: Intercepting) -> None:
    node.prints(FETCH, session="checkout")
    word = b64encode(b"checkout:none").decode()
    name, _, value = next(
        line for line in proxy.heads[0].splitlines() if line.lower().startswith("proxy-auth")
    ).partition(": ")
    assert (name.lower(), value) == ("proxy-authorization", f"Basic {word}")


def test_what_needs_no_proxy_goes_past_it(node: Node, proxy: Intercepting) -> None:
    port = proxy.server_address[1]
    program = f"""
    const failed = async (url) => (await fetch(url).catch((error) => error)).cause?.code ?? 'came'
    console.log(await failed('http://127.0.0.1:2/'), await failed('http://10.1.2.3:{port}/x'))
    """
    given = {"NO_PROXY": "internal.test, 127.0.0.0/8"}
    assert node.prints(program, **given) == "ECONNREFUSED came"
    (asked,) = proxy.asked_for
    assert f"10.1.2.3:{port}" in asked


def test_a_refusal_is_told(node: Node) -> None:
    program = HTTPS.replace(HOST, "refused.test").replace("AGENT", "false")
    refused = "proxy refused refused.test:443: 470 No Recording: never recorded"
    assert node.prints(program) == refused


def test_a_proxy_that_is_gone_is_told(node: Node) -> None:
    gone = node.environ({}) | {"https_proxy": "http://127.0.0.1:9"}
    program = f"fetch('https://{HOST}/').catch((e) => console.log(e.cause.code))"
    assert node.run("node", "-e", program, environ=gone)[:2] == (0, "ECONNREFUSED")


def test_a_dispatcher_of_the_programs_own_stays(node: Node, proxy: Intercepting) -> None:
    program = f"""
    class Own {{ dispatch() {{ throw new Error('mine') }} }}
    globalThis[Symbol.for('undici.globalDispatcher.1')] = new Own()
    await fetch('https://{HOST}/').catch((error) => console.log(error.cause.message))
    """
    assert node.prints(program) == "mine"
    assert proxy.heads == []


def test_the_users_own_options_stay_and_a_path_may_have_spaces(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / 'a "quoted" \\ path' / "proxy.cjs"
    copy.parent.mkdir()
    shutil.copy(PRELOAD, copy)
    monkeypatch.setattr("llmreplay.environment.composing.PRELOAD", copy)
    program = f"{FETCH}\nconsole.log(process.title)"
    assert node.prints(program, NODE_OPTIONS="--title=mine") == f"https://{HOST}/v1/models\nmine"


@pytest.mark.parametrize("tool", ["node", "npm"])
def test_tools_run_as_ever(tool: str, node: Node, proxy: Intercepting) -> None:
    status, output, _ = node.run(tool, "--version", environ=node.environ({}))
    assert (status, proxy.heads) == (0, [])
    assert output
