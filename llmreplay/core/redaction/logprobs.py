"""Log probabilities say each token twice: as a string and as the numbers of its bytes.

Where the string was redacted, the numbers must follow. Who calls: the redactor, for bodies that
hold placeholders.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmreplay.core.redaction.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["number_edits"]

_TOKEN = re.compile(
    rb'"token"\s*:\s*"(?P<token>[^"\\]*)"\s*,\s*"logprob"\s*:\s*[-+.\deE]+\s*,'
    rb'\s*"bytes"\s*:\s*\[(?P<numbers>[\d,\s]*)\]'
)


def number_edits(body: bytes) -> Iterator[Edit]:
    """Makes the bytes of each redacted token in `body` those of its string."""
    for found in _TOKEN.finditer(body):
        token, numbers = found["token"], found["numbers"].split()
        own = b",".join(b"%d" % byte for byte in token)
        said = b"".join(numbers)
        if said != own and (b"REDACTED-" in token or said.endswith(own)):
            yield Edit(*found.span("numbers"), own)
