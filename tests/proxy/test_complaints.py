"""However much there is to complain of, the log stays short, and says what it left out."""

from __future__ import annotations

from llmreplay.proxy.complaints import Complaints


def test_few_lines_are_all_written() -> None:
    log: list[str] = []
    complaints = Complaints(log.append)

    for number in range(5):
        complaints.say(number, f"line {number}")
    complaints.settle(100)

    assert log == ["line 0", "line 1", "line 2", "line 3", "line 4"]


def test_of_many_lines_the_rest_is_counted() -> None:
    log: list[str] = []
    complaints = Complaints(log.append)

    for number in range(1_239):
        complaints.say(1, f"line {number}")
    complaints.settle(10.9)
    assert len(log) == 5

    complaints.settle(11)
    complaints.settle(12)

    assert log[5:] == ["and 1,234 more like these in 10 s"]


def test_after_a_window_there_is_room_again() -> None:
    log: list[str] = []
    complaints = Complaints(log.append)

    for _ in range(6):
        complaints.say(0, "early")
    complaints.say(10, "late")

    assert log[5:] == ["and 1 more like these in 10 s", "late"]
