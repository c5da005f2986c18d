"""llmreplay for those who drive it from Python: a server in this process, or one that runs.

`from llmreplay import Replay` is the way in; the pytest plugin is made of it.
"""

from llmreplay.replay.application import Application
from llmreplay.replay.driven import Checked
from llmreplay.replay.replay import Replay
from llmreplay.replay.seen import Seen
from llmreplay.replay.session import Session

__all__ = ["Application", "Checked", "Replay", "Seen", "Session"]
