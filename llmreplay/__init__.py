"""llmreplay: a record/replay proxy for LLM APIs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmreplay.replay import Replay as Replay

__all__ = ["Replay", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`Replay`, which is imported when somebody asks for it: the command line never does."""
    if name == "Replay":
        from llmreplay.replay import Replay  # noqa: PLC0415  # see above

        return Replay
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
