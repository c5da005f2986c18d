"""Settings: `llmreplay.yaml`, `LLMREPLAY_*` variables and flags → one frozen `Settings`.

Every mistake in them is gathered and shown at once, each with its place and the nearest valid
word. The commands load them; `service` and the parts that it builds read them.
"""

from llmreplay.settings.load import Flag, load_settings
from llmreplay.settings.model import Limits, LogFormat, Mode, OnMiss, Settings

__all__ = [
    "Flag",
    "Limits",
    "LogFormat",
    "Mode",
    "OnMiss",
    "Settings",
    "load_settings",
]
