"""The environment in which any program's provider traffic comes here, without a change to it.

Proxy, CA and base-URL variables, as the clients really read them; and, while replaying, keys for
SDKs that insist on one. It decides names and values and sets nothing itself: `service` gives them
to the command that it runs, `llmreplay env` prints them.
"""

from llmreplay.environment.composing import Served, Trust, is_set_by_us, variables
from llmreplay.environment.gateways import upstreams_of
from llmreplay.environment.shell import SHELLS, shell_lines

__all__ = ["SHELLS", "Served", "Trust", "is_set_by_us", "shell_lines", "upstreams_of", "variables"]
