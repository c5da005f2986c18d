from __future__ import annotations

from dataclasses import dataclass

import orjson
import pytest

from llmreplay.core.canonical import PRESETS, MatchSettings, canonical
from llmreplay.core.exchange import Request
from tests.fakes.dialects import SILENT

OLD_CLAUDE_CODE = """You are Claude Code.
<env>
Working directory: {directory}
Is directory a git repo: Yes
Platform: {platform}
OS Version: {version}
Today's date: {date}
</env>
gitStatus: This is the git status at the start of the conversation.
Current branch: {branch}

Status:
M {branch}.py

Recent commits:
0123abc {branch}

Be brief."""

NEW_CLAUDE_CODE = """# Environment
 - Primary working directory: {directory}
   - Additional working directories: {directory}/more
 - Is a git repository: true
 - Platform: {platform}
 - Shell: {branch}
 - OS Version: {version}
You have a memory at `{directory}/.claude/projects/{branch}/memory/`. Use it.
# currentDate
Today's date is {date}.
Be brief."""

CODEX = """<environment_context>
  <cwd>{directory}</cwd>
  <current_date>{date}</current_date>
</environment_context>"""

OPENCODE = """You are opencode.
<env>
  Working directory: {directory}
  Platform: {platform}
  Today's date: {date}
</env>
<directories>
  {branch}/
</directories>"""

HERE = {
    "directory": "/home/one/work",
    "platform": "linux",
    "version": "Linux 6.1",
    "date": "2026-01-02",
    "branch": "main",
}
THERE = {
    "directory": "/Users/two/else/where",
    "platform": "darwin",
    "version": "Darwin 25.0.0",
    "date": "Fri Feb 13 2026",
    "branch": "feature/x",
}


@dataclass(frozen=True)
class Run:
    """What an agent sends in one run: a template filled in, and its other volatile fields."""

    preset: str
    template: str
    fields: dict[str, object]

    def request(self, place: dict[str, str], question: str) -> Request:
        body = {
            "system": self.template.format(**place),
            "messages": [{"role": "user", "content": question}],
            **self.fields,
        }
        return Request("POST", "https://api.example.com/v1/chat", body=orjson.dumps(body))


def billing(version: str, mark: str) -> dict[str, object]:
    line = f"x-anthropic-billing-header: cc_version={version}; cc_entrypoint=cli; cch={mark};"
    return {"billing": line, "metadata": {"user_id": f"user_{mark}_session_{version}"}}


@pytest.mark.parametrize(
    ("preset", "template", "here", "there"),
    [
        ("claude-code", OLD_CLAUDE_CODE, billing("2.0.1", "a1b2c"), billing("2.1.7.4f", "71fea")),
        ("claude-code", NEW_CLAUDE_CODE, billing("2.1.1", "0"), billing("2.1.117.48f", "71fea")),
        ("codex", CODEX, {"prompt_cache_key": "1"}, {"prompt_cache_key": "2"}),
        ("opencode", OPENCODE, {"prompt_cache_key": "1"}, {"promptCacheKey": "2"}),
    ],
)
def test_two_runs_of_an_agent_are_the_same_request(
    preset: str, template: str, here: dict[str, object], there: dict[str, object]
) -> None:
    settings = MatchSettings(presets=(preset,))
    one = Run(preset, template, here).request(HERE, "hello")
    two = Run(preset, template, there).request(THERE, "hello")
    other = Run(preset, template, there).request(THERE, "goodbye")
    assert canonical(one, SILENT, settings) == canonical(two, SILENT, settings)
    assert canonical(one, SILENT, settings) != canonical(other, SILENT, settings)
    assert canonical(one, SILENT, MatchSettings()) != canonical(two, SILENT, MatchSettings())


def test_what_an_agent_says_besides_is_kept() -> None:
    settings = MatchSettings(presets=("claude-code",))
    text = NEW_CLAUDE_CODE.format(**HERE)
    request = Request("POST", "https://h/", body=orjson.dumps({"text": text}))
    kept = canonical(request, SILENT, settings).body["text"].splitlines()
    assert kept[0] == "# Environment"
    assert kept[-1] == "Be brief."


def test_every_preset_compiles() -> None:
    request = Request("POST", "https://h/", body=b'{"a": "b"}')
    assert canonical(request, SILENT, MatchSettings(presets=tuple(PRESETS))).body == {"a": "b"}
