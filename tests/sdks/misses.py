"""Requests that differ in one thing from what another scenario recorded, so that they miss.

Each way to call an SDK meets a miss; what is shown is the exception that a developer reads. The
test beside them counts the HTTP requests and looks for what missed and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sdks import anthropic_scenarios as claude
from tests.sdks import openai_scenarios as gpt
from tests.sdks.scene import Scene, async_scenario, scenario

if TYPE_CHECKING:
    from collections.abc import Callable


def _chat_calls(scene: Scene, **asked: Any) -> dict[str, Callable[[], object]]:  # noqa: ANN401  # an SDK's arguments
    """Every way to ask for a chat completion."""
    completions = scene.openai.chat.completions
    return {
        "create": lambda: completions.create(**asked),
        "stream": lambda: completions.create(**asked, stream=True),
        "stream helper": lambda: list(completions.stream(**asked).__enter__()),
        "parse": lambda: completions.parse(**asked, response_format=gpt.Boat),
        "raw": lambda: completions.with_raw_response.create(**asked),
        "streaming": lambda: completions.with_streaming_response.create(**asked).__enter__(),
    }


@scenario("miss")
def openai_miss_for_its_model(scene: Scene) -> None:
    scene.name = gpt.openai_chat_answer.__name__
    asked = {"model": "gpt-4.1", "messages": gpt.user(scene.ask())}
    for label, call in _chat_calls(scene, **asked).items():
        scene.show_failure(label, call)


@scenario("miss")
def openai_miss_for_a_word_of_the_system_prompt(scene: Scene) -> None:
    scene.name = gpt.openai_chat_answer.__name__
    messages: list[Any] = gpt.user(scene.ask())
    messages[0]["content"] = messages[0]["content"].replace("terse", "verbose")
    create = scene.openai.chat.completions.create
    scene.show_failure("create", lambda: create(model=gpt.MODEL, messages=messages))


@scenario("miss")
def openai_miss_for_an_extra_field(scene: Scene) -> None:
    scene.name = gpt.openai_chat_answer.__name__
    messages = gpt.user(scene.ask())
    create = scene.openai.chat.completions.create
    scene.show_failure(
        "create", lambda: create(model=gpt.MODEL, messages=messages, presence_penalty=0.25)
    )


@scenario("miss")
def openai_miss_for_a_tool_result(scene: Scene) -> None:
    scene.name = gpt.openai_chat_tools_over_turns.__name__
    messages: list[Any] = gpt.user(scene.ask("[rounds 3]"))
    create = scene.openai.chat.completions.create
    for turn in range(2):
        made = create(model=gpt.MODEL, messages=messages, tools=gpt.CHAT_TOOLS)
        message = made.choices[0].message
        messages.append(message.to_dict())
        for call in message.tool_calls or []:
            assert call.type == "function"
            output = gpt.tool_output(call.function.name, call.function.arguments)
            output = output if turn == 0 else "it rains cats and dogs"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})
    scene.show_failure(
        "create", lambda: create(model=gpt.MODEL, messages=messages, tools=gpt.CHAT_TOOLS)
    )


@scenario("miss")
def openai_miss_for_what_was_never_recorded(scene: Scene) -> None:
    client = scene.openai
    scene.show_failure("batches", lambda: client.batches.retrieve("batch_unheard_of"))
    scene.show_failure("list", lambda: list(client.fine_tuning.jobs.list()))
    scene.show_failure(
        "upload", lambda: client.files.create(file=("new.txt", b"new"), purpose="assistants")
    )
    scene.show_failure(
        "speech",
        lambda: client.audio.speech.create(model="tts-1", voice="onyx", input="never said"),
    )
    scene.show_failure(
        "response", lambda: client.responses.create(model="gpt-5.6", input="never asked")
    )
    scene.show_failure(
        "response stream",
        lambda: client.responses.create(model="gpt-5.6", input="never asked", stream=True),
    )


@scenario("used up")
def openai_miss_when_used_up(scene: Scene) -> None:
    scene.name = gpt.openai_retry_after_429.__name__
    messages = gpt.user(scene.ask("[fail rate_limit x2]"))
    create = scene.openai.chat.completions.create
    scene.show_failure("create", lambda: create(model=gpt.MODEL, messages=messages))


@scenario("used up")
def anthropic_miss_when_used_up(scene: Scene) -> None:
    scene.name = claude.anthropic_retry_after_429_and_529.__name__
    messages = claude.user(scene.ask("[fail rate_limit x2]"))
    create = scene.anthropic.messages.create
    scene.show_failure(
        "create",
        lambda: create(model=claude.MODEL, max_tokens=claude.MAX_TOKENS, messages=messages),
    )


@async_scenario("miss")
async def openai_async_miss_for_its_model(scene: Scene) -> None:
    scene.name = gpt.openai_chat_answer.__name__
    asked: Any = {"model": "gpt-4.1", "messages": gpt.user(scene.ask())}
    completions = scene.async_openai.chat.completions
    await scene.show_failure_async("create", completions.create(**asked))
    await scene.show_failure_async("stream", completions.create(**asked, stream=True))
    await scene.show_failure_async("helper", completions.stream(**asked).__aenter__())


@scenario("miss")
def anthropic_miss_for_its_model(scene: Scene) -> None:
    scene.name = claude.anthropic_answer.__name__
    asked: Any = {
        "model": "claude-opus-5",
        "max_tokens": claude.MAX_TOKENS,
        "system": "Be terse.",
        "messages": claude.user(scene.ask()),
        "metadata": {"user_id": "somebody"},
    }
    messages = scene.anthropic.messages
    calls: dict[str, Callable[[], object]] = {
        "create": lambda: messages.create(**asked),
        "stream": lambda: messages.create(**asked, stream=True),
        "stream helper": lambda: list(messages.stream(**asked).__enter__()),
        "raw": lambda: messages.with_raw_response.create(**asked),
        "streaming": lambda: messages.with_streaming_response.create(**asked).__enter__(),
    }
    for label, call in calls.items():
        scene.show_failure(label, call)


@scenario("miss")
def anthropic_miss_for_a_tool_result(scene: Scene) -> None:
    scene.name = claude.anthropic_thinking_and_tools_over_turns.__name__
    messages: list[Any] = claude.user(scene.ask("[rounds 3]"))
    asked: Any = {
        "model": claude.MODEL,
        "max_tokens": claude.MAX_TOKENS,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": claude.TOOLS,
        "messages": messages,
    }
    for turn in range(2):
        made = scene.anthropic.messages.create(**asked)
        messages.append(made.to_param())
        results = claude.tool_results(made)
        if turn == 1:
            results[0]["content"] = "it rains cats and dogs"
        messages.append({"role": "user", "content": results})
    scene.show_failure("create", lambda: scene.anthropic.messages.create(**asked))


@scenario("miss")
def anthropic_miss_for_what_was_never_recorded(scene: Scene) -> None:
    client = scene.anthropic
    scene.show_failure("batches", lambda: client.messages.batches.retrieve("msgbatch_unheard_of"))
    scene.show_failure("upload", lambda: client.files.upload(file=("new.txt", b"new")))
    scene.show_failure(
        "tokens",
        lambda: client.messages.count_tokens(
            model=claude.MODEL, messages=claude.user("never counted")
        ),
    )


@async_scenario("miss")
async def anthropic_async_miss_for_its_model(scene: Scene) -> None:
    scene.name = claude.anthropic_answer.__name__
    asked: Any = {
        "model": "claude-opus-5",
        "max_tokens": claude.MAX_TOKENS,
        "system": "Be terse.",
        "messages": claude.user(scene.ask()),
    }
    messages = scene.async_anthropic.messages
    await scene.show_failure_async("create", messages.create(**asked))
    await scene.show_failure_async("stream", messages.create(**asked, stream=True))
    await scene.show_failure_async("helper", messages.stream(**asked).__aenter__())
