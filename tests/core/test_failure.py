"""How providers fail: what is said where no dialect says it."""

from __future__ import annotations

import pytest

from llmreplay.core.failure import (
    Failure,
    Failures,
    Problem,
    StreamError,
    Trouble,
    gateway_page,
    seconds_shown,
)
from llmreplay.core.streams import Framing

NOBODY = Failures()


def test_in_nobodys_words() -> None:
    assert NOBODY.answer(Trouble(Problem.OVERLOADED)) == Failure(
        503,
        (("content-type", "application/json"),),
        b'{"error":{"code":"overloaded","message":"Service Unavailable"}}',
    )
    assert NOBODY.in_stream(Trouble(Problem.AUTH, message="No."), Framing.SSE, None) == (
        StreamError(b'{"error":{"code":"auth","message":"No."}}'),
    )
    assert NOBODY.wait(1500) == (("retry-after", "2"),)
    assert NOBODY.allowance((), 0.0) == ()


@pytest.mark.parametrize("problem", Problem)
def test_each_problem_has_a_status(problem: Problem) -> None:
    assert NOBODY.answer(Trouble(problem)).status >= 400


@pytest.mark.parametrize(
    ("wait_ms", "shown"), [(0, "0"), (1, "1"), (1000, "1"), (1001, "2"), (59_999.5, "60")]
)
def test_seconds_go_upwards(wait_ms: float, shown: str) -> None:
    assert seconds_shown(wait_ms) == shown


def test_a_page_of_a_gateway() -> None:
    page = gateway_page(502, "Bad Gateway", "nginx")
    assert page.startswith(b"<html>\r\n<head><title>502 Bad Gateway</title>")
    assert b"<center>nginx</center>" in page


def test_an_identity_as_uuid() -> None:
    trouble = Trouble(Problem.AUTH, identity="0123456789abcdef" * 2)
    assert trouble.uuid == "01234567-89ab-cdef-0123-456789abcdef"
