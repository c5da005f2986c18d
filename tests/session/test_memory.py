"""Memory keeps while there is room."""

from llmreplay.session.memory import Memory


def test_what_is_put_is_there() -> None:
    memory: Memory[str, int] = Memory(max_bytes=100)
    memory.put("a", 1, 10)
    assert memory.get("a") == 1
    assert memory.get("b") is None


def test_the_oldest_goes_first() -> None:
    memory: Memory[str, int] = Memory(max_bytes=100)
    for number in range(10):
        memory.put(str(number), number, 20)
    assert [memory.get(str(number)) for number in range(10)] == [None] * 5 + [5, 6, 7, 8, 9]


def test_replacing_counts_once() -> None:
    memory: Memory[str, int] = Memory(max_bytes=100)
    for number in range(50):
        memory.put("a", number, 25)
    memory.put("b", 1, 25)
    assert (memory.get("a"), memory.get("b"), len(memory)) == (49, 1, 2)


def test_what_takes_most_of_the_room_is_not_kept() -> None:
    memory: Memory[str, int] = Memory(max_bytes=100)
    memory.put("big", 1, 26)
    assert memory.get("big") is None
