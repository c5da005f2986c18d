"""llmreplay: a record/replay proxy for LLM APIs."""

__version__ = "0.1.0"
