"""What people do with the `anthropic` package, sync and async."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from anthropic import beta_tool
from pydantic import BaseModel

from tests.sdks.scene import Scene, async_scenario, scenario

if TYPE_CHECKING:
    from anthropic.types import (
        Base64ImageSourceParam,
        Message,
        MessageParam,
        ToolParam,
        ToolResultBlockParam,
    )

MODEL = "claude-sonnet-5"
MAX_TOKENS = 2048
PIXEL: Base64ImageSourceParam = {
    "type": "base64",
    "media_type": "image/png",
    "data": "iVBORw0KGgo=",
}

TOOLS: list[ToolParam] = [
    {
        "name": "weather",
        "description": "The weather in a city.",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
    {
        "name": "clock",
        "description": "The time in a zone.",
        "input_schema": {
            "type": "object",
            "properties": {"zone": {"type": "string"}, "exact": {"type": "boolean"}},
            "required": ["zone"],
        },
    },
]


class Ship(BaseModel):
    """What is asked for by schema."""

    name: str
    masts: int
    ports: list[str]


def user(text: str) -> list[MessageParam]:
    return [{"role": "user", "content": text}]


def tool_results(message: Message) -> list[ToolResultBlockParam]:
    """What our tools answer: always the same for the same call."""
    return [
        {
            "type": "tool_result",
            "tool_use_id": block.id,
            "content": f"{block.name} was asked for {sorted(block.input)}",
        }
        for block in message.content
        if block.type == "tool_use"
    ]


@scenario()
def anthropic_answer(scene: Scene) -> None:
    made = scene.anthropic.messages.create(
        model=MODEL,
        max_tokens=MAX_TOKENS,
        system="Be terse.",
        messages=user(scene.ask()),
        metadata={"user_id": "somebody"},
    )
    scene.show("answer", made)


@scenario()
def anthropic_same_question_twice(scene: Scene) -> None:
    for number in range(2):
        made = scene.anthropic.messages.create(
            model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask())
        )
        scene.show(f"answer {number}", made)


@scenario()
def anthropic_blocks_and_images(scene: Scene) -> None:
    made = scene.anthropic.messages.create(
        model=MODEL,
        max_tokens=MAX_TOKENS,
        system=[{"type": "text", "text": "Terse.", "cache_control": {"type": "ephemeral"}}],
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": PIXEL},
                    {"type": "text", "text": scene.ask()},
                ],
            },
            {"role": "assistant", "content": "On the river floats"},
        ],
    )
    scene.show("answer", made)


@scenario()
def anthropic_parsed_by_schema(scene: Scene) -> None:
    made = scene.anthropic.messages.parse(
        model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask()), output_format=Ship
    )
    scene.show("answer", made)
    scene.show("parsed", made.parsed_output)


@scenario()
def anthropic_stream(scene: Scene) -> None:
    stream = scene.anthropic.messages.create(
        model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask()), stream=True
    )
    scene.show("events", list(stream))


@scenario()
def anthropic_stream_helper(scene: Scene) -> None:
    with scene.anthropic.messages.stream(
        model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask("text"))
    ) as stream:
        scene.show("texts", list(stream.text_stream))
        scene.show("final", stream.get_final_message())
        scene.show("request id", stream.request_id)
    with scene.anthropic.messages.stream(
        model=MODEL,
        max_tokens=MAX_TOKENS,
        messages=user(scene.ask("events")),
        output_format=Ship,
    ) as parsed:
        scene.show("events", list(parsed))
        scene.show("parsed", parsed.get_final_message())


@scenario()
def anthropic_stream_in_gzip(scene: Scene) -> None:
    stream = scene.anthropic.messages.create(
        model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask("[gzip]")), stream=True
    )
    scene.show("events", list(stream))


@scenario()
def anthropic_stream_left_early(scene: Scene) -> None:
    with scene.anthropic.messages.stream(
        model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask())
    ) as stream:
        scene.show("first", next(stream))


@scenario("replay only")
def anthropic_stream_left_early_read_to_its_end(scene: Scene) -> None:
    scene.name = "anthropic_stream_left_early"
    with scene.anthropic.messages.stream(
        model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask())
    ) as stream:
        scene.show("final", stream.get_final_message())


@scenario()
def anthropic_thinking_and_tools_over_turns(scene: Scene) -> None:
    messages = user(scene.ask("[rounds 3]"))
    for turn in range(4):
        made = scene.anthropic.messages.create(
            model=MODEL,
            max_tokens=MAX_TOKENS,
            thinking={"type": "enabled", "budget_tokens": 1024},
            messages=messages,
            tools=TOOLS,
        )
        scene.show(f"turn {turn}", made)
        messages.append(made.to_param())
        if results := tool_results(made):
            messages.append({"role": "user", "content": results})


@scenario()
def anthropic_thinking_and_tools_streamed_over_turns(scene: Scene) -> None:
    messages = user(scene.ask("[rounds 2]"))
    for turn in range(3):
        with scene.anthropic.messages.stream(
            model=MODEL,
            max_tokens=MAX_TOKENS,
            thinking={"type": "adaptive"},
            messages=messages,
            tools=TOOLS,
        ) as stream:
            scene.show(f"events {turn}", list(stream))
            made = stream.get_final_message()
        messages.append(made.to_param())
        if results := tool_results(made):
            messages.append({"role": "user", "content": results})


@scenario()
def anthropic_tool_runner(scene: Scene) -> None:
    @beta_tool
    def weather(city: str, days: int) -> str:
        """The weather in a city.

        Args:
            city: Where.
            days: How many days ahead.
        """
        return f"{len(city)} letters, {days} days: rain"

    runner = scene.anthropic.beta.messages.tool_runner(
        model=MODEL,
        max_tokens=MAX_TOKENS,
        messages=[{"role": "user", "content": scene.ask("[rounds 2]")}],
        tools=[weather],
    )
    scene.show("messages", list(runner))


@scenario()
def anthropic_count_tokens_and_models(scene: Scene) -> None:
    counted = scene.anthropic.messages.count_tokens(
        model=MODEL, messages=user(scene.ask()), tools=TOOLS
    )
    scene.show("tokens", counted)
    scene.show("models", list(scene.anthropic.models.list()))
    scene.show("model", scene.anthropic.models.retrieve(MODEL))
    scene.show_failure("no model", lambda: scene.anthropic.models.retrieve("claude-none"))


@scenario()
def anthropic_files(scene: Scene) -> None:
    files = scene.anthropic.files
    content = b"%PDF-1.7\n\x00\xfe\r\n" + scene.name.encode() * 9
    kept = files.upload(file=("ship “a”.pdf", content, "application/pdf"))
    scene.show("uploaded", kept)
    scene.show("metadata", files.retrieve_metadata(kept.id))
    scene.show("content", files.download(kept.id).read())
    scene.show("deleted", files.delete(kept.id))
    scene.show_failure("gone", lambda: files.retrieve_metadata(kept.id))


@scenario()
def anthropic_raw_and_streaming_responses(scene: Scene) -> None:
    raw = scene.anthropic.messages.with_raw_response.create(
        model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask("raw"))
    )
    scene.show("parsed", raw.parse())
    scene.show("request id and retries", [raw.headers["request-id"], raw.retries_taken])
    with scene.anthropic.messages.with_streaming_response.create(
        model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask("lines")), stream=True
    ) as response:
        scene.show("lines", list(response.iter_lines()))


@scenario()
def anthropic_errors(scene: Scene) -> None:
    client = scene.anthropic.with_options(max_retries=0)
    kinds = ("bad_request", "context_length", "auth", "billing", "forbidden", "not_found")
    for kind in (*kinds, "conflict", "too_large", "rate_limit", "server_error", "overloaded"):
        messages = user(scene.ask(f"[fail {kind}]"))

        def call(messages: list[MessageParam] = messages) -> object:
            return client.messages.create(model=MODEL, max_tokens=MAX_TOKENS, messages=messages)

        scene.show_failure(kind, call)


@scenario()
def anthropic_wrong_key(scene: Scene) -> None:
    wrong = scene.anthropic.with_options(api_key="not-a-key-wrong-abcd")
    messages = user(scene.ask())
    scene.show_failure(
        "refused",
        lambda: wrong.messages.create(model=MODEL, max_tokens=MAX_TOKENS, messages=messages),
    )


@scenario()
def anthropic_streams_that_break(scene: Scene) -> None:
    for how in ("cut", "reset", "error"):
        stream = scene.anthropic.messages.create(
            model=MODEL,
            max_tokens=MAX_TOKENS,
            messages=user(scene.ask(f"[{how} after 5]")),
            stream=True,
        )

        def read(stream: Any = stream) -> None:  # noqa: ANN401  # a stream of any event
            for number, event in enumerate(stream):
                scene.show(f"event {number}", event)

        scene.show_failure(how, read)


@scenario("retry")
def anthropic_retry_after_429_and_529(scene: Scene) -> None:
    for directions in ("[fail rate_limit x2]", "[fail overloaded x1]"):
        made = scene.anthropic.messages.create(
            model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask(directions))
        )
        scene.show(directions, made)


@async_scenario()
async def anthropic_async_parallel_answers(scene: Scene) -> None:
    async def one(number: int) -> object:
        return await scene.async_anthropic.messages.create(
            model=MODEL, max_tokens=MAX_TOKENS, messages=user(f"{scene.ask()} number {number}")
        )

    scene.show("answers", await asyncio.gather(*map(one, range(20))))


@async_scenario()
async def anthropic_async_parallel_streams(scene: Scene) -> None:
    async def one(number: int) -> object:
        async with scene.async_anthropic.messages.stream(
            model=MODEL, max_tokens=MAX_TOKENS, messages=user(f"{scene.ask()} number {number}")
        ) as stream:
            return [event async for event in stream]

    scene.show("streams", await asyncio.gather(*map(one, range(10))))


@async_scenario()
async def anthropic_async_tools_streamed_over_turns(scene: Scene) -> None:
    messages = user(scene.ask("[rounds 2]"))
    for turn in range(3):
        async with scene.async_anthropic.messages.stream(
            model=MODEL, max_tokens=MAX_TOKENS, messages=messages, tools=TOOLS
        ) as stream:
            scene.show(f"events {turn}", [event async for event in stream])
            made = await stream.get_final_message()
        messages.append(made.to_param())
        if results := tool_results(made):
            messages.append({"role": "user", "content": results})


@async_scenario()
async def anthropic_async_files_and_errors(scene: Scene) -> None:
    client = scene.async_anthropic.with_options(max_retries=0)
    kept = await client.files.upload(file=("notes.txt", "Grüße".encode(), "text/plain"))
    scene.show("uploaded", kept)
    scene.show("content", await (await client.files.download(kept.id)).read())
    for kind in ("rate_limit", "overloaded", "bad_request"):
        call = client.messages.create(
            model=MODEL, max_tokens=MAX_TOKENS, messages=user(scene.ask(f"[fail {kind}]"))
        )
        await scene.show_failure_async(kind, call)
