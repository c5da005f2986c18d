"""What people do with the `openai` package, sync and async."""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from tests.sdks.scene import Scene, async_scenario, scenario

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
    from openai.types.responses import FunctionToolParam, ResponseInputParam

MODEL = "gpt-4o-mini"
RATES = ("limit", "remaining", "reset")
WAV = b"RIFF\x24\x08\x00\x00WAVEfmt " + bytes(range(256)) * 8

WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "days", "unit"],
    "additionalProperties": False,
}
CLOCK: dict[str, Any] = {
    "type": "object",
    "properties": {"zone": {"type": "string"}},
    "required": ["zone"],
    "additionalProperties": False,
}
CHAT_TOOLS: list[ChatCompletionToolParam] = [
    {"type": "function", "function": {"name": "weather", "parameters": WEATHER, "strict": True}},
    {"type": "function", "function": {"name": "clock", "parameters": CLOCK, "strict": True}},
]
RESPONSE_TOOLS: list[FunctionToolParam] = [
    {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True},
    {"type": "function", "name": "clock", "parameters": CLOCK, "strict": True},
]


class Boat(BaseModel):
    """What is asked for by schema."""

    name: str
    length: float
    crew: list[str]
    afloat: bool


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [
        {"role": "system", "content": "You are terse. Answer in one line."},
        {"role": "user", "content": text},
    ]


def tool_output(name: str, arguments: str) -> str:
    """What our tools answer: always the same for the same call."""
    return f"{name} says: {len(arguments)} characters of {sorted(json.loads(arguments))}"


# Chat completions


@scenario()
def openai_chat_answer(scene: Scene) -> None:
    messages = user(scene.ask())
    scene.show("answer", scene.openai.chat.completions.create(model=MODEL, messages=messages))


@scenario()
def openai_chat_several_choices_with_logprobs(scene: Scene) -> None:
    messages = user(scene.ask())
    made = scene.openai.chat.completions.create(
        model=MODEL, messages=messages, n=3, logprobs=True, temperature=0.7, seed=11
    )
    scene.show("answer", made)


@scenario()
def openai_chat_parsed_by_schema(scene: Scene) -> None:
    messages = user(scene.ask())
    made = scene.openai.chat.completions.parse(model=MODEL, messages=messages, response_format=Boat)
    scene.show("answer", made)
    scene.show("parsed", made.choices[0].message.parsed)


@scenario()
def openai_chat_refusal(scene: Scene) -> None:
    messages = user(scene.ask("[refuse]"))
    scene.show("answer", scene.openai.chat.completions.create(model=MODEL, messages=messages))


@scenario()
def openai_chat_same_question_three_times(scene: Scene) -> None:
    messages = user(scene.ask())
    for number in range(3):
        made = scene.openai.chat.completions.create(model=MODEL, messages=messages)
        scene.show(f"answer {number}", made)


@scenario()
def openai_chat_stream(scene: Scene) -> None:
    stream = scene.openai.chat.completions.create(
        model=MODEL,
        messages=user(scene.ask()),
        stream=True,
        stream_options={"include_usage": True},
    )
    scene.show("chunks", list(stream))


@scenario()
def openai_chat_stream_of_two_choices_without_usage(scene: Scene) -> None:
    stream = scene.openai.chat.completions.create(
        model=MODEL, messages=user(scene.ask()), stream=True, n=2
    )
    scene.show("chunks", list(stream))


@scenario()
def openai_chat_stream_in_gzip(scene: Scene) -> None:
    stream = scene.openai.chat.completions.create(
        model=MODEL, messages=user(scene.ask("[gzip]")), stream=True
    )
    scene.show("chunks", list(stream))


@scenario()
def openai_chat_stream_helper(scene: Scene) -> None:
    with scene.openai.chat.completions.stream(
        model=MODEL, messages=user(scene.ask()), response_format=Boat
    ) as stream:
        scene.show("events", list(stream))
        scene.show("final", stream.get_final_completion())


@scenario()
def openai_chat_stream_left_early(scene: Scene) -> None:
    with scene.openai.chat.completions.create(
        model=MODEL, messages=user(scene.ask()), stream=True
    ) as stream:
        scene.show("first", next(stream))
        scene.show("second", next(stream))


@scenario("replay only")
def openai_chat_stream_left_early_read_to_its_end(scene: Scene) -> None:
    scene.name = "openai_chat_stream_left_early"
    stream = scene.openai.chat.completions.create(
        model=MODEL, messages=user(scene.ask()), stream=True
    )
    scene.show("chunks", list(stream))


@scenario()
def openai_chat_tools_over_turns(scene: Scene) -> None:
    messages = user(scene.ask("[rounds 3]"))
    for turn in range(4):
        made = scene.openai.chat.completions.create(
            model=MODEL, messages=messages, tools=CHAT_TOOLS
        )
        scene.show(f"turn {turn}", made)
        message = made.choices[0].message
        messages.append(message.to_dict())  # type: ignore[arg-type]  # what the docs do
        for call in message.tool_calls or []:
            assert call.type == "function"
            output = tool_output(call.function.name, call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})


@scenario()
def openai_chat_tools_streamed_over_turns(scene: Scene) -> None:
    messages = user(scene.ask("[rounds 2]"))
    for turn in range(3):
        with scene.openai.chat.completions.stream(
            model=MODEL, messages=messages, tools=CHAT_TOOLS
        ) as stream:
            scene.show(f"events {turn}", list(stream))
            message = stream.get_final_completion().choices[0].message
        messages.append(message.to_dict())  # type: ignore[arg-type]  # what the docs do
        for call in message.tool_calls or []:
            output = tool_output(call.function.name, call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})


@scenario()
def openai_chat_raw_and_streaming_responses(scene: Scene) -> None:
    raw = scene.openai.chat.completions.with_raw_response.create(
        model=MODEL, messages=user(scene.ask("raw"))
    )
    scene.show("status", raw.http_response.status_code)
    scene.show("text", raw.text)
    scene.show("parsed", raw.parse())
    scene.show("request id and retries", [raw.request_id, raw.retries_taken])
    with scene.openai.chat.completions.with_streaming_response.create(
        model=MODEL, messages=user(scene.ask("streaming"))
    ) as response:
        scene.show("lines", list(response.iter_lines()))
    with scene.openai.chat.completions.with_streaming_response.create(
        model=MODEL, messages=user(scene.ask("streamed events")), stream=True
    ) as response:
        scene.show("bytes", b"".join(response.iter_bytes()))


# Responses


@scenario()
def openai_responses_answer_retrieve_delete(scene: Scene) -> None:
    responses = scene.openai.responses
    made = responses.create(
        model=MODEL, input=scene.ask(), instructions="Be terse.", metadata={"test": scene.name}
    )
    scene.show("answer", made)
    scene.show("text", made.output_text)
    scene.show("retrieved", responses.retrieve(made.id))
    scene.show("input items", list(responses.input_items.list(made.id)))
    scene.show("deleted", responses.delete(made.id))  # type: ignore[func-returns-value]
    scene.show_failure("gone", lambda: responses.retrieve(made.id))


@scenario()
def openai_responses_parsed_by_schema(scene: Scene) -> None:
    made = scene.openai.responses.parse(model=MODEL, input=scene.ask(), text_format=Boat)
    scene.show("answer", made)
    scene.show("parsed", made.output_parsed)


@scenario()
def openai_responses_refusal_and_reasoning(scene: Scene) -> None:
    made = scene.openai.responses.create(
        model="gpt-5.6",
        input=scene.ask("[refuse]"),
        reasoning={"effort": "low", "summary": "auto"},
        include=["reasoning.encrypted_content"],
    )
    scene.show("answer", made)


@scenario()
def openai_responses_stream(scene: Scene) -> None:
    stream = scene.openai.responses.create(
        model="gpt-5.6", input=scene.ask(), reasoning={"effort": "low"}, stream=True
    )
    scene.show("events", list(stream))


@scenario()
def openai_responses_stream_helper(scene: Scene) -> None:
    with scene.openai.responses.stream(model=MODEL, input=scene.ask(), text_format=Boat) as stream:
        scene.show("events", list(stream))
        scene.show("final", stream.get_final_response())


@scenario()
def openai_responses_tools_chained_by_id(scene: Scene) -> None:
    made = scene.openai.responses.create(
        model=MODEL, input=scene.ask("[rounds 2]"), tools=RESPONSE_TOOLS
    )
    scene.show("turn 0", made)
    for turn in range(1, 3):
        outputs: ResponseInputParam = [
            {
                "type": "function_call_output",
                "call_id": item.call_id,
                "output": f"{tool_output(item.name, item.arguments)} [rounds 2]",
            }
            for item in made.output
            if item.type == "function_call"
        ]
        made = scene.openai.responses.create(
            model=MODEL, input=outputs, previous_response_id=made.id, tools=RESPONSE_TOOLS
        )
        scene.show(f"turn {turn}", made)


@scenario()
def openai_responses_tools_streamed_with_whole_history(scene: Scene) -> None:
    history: ResponseInputParam = [{"role": "user", "content": scene.ask("[rounds 2]")}]
    for turn in range(3):
        with scene.openai.responses.stream(
            model="gpt-5.6",
            input=history,
            tools=RESPONSE_TOOLS,
            reasoning={"effort": "low"},
            store=False,
            include=["reasoning.encrypted_content"],
        ) as stream:
            scene.show(f"events {turn}", list(stream))
            made = stream.get_final_response()
        history += [item.to_dict() for item in made.output]  # type: ignore[misc]  # as the docs do
        history += [
            {
                "type": "function_call_output",
                "call_id": item.call_id,
                "output": tool_output(item.name, item.arguments),
            }
            for item in made.output
            if item.type == "function_call"
        ]


# Numbers, bytes, uploads


@scenario()
def openai_embeddings(scene: Scene) -> None:
    create = scene.openai.embeddings.create
    model = "text-embedding-3-small"
    scene.show("as the SDK asks", create(model=model, input=scene.ask()))
    scene.show("floats", create(model=model, input=[scene.ask(), "x"], encoding_format="float"))
    scene.show("base64", create(model=model, input=scene.ask(), encoding_format="base64"))
    scene.show("tokens", create(model=model, input=[[1, 2, 3], [4]], dimensions=256))


@scenario()
def openai_moderations_and_models(scene: Scene) -> None:
    scene.show("moderation", scene.openai.moderations.create(input=[scene.ask(), "b"]))
    scene.show("models", list(scene.openai.models.list()))
    scene.show("model", scene.openai.models.retrieve("gpt-4o-mini"))
    scene.show_failure("no model", lambda: scene.openai.models.retrieve("gpt-none"))


@scenario()
def openai_images(scene: Scene) -> None:
    made = scene.openai.images.generate(model="gpt-image-1", prompt=scene.ask(), n=2)
    scene.show("generated", made)
    edited = scene.openai.images.edit(
        model="gpt-image-1",
        prompt=scene.ask(),
        image=[("a.png", b"\x89PNG\r\n\x1a\n" + bytes(300)), ("b.png", b"\x89PNG" + bytes(9))],
        mask=("mask.png", b"\x89PNG\r\n--boundary\r\n\x00"),
    )
    scene.show("edited", edited)


@scenario()
def openai_speech(scene: Scene) -> None:
    spoken = scene.openai.audio.speech.create(model="tts-1", voice="alloy", input=scene.ask())
    scene.show("bytes", spoken.content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.mp3")
        with scene.openai.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input=scene.ask("to a file")
        ) as response:
            response.stream_to_file(path)
        scene.show("file", path.read_bytes())


@scenario()
def openai_transcriptions(scene: Scene) -> None:
    create = scene.openai.audio.transcriptions.create
    file = ("höhle “1”.wav", WAV, "audio/wav")
    prompt = scene.ask()
    scene.show("json", create(model="whisper-1", file=file, prompt=prompt))
    scene.show("text", create(model="whisper-1", file=file, prompt=prompt, response_format="text"))
    verbose = create(model="whisper-1", file=file, prompt=prompt, response_format="verbose_json")
    scene.show("verbose", verbose)
    stream = create(model="gpt-4o-transcribe", file=file, prompt=prompt, stream=True)
    scene.show("stream", list(stream))


@scenario()
def openai_files(scene: Scene) -> None:
    files = scene.openai.files
    content = b'{"custom_id": "1"}\r\n--not-a-boundary\n\x00\xff' + scene.name.encode()
    kept = files.create(file=("batch.jsonl", content), purpose="batch")
    scene.show("uploaded", kept)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "notes.txt")
        path.write_text("Grüße\n" * 3, encoding="utf-8")
        from_path = files.create(file=path, purpose="user_data")
    scene.show("from a path", from_path)
    scene.show("open file", files.create(file=io.BytesIO(content), purpose="vision"))
    scene.show("retrieved", files.retrieve(kept.id))
    scene.show("list", list(files.list()))
    scene.show("content", files.content(kept.id).content)
    scene.show("text", files.content(from_path.id).text)
    scene.show("deleted", files.delete(kept.id))
    scene.show_failure("gone", lambda: files.retrieve(kept.id))


# Failures


@scenario()
def openai_errors(scene: Scene) -> None:
    client = scene.openai.with_options(max_retries=0)
    kinds = ("bad_request", "context_length", "auth", "forbidden", "not_found", "conflict")
    for kind in (*kinds, "unprocessable", "quota", "server_error", "overloaded"):
        messages = user(scene.ask(f"[fail {kind}]"))

        def call(messages: list[ChatCompletionMessageParam] = messages) -> object:
            return client.chat.completions.create(model=MODEL, messages=messages)

        scene.show_failure(kind, call)


@scenario()
def openai_error_for_a_stream(scene: Scene) -> None:
    client = scene.openai.with_options(max_retries=0)
    messages = user(scene.ask("[fail server_error]"))
    scene.show_failure(
        "created",
        lambda: client.chat.completions.create(model=MODEL, messages=messages, stream=True),
    )


@scenario()
def openai_wrong_key(scene: Scene) -> None:
    wrong = scene.openai.with_options(api_key="not-a-key-wrong-abcd")
    messages = user(scene.ask())
    scene.show_failure(
        "refused", lambda: wrong.chat.completions.create(model=MODEL, messages=messages)
    )


def _all_of(scene: Scene, stream: openai.Stream[Any]) -> None:
    """Shows each piece of a stream that breaks, then how it broke."""

    def read() -> None:
        for number, piece in enumerate(stream):
            scene.show(f"piece {number}", piece)

    scene.show_failure("end", read)


@scenario()
def openai_streams_that_break(scene: Scene) -> None:
    client = scene.openai
    for how in ("cut", "reset", "error"):
        messages = user(scene.ask(f"[{how} after 3]"))
        _all_of(scene, client.chat.completions.create(model=MODEL, messages=messages, stream=True))
        _all_of(
            scene,
            client.responses.create(model=MODEL, input=scene.ask(f"[{how} after 5]"), stream=True),
        )


@scenario()
def openai_rate_limited_for_good(scene: Scene) -> None:
    client = scene.openai.with_options(max_retries=1)
    messages = user(scene.ask("[fail rate_limit]"))
    scene.show_failure(
        "refused", lambda: client.chat.completions.create(model=MODEL, messages=messages)
    )


@scenario("retry")
def openai_retry_after_429(scene: Scene) -> None:
    messages = user(scene.ask("[fail rate_limit x2]"))
    scene.show("answer", scene.openai.chat.completions.create(model=MODEL, messages=messages))
    stream = scene.openai.responses.create(
        model=MODEL, input=scene.ask("[fail rate_limit x1]"), stream=True
    )
    scene.show("events", list(stream))


@async_scenario("retry")
async def openai_async_retry_after_429_of_an_upload(scene: Scene) -> None:
    made = await scene.async_openai.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", WAV), prompt=scene.ask("[fail rate_limit x1]")
    )
    scene.show("text", made)


# The same, async


@async_scenario()
async def openai_async_parallel_answers(scene: Scene) -> None:
    async def one(number: int) -> object:
        messages = user(f"{scene.ask()} number {number}")
        return await scene.async_openai.chat.completions.create(model=MODEL, messages=messages)

    scene.show("answers", await asyncio.gather(*map(one, range(20))))


@async_scenario()
async def openai_async_parallel_streams(scene: Scene) -> None:
    async def one(number: int) -> object:
        stream = await scene.async_openai.responses.create(
            model=MODEL, input=f"{scene.ask()} number {number}", stream=True
        )
        return [event async for event in stream]

    scene.show("streams", await asyncio.gather(*map(one, range(10))))


@async_scenario()
async def openai_async_parallel_same_question(scene: Scene) -> None:
    async def one(_: int) -> str:
        made = await scene.async_openai.responses.create(model=MODEL, input=scene.ask())
        return made.id

    # Which of equal requests comes first is nobody's promise; that each is answered once is.
    scene.show("answers", sorted(await asyncio.gather(*map(one, range(8)))))


@async_scenario()
async def openai_async_stream_helpers(scene: Scene) -> None:
    async with scene.async_openai.chat.completions.stream(
        model=MODEL, messages=user(scene.ask()), stream_options={"include_usage": True}
    ) as stream:
        scene.show("chat", [event async for event in stream])
        scene.show("chat final", await stream.get_final_completion())
    async with scene.async_openai.responses.stream(model=MODEL, input=scene.ask()) as responses:
        scene.show("responses", [event async for event in responses])
        scene.show("responses final", await responses.get_final_response())


@async_scenario()
async def openai_async_tools_over_turns(scene: Scene) -> None:
    messages = user(scene.ask("[rounds 2]"))
    for turn in range(3):
        made = await scene.async_openai.chat.completions.create(
            model=MODEL, messages=messages, tools=CHAT_TOOLS
        )
        scene.show(f"turn {turn}", made)
        message = made.choices[0].message
        messages.append(message.to_dict())  # type: ignore[arg-type]  # what the docs do
        for call in message.tool_calls or []:
            assert call.type == "function"
            output = tool_output(call.function.name, call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})


@async_scenario()
async def openai_async_bytes_and_uploads(scene: Scene) -> None:
    client = scene.async_openai
    kept = await client.files.create(file=("a.bin", bytes(range(256))), purpose="user_data")
    scene.show("uploaded", kept)
    scene.show("content", (await client.files.content(kept.id)).content)
    spoken = client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=scene.ask()
    )
    async with spoken as response:
        scene.show("speech", b"".join([piece async for piece in response.iter_bytes()]))
    scene.show("models", [model async for model in client.models.list()])


@async_scenario()
async def openai_async_raw_response(scene: Scene) -> None:
    raw = await scene.async_openai.responses.with_raw_response.create(
        model=MODEL, input=scene.ask()
    )
    scene.show("rate limits", [raw.headers[f"x-ratelimit-{what}-requests"] for what in RATES])
    scene.show("parsed", raw.parse())


@async_scenario()
async def openai_async_errors(scene: Scene) -> None:
    client = scene.async_openai.with_options(max_retries=0)
    for kind in ("bad_request", "quota", "overloaded"):
        call = client.responses.create(model=MODEL, input=scene.ask(f"[fail {kind}]"))
        await scene.show_failure_async(kind, call)

    async def broken() -> None:
        stream = await client.responses.create(
            model=MODEL, input=scene.ask("[reset after 4]"), stream=True
        )
        async for event in stream:
            scene.show("event", event)

    await scene.show_failure_async("reset", broken())
