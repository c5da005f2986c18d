"""Secrets out: values that came as credentials first, then everything that has the form of one.

`Redactor` takes them out of exchanges, for one cassette; `find_secrets` looks once more at the
text that is about to be written; `redact_url` and `redact_text` serve log lines and messages.
What is replaced, and why, is told in `formats`, `values` and `places`.
"""

from llmreplay.core.redaction.places import (
    CREDENTIAL_HEADERS,
    CREDENTIAL_QUERY,
    STORED_REQUEST_HEADERS,
    UNSTORED_RESPONSE_HEADERS,
    is_account_header,
    is_credential_header,
    is_credential_query,
)
from llmreplay.core.redaction.redactor import Redactor, redact_text, redact_url
from llmreplay.core.redaction.scan import Finding, find_secrets

__all__ = [
    "CREDENTIAL_HEADERS",
    "CREDENTIAL_QUERY",
    "STORED_REQUEST_HEADERS",
    "UNSTORED_RESPONSE_HEADERS",
    "Finding",
    "Redactor",
    "find_secrets",
    "is_account_header",
    "is_credential_header",
    "is_credential_query",
    "redact_text",
    "redact_url",
]
