"""What can go wrong, sorted by who can act on it.

Every message names the place and the remedy; the command line prints it without a traceback.
"""

__all__ = ["CassetteError", "LlmreplayError", "UpstreamError", "UsageError"]


class LlmreplayError(Exception):
    """The root of all errors that a user may see. Its text is a whole message."""


class UsageError(LlmreplayError):
    """The person at the keyboard can act: a wrong flag, setting, name or port."""


class CassetteError(LlmreplayError):
    """A file is wrong. The message begins with `path:line`."""


class UpstreamError(LlmreplayError):
    """The far side failed: no connection, a broken answer, a limit passed."""
