"""Overlay files: YAML in, rules out, with every mistake at its line.

What rules are and may say is `core.faults`' to know; here are files and nothing else.
"""

from llmreplay.overlays.files import load_overlays
from llmreplay.overlays.watching import Watched

__all__ = ["Watched", "load_overlays"]
