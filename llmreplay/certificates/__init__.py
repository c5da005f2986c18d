"""The local certificate authority: what clients trust, and what stands in for a provider's name.

`service` makes an `Authority`, the proxy asks it for TLS contexts, `llmreplay ca` shows it. It
installs nothing on any system.
"""

from llmreplay.certificates.authority import Authority, Files, Flaw
from llmreplay.certificates.names import Names, constrained, intercepted

__all__ = ["Authority", "Files", "Flaw", "Names", "constrained", "intercepted"]
