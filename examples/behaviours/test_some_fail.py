"""Some requests fail, and others do not."""

from pathlib import Path

import openai
import pytest
from assistant import MODEL, said

from llmreplay import Replay
from llmreplay.replay import Session

pytestmark = pytest.mark.llmreplay("hello")

CASSETTES = Path(__file__).with_name("cassettes")


def outcomes(times: int, base_url: str | None = None) -> str:
    """The same question so often: a dot for each answer, an x for each failure."""
    client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
    told = ""
    for _ in range(times):
        try:
            client.chat.completions.create(model=MODEL, messages=said("Is anyone there?"))
        except openai.InternalServerError:
            told += "x"
        else:
            told += "."
    return told


@pytest.mark.llmreplay(fault="unavailable", when={"after": 3})
def test_fail_after_n_successes() -> None:
    assert outcomes(6) == "...xxx"


@pytest.mark.llmreplay(fault="server_error", when={"chance": 0.3}, seed=7)
def test_error_rate(llmreplay: Session) -> None:
    first = outcomes(40)
    assert 4 <= first.count("x") <= 20
    llmreplay.reset()
    assert outcomes(40) == first  # chance is no dice


def test_error_rate_is_the_same_in_every_run() -> None:
    """It follows from seed, rule, session and request: here all of them have fixed names."""
    rule = {"name": "three in ten", "when": {"chance": 0.3}, "fault": "server_error"}
    with (
        Replay(CASSETTES) as replay,
        replay.session("rate", cassettes=["hello"], rules=[rule], seed=7) as session,
    ):
        assert outcomes(20, session.base_url("openai")) == "......xx.xxxxx.x...."
