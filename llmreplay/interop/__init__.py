"""Readers of what other tools recorded, one file a format. `read_any` finds the right one."""

from llmreplay.interop.reading import FORMATS, Format, Imported, Skipped, read_any

__all__ = ["FORMATS", "Format", "Imported", "Skipped", "read_any"]
