"""The `google-genai` package: Gemini's answers and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google import genai
from google.genai.types import (
    FunctionDeclaration,
    GenerateContentConfig,
    HttpOptions,
    HttpRetryOptions,
    Tool,
)

from tests.sdks.faults.asking import PROMPT, TOOL, Job, Part, client

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODEL = "gemini-2.5-flash"


@client("google-genai")
def generate(job: Job) -> Iterator[Part]:
    """As it comes: it never tries again."""
    return _ask(job, None)


@client("google-genai, 3 attempts")
def generate_patiently(job: Job) -> Iterator[Part]:
    """As it can be told to."""
    return _ask(job, HttpRetryOptions(attempts=3))


def _ask(job: Job, retries: HttpRetryOptions | None) -> Iterator[Part]:
    timeout_ms = int(job.timeout_s * 1000)
    url = f"{job.url}/gemini"
    options = HttpOptions(base_url=url, timeout=timeout_ms, retry_options=retries)
    # Kept in a name: its connections go with it.
    made = genai.Client(api_key="none", http_options=options)
    if not job.streams:
        yield from _parts(made.models.generate_content(model=_MODEL, contents=PROMPT))
        return
    config = None
    if job.calls:
        function = FunctionDeclaration(name=TOOL["name"], parameters_json_schema=TOOL["schema"])
        config = GenerateContentConfig(tools=[Tool(function_declarations=[function])])
    stream = made.models.generate_content_stream(model=_MODEL, contents=PROMPT, config=config)
    for chunk in stream:
        yield from _parts(chunk)


def _parts(answer: Any) -> Iterator[Part]:  # noqa: ANN401  # whichever class it is
    for candidate in answer.candidates or []:
        for part in candidate.content.parts if candidate.content else []:
            yield "text", part.text or ""
            if part.function_call:
                yield "arguments", str(part.function_call.args)
    if answer.usage_metadata and answer.usage_metadata.candidates_token_count:
        yield "usage", ""
