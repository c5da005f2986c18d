"""IO behind: sends a request to its provider and gives the answer as it arrives.

Knows HTTP and TLS, neither cassettes nor dialects. `session` asks it through `core.live`;
`service` makes one only where forwarding is allowed, so that replay has no way out.
"""

from llmreplay.upstream.failures import Patience
from llmreplay.upstream.sending import Upstream

__all__ = ["Patience", "Upstream"]
