"""Where credentials travel: names of headers and query parameters, and which headers are stored.

All sets hold lower-case names. Who calls: redaction itself, the canonical form (what never
takes part in a match) and the proxy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from llmreplay.core.exchange import Headers

__all__ = [
    "CREDENTIAL_HEADERS",
    "CREDENTIAL_QUERY",
    "STORED_REQUEST_HEADERS",
    "UNSTORED_RESPONSE_HEADERS",
    "is_account_header",
    "is_credential_header",
    "is_credential_query",
    "stored_request_headers",
    "stored_response_headers",
]

CREDENTIAL_HEADERS: frozenset[str] = frozenset(
    {
        "api-key",
        "authorization",
        "cf-aig-authorization",
        "cookie",
        "helicone-auth",
        "ocp-apim-subscription-key",
        "portkey-api-key",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-api-key",
        "x-api-token",
        "x-auth-token",
        "x-goog-api-key",
        "x-goog-iam-authorization-token",
        "x-litellm-api-key",
        "x-portkey-api-key",
        "xi-api-key",
    }
)
"""Headers that carry a credential. Others are told by their names: `is_credential_header`."""

# Subprotocols carry a key for browsers, which cannot set headers on a WebSocket.
_CREDENTIAL_NAME = re.compile(
    r"(?:^|[-_])(?:api-?key|apikey|auth|authorization|credentials?|password|secret|access-?key"
    r"|(?:access|api|auth|bearer|id|refresh|security|session)[-_]token)(?:$|[-_])"
    r"|^sec-websocket-protocol$"
)

CREDENTIAL_QUERY: frozenset[str] = frozenset(
    {
        "access_token",
        "api-key",
        "api_key",
        "apikey",
        "auth_token",
        "client_secret",
        "key",
        "sig",
        "signature",
        "subscription-key",
        "token",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
        "x-goog-algorithm",
        "x-goog-credential",
        "x-goog-date",
        "x-goog-expires",
        "x-goog-signature",
        "x-goog-signedheaders",
    }
)
"""Query parameters that are a credential or, beside one, change with every signing."""

STORED_REQUEST_HEADERS: frozenset[str] = frozenset(
    {
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "cohere-version",
        "content-disposition",
        "content-type",
        "mcp-protocol-version",
        "openai-beta",
        "prefer",  # Replicate: wait for the result, or not
        "range",
        "x-amz-target",  # names the operation where the path does not
        "x-amzn-bedrock-accept",
        "x-amzn-bedrock-guardrailidentifier",
        "x-amzn-bedrock-guardrailversion",
        "x-amzn-bedrock-performanceconfig-latency",
        "x-amzn-bedrock-trace",
        "x-goog-upload-command",
        "x-goog-upload-header-content-length",
        "x-goog-upload-header-content-type",
        "x-goog-upload-offset",
        "x-goog-upload-protocol",
    }
)
"""All the request headers that are stored: those that change what the request means."""

_COOKIES = frozenset({"set-cookie", "set-cookie2", "cookie"})
_ACCOUNTS = frozenset(
    {
        "anthropic-organization-id",
        "openai-organization",
        "openai-project",
        "x-goog-user-project",
    }
)
_HOP_BY_HOP = frozenset(  # RFC 9110, section 7.6.1
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
    }
)
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_VOLATILE = frozenset(
    {
        "age",
        "alt-svc",
        "cf-cache-status",
        "cf-ray",
        "date",
        "expires",
        "nel",
        "report-to",
        "reporting-endpoints",
        "server",
        "server-timing",
        "strict-transport-security",
        "traceparent",
        "tracestate",
        "via",
        "x-amz-cf-id",
        "x-amz-cf-pop",
        "x-cache",
        "x-cache-hits",
        "x-cloud-trace-context",
        "x-envoy-upstream-service-time",
        "x-served-by",
        "x-timer",
    }
)
UNSTORED_RESPONSE_HEADERS: frozenset[str] = (
    _COOKIES | _ACCOUNTS | _HOP_BY_HOP | _FRAMING | _VOLATILE
)
"""The response headers that are not stored; those that name an account are not either."""

_ACCOUNT_NAME = re.compile(
    r"(?:^|-)(?:organi[sz]ation|org|project|account|tenant|workspace)(?:-id)?$"
)


def is_credential_header(name: str) -> bool:
    """Whether the header called `name`, in any case, carries a credential."""
    lower = name.lower()
    if lower in CREDENTIAL_HEADERS:
        return True
    # CORS speaks of credentials, but carries none.
    return not lower.startswith("access-control-") and bool(_CREDENTIAL_NAME.search(lower))


def is_account_header(name: str) -> bool:
    """Whether the header called `name` tells who pays: an organisation, project or account."""
    lower = name.lower()
    return lower in _ACCOUNTS or _ACCOUNT_NAME.search(lower) is not None


def is_credential_query(name: str) -> bool:
    """Whether the query parameter `name`, spelled as in a URL, is in `CREDENTIAL_QUERY`."""
    return unquote(name).lower() in CREDENTIAL_QUERY


def stored_request_headers(headers: Headers, also_store: frozenset[str] = frozenset()) -> Headers:
    """Those that are stored, in their order; credentials are not, even if in `also_store`."""
    wanted = STORED_REQUEST_HEADERS | {one for one in also_store if not is_credential_header(one)}
    return tuple(pair for pair in headers if pair[0].lower() in wanted)


def stored_response_headers(headers: Headers) -> Headers:
    """Those that are stored, in their order; what `Connection` names is hop-by-hop, too."""
    named = {
        name.strip().lower()
        for key, value in headers
        if key.lower() == "connection"
        for name in value.split(",")
    }
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in UNSTORED_RESPONSE_HEADERS | named
        and not is_account_header(name)
        and not is_credential_header(name)
    )
