from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.dialect import Part, PartKind, Turn
from llmreplay.core.mismatch.conversation import turn_differences, turn_number

TEXT, CALL, RESULT = PartKind.TEXT, PartKind.TOOL_CALL, PartKind.TOOL_RESULT


def said(*messages: tuple[str, Part | str]) -> list[Turn]:
    """A conversation: role and part, or text, of each message."""
    return [
        Turn(role, (Part(TEXT, part) if isinstance(part, str) else part,), f"$.messages[{index}]")
        for index, (role, part) in enumerate(messages)
    ]


def told(recorded: list[Turn], asked: list[Turn]) -> list[str]:
    return [one.sentence for one in turn_differences(recorded, asked)]


WEATHER: tuple[tuple[str, Part | str], ...] = (
    ("system", "Be brief."),
    ("user", "Weather in Ulm?"),
    ("assistant", Part(CALL, '{"city": "Ulm"}', "get_weather")),
    ("tool", Part(RESULT, "18 °C", "get_weather")),
    ("assistant", Part(CALL, '{"city": "Bonn"}', "get_weather")),
    ("tool", Part(RESULT, "20 °C", "get_weather")),
)


@pytest.mark.parametrize(
    ("index", "message", "sentence"),
    [
        (
            5,
            ("tool", Part(RESULT, "19 °C", "get_weather")),
            (
                "turn 3: tool result of get_weather differs ($.messages[5]): "
                'recorded "20 °C", asked "19 °C"'
            ),
        ),
        (
            3,
            ("tool", Part(RESULT, "19 °C")),
            (
                "turn 2: tool result differs ($.messages[3]): "
                'recorded tool result of get_weather "18 °C", asked "19 °C"'
            ),
        ),
        (
            4,
            ("assistant", Part(CALL, '{"city": "Köln"}', "get_weather")),
            (
                "turn 2: tool call get_weather differs ($.messages[4]): "
                'recorded "{"city": "Bonn"}", asked "{"city": "Köln"}"'
            ),
        ),
        (
            4,
            ("assistant", Part(CALL, "{}", "get_time")),
            (
                "turn 2: tool call get_time differs ($.messages[4]): "
                'recorded tool call get_weather "{"city": "Bonn"}", asked "{}"'
            ),
        ),
        (
            4,
            ("assistant", Part(CALL, "{}")),
            (
                "turn 2: tool call differs ($.messages[4]): "
                'recorded tool call get_weather "{"city": "Bonn"}", asked "{}"'
            ),
        ),
        (
            0,
            ("system", "Be long."),
            'system prompt differs ($.messages[0]): recorded "Be brief.", asked "Be long."',
        ),
        (
            1,
            ("user", "Weather in Köln?"),
            (
                "turn 1: user message differs ($.messages[1]): "
                'recorded "Weather in Ulm?", asked "Weather in Köln?"'
            ),
        ),
        (
            1,
            ("assistant", "Hello"),
            (
                "turn 1: speaker differs ($.messages[1]): "
                'recorded user message "Weather in Ulm?", asked assistant message "Hello"'
            ),
        ),
        (
            1,
            ("user", Part(PartKind.IMAGE, "https://x/y.png")),
            (
                "turn 1: image in the user message differs ($.messages[1]): "
                'recorded user message "Weather in Ulm?", asked "https://x/y.png"'
            ),
        ),
        (
            4,
            ("assistant", Part(PartKind.THINKING, "Hm.")),
            (
                "turn 2: thinking differs ($.messages[4]): "
                'recorded tool call get_weather "{"city": "Bonn"}", asked "Hm."'
            ),
        ),
    ],
)
def test_a_message_that_differs_is_named(
    index: int, message: tuple[str, Part | str], sentence: str
) -> None:
    changed: list[tuple[str, Part | str]] = list(WEATHER)
    changed[index] = message
    assert [sentence] == told(said(*WEATHER), said(*changed))


def test_in_a_long_text_the_word_is_named() -> None:
    long = "word " * 100
    assert told(said(("system", f"{long}kind {long}")), said(("system", f"{long}nice {long}"))) == [
        (
            "system prompt differs at word 101 ($.messages[0]): "
            'recorded "…word word word word kind word word word word…", '
            'asked "…word word word word nice word word word word…"'
        )
    ]


@pytest.mark.parametrize(
    ("recorded", "asked", "sentences"),
    [
        (
            WEATHER[:3],
            WEATHER[:4],
            ['turn 2: tool result of get_weather is new ($.messages[3]): "18 °C"'],
        ),
        (
            WEATHER[:4],
            WEATHER[:3],
            ['turn 2: tool result of get_weather is missing ($.messages[3]): recorded "18 °C"'],
        ),
        (
            WEATHER[1:],
            WEATHER,
            ['system prompt is new ($.messages[0]): "Be brief."'],
        ),
        (
            WEATHER,
            WEATHER[1:],
            ['system prompt is missing ($.messages[0]): recorded "Be brief."'],
        ),
        (
            WEATHER[:2],
            WEATHER,
            [
                (
                    "turn 1: 4 messages are new, from $.messages[2] on: "
                    'tool call get_weather "{"city": "Ulm"}", …'
                )
            ],
        ),
        (
            WEATHER,
            WEATHER[:2],
            [
                (
                    "turn 1: 4 messages are missing, from $.messages[2] on: "
                    'recorded tool call get_weather "{"city": "Ulm"}", …'
                )
            ],
        ),
        (
            (("user", "a"), ("assistant", "b"), ("user", "c"), ("user", "d")),
            (("user", "x"), ("assistant", "b"), ("user", "c")),
            [
                'turn 1: user message differs ($.messages[0]): recorded "a", asked "x"',
                'turn 2: user message is missing ($.messages[3]): recorded "d"',
            ],
        ),
    ],
)
def test_messages_that_only_one_side_has_are_named(
    recorded: tuple[tuple[str, Part | str], ...],
    asked: tuple[tuple[str, Part | str], ...],
    sentences: list[str],
) -> None:
    assert sentences == told(said(*recorded), said(*asked))


def test_parts_of_a_message_are_compared_one_by_one() -> None:
    image, text, more = Part(PartKind.IMAGE, "i"), Part(TEXT, "t"), Part(TEXT, "m")
    recorded = [Turn("user", (image, text), "$.input[0]")]
    asked = [Turn("user", (text, more), "$.input[0]")]
    assert told(recorded, asked) == [
        (
            'turn 1: user message differs ($.input[0]): recorded image in the user message "i", '
            'asked "t"'
        ),
        'turn 1: user message differs ($.input[0]): recorded "t", asked "m"',
    ]
    assert told([Turn("user", (text,), "$.input[0]")], asked) == [
        'turn 1: user message is new ($.input[0]): "m"'
    ]
    assert told(asked, [Turn("user", (text,), "$.input[0]")]) == [
        'turn 1: user message is missing ($.input[0]): recorded "m"'
    ]


def test_a_message_may_be_empty() -> None:
    assert told([], [Turn("user", (), "$.input[0]")]) == [
        'turn 1: empty user message is new ($.input[0]): ""'
    ]


def test_only_a_whole_field_can_be_ignored() -> None:
    def ignore(where: str, role: str) -> list[str | None]:
        ours, theirs = (Turn(role, (Part(TEXT, text),), where) for text in "ab")
        return [one.ignore for one in turn_differences([ours], [theirs])]

    assert ignore("$.system", "system") == ["$.system"]
    assert ignore("$.messages[0]", "system") == [None]
    assert ignore("$.input", "user") == [None]


def test_what_differs_is_kept_for_a_remedy() -> None:
    (found,) = turn_differences(said(("user", "on 2026-01-02")), said(("user", "on 2026-01-03")))
    assert found.texts == ("on 2026-01-02", "on 2026-01-03")
    assert found.places == ("$.messages[0]",)
    assert (found.weight, found.size) == (3, 1)


@pytest.mark.parametrize(
    ("roles", "number"),
    [
        ("", 1),
        ("s", 1),
        ("su", 1),
        ("sua", 2),
        ("suau", 2),
        ("suatat", 3),
        ("uaatt", 2),
        ("aua", 3),
        ("uaattau", 3),
    ],
)
def test_turns_are_counted_by_the_answers_before(roles: str, number: int) -> None:
    names = {"s": "system", "u": "user", "a": "assistant", "t": "tool"}
    assert number == turn_number(said(*((names[role], "x") for role in roles)))


def test_each_message_of_an_answer_is_in_its_turn() -> None:
    recorded = said(("user", "x"), *(("assistant", text) for text in "abc"), ("tool", "y"))
    asked = said(("user", "x"), *(("assistant", text) for text in "ABC"), ("tool", "Y"))
    assert [sentence.partition(":")[0] for sentence in told(recorded, asked)] == [
        "turn 1",
        "turn 1",
        "turn 1",
        "turn 2",
    ]


messages = st.lists(
    st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.sampled_from("abc")),
    max_size=6,
)


@given(messages, messages)
def test_conversations_differ_where_something_is_told(
    recorded: list[tuple[str, str]], asked: list[tuple[str, str]]
) -> None:
    def apart(messages: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
        return [
            [one for one in messages if (one[0] == "system") == system] for system in (True, False)
        ]

    assert (told(said(*recorded), said(*asked)) == []) == (apart(recorded) == apart(asked))
