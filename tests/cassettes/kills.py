"""A recording that is killed at each of its steps in turn, and what it leaves.

Run as a script: `python kills.py FOLDER` prints one line of JSON, `{"kills": …, "losses": […]}`.
It forks for each kill, which a process with threads, such as pytest's, had better not do.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmreplay.cassettes import Library, Take, dump
from tests.cassettes.making import an_exchange, file_of, index, no_secrets, taken, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmreplay.core.exchange import Exchange

CALLS = ("write", "fsync", "link", "unlink", "replace", "ftruncate", "fchmod")
MANNERS = ("before", "half", "after")


@dataclass(frozen=True)
class Scene:
    """What is in the file, and what a take then records: pairs of question and answer."""

    before: str | None
    exchanges: tuple[tuple[str, str], ...]
    kept: tuple[tuple[str, str], ...] = ()
    """What is there already and will not be recorded again."""


OLD = (an_exchange(1, "q1"), an_exchange(2, "q2"), an_exchange(3, "q3"))
RECORDED = (("q1", "other"), ("q4", "new"), ("q4", "newer"), ("q5", "x" * 5000), ("q2", "fine"))
SCENES = {
    "a new cassette": Scene(None, RECORDED),
    "a cassette recorded into again": Scene(file_of(*OLD), RECORDED, (("q3", "fine"),)),
    "a cassette with a torn tail": Scene(
        file_of(*OLD) + dump(an_exchange(4, "q9"))[:-20], RECORDED, (("q3", "fine"),)
    ),
    "a cassette that an earlier kill left open": Scene(
        file_of(*OLD) + dump(an_exchange(4, "q3", "open"), open_take=True),
        RECORDED,
        (("q3", "open"),),
    ),
}


@dataclass
class Killing:
    """Functions of `os` that kill the process at the n-th of all their calls."""

    at: int
    manner: str
    done: int = 0
    really: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        for name in CALLS:
            self.really[name] = getattr(os, name)
            setattr(os, name, self._killing(name))
        return self

    def __exit__(self, *_: object) -> None:
        for name, function in self.really.items():
            setattr(os, name, function)

    def _killing(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401  # any of `os`
            self.done += 1
            if self.done != self.at:
                return self.really[name](*arguments, **keywords)
            if self.manner == "half" and name == "write":
                descriptor, data = arguments
                self.really[name](descriptor, data[: len(data) // 2])
            if self.manner == "after":
                with contextlib.suppress(FileNotFoundError):  # removing what is not there
                    self.really[name](*arguments, **keywords)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("not reached")

        return call


def record(library: Library, scene: Scene, told: Callable[[str], None]) -> None:
    """One take, telling of each exchange that is reported as stored."""
    take = Take.open(library, "a", no_secrets)
    for number, (question, answer) in enumerate(scene.exchanges, start=1):
        take.append(an_exchange(number, question, answer, take="new"))
        told(f"{number}\n")
    take.close(index)


def steps_of(folder: Path, scene: Scene) -> int:
    """How many calls a whole recording makes."""
    library = prepared(folder, scene)
    with Killing(at=-1, manner="before") as counting:
        record(library, scene, lambda _line: None)
    return counting.done


def prepared(folder: Path, scene: Scene) -> Library:
    """The scene, before."""
    library = Library(folder)
    if scene.before is not None:
        write(library, "a", scene.before)
    return library


def killed(library: Library, scene: Scene, at: int, manner: str) -> int:
    """Record and be killed; gives how many exchanges were reported as stored."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with Killing(at, manner) as killing:
            record(library, scene, lambda line: killing.really["write"](writer, line.encode()))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        reported = len(told.readlines())
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "it was not killed"
    return reported


def losses(library: Library, scene: Scene, reported: int) -> Iterator[str]:
    """What should be there after the kill, and is not."""
    answers = answers_in(library)
    for question, answer in scene.kept:
        if answers.get(question) != [answer]:
            yield f"{question} was not touched, and is {answers.get(question)}"
    expected: dict[str, list[str]] = {}
    for question, answer in scene.exchanges[:reported]:
        expected.setdefault(question, []).append(answer)
    for question, wanted in expected.items():
        found = answers.get(question, [])
        if found[: len(wanted)] != wanted:
            yield f"{question} was stored as {wanted}, and is {found}"
    taken(library, "a", an_exchange(1, "afterwards"))
    if {q: a for q, a in answers_in(library).items() if q != "afterwards"} != answers:
        yield "the next recording changed what was there"
    left = sorted(p.name for p in library.folder.iterdir() if ".torn-" not in p.name)
    if left != ["a.yaml"]:
        yield f"there is {left}"


def answers_in(library: Library) -> dict[str, list[str]]:
    """What replay would answer to each question, in order."""
    answers: dict[str, list[str]] = {}
    if library.folder.is_dir():
        for cassette in library.load(index).cassettes:
            for recording in cassette.recordings:
                exchange: Exchange = recording.load()
                question = exchange.request.body.decode()
                answers.setdefault(question, []).append(exchange.response.body.decode())
    return answers


def main(root: Path) -> None:
    """Kill at every step, in every manner, in every scene."""
    kills, found = 0, []
    for scene_number, (name, scene) in enumerate(SCENES.items()):
        steps = steps_of(root / f"{scene_number}-whole", scene)
        for at in range(1, steps + 1):
            for manner in MANNERS:
                library = prepared(root / f"{scene_number}-{at}-{manner}", scene)
                reported = killed(library, scene, at, manner)
                kills += 1
                found += [
                    f"{name}, {manner} call {at}: {loss}"
                    for loss in losses(library, scene, reported)
                ]
    print(json.dumps({"kills": kills, "losses": found}))  # noqa: T201  # the result of a script


if __name__ == "__main__":
    main(Path(sys.argv[1]))
