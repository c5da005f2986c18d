"""Signatures of AWS (Signature Version 4), which hold for one host and one path.

A client that was given our address signs for that, and its provider would refuse what it signed:
such a request is signed anew for where it goes, with the credentials that botocore finds. What
comes through the proxy is signed for the provider already, and stays as it is. `sending` asks.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from llmreplay.core.exchange import Request, header, without_headers
from llmreplay.errors import UpstreamError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["Signer"]

_ALGORITHM: Final = "AWS4-HMAC-SHA256 "
_SCOPE: Final = re.compile(r"Credential=[^,\s]+/\d{8}/([^,/\s]+)/([^,/\s]+)/aws4_request")

_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_REGION: Final = re.compile(r"(?<=\.)[a-z]{2}(?:-[a-z]+)+-\d+(?=\.)")

_SIGNATURE: Final = frozenset({"authorization", "x-amz-date", "x-amz-security-token"})
"""The headers that a signature consists of."""

_USUAL_PORTS: Final = {"https": ":443", "http": ":80"}


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a signature holds for."""

    host: str
    region: str
    service: str


class Signer:
    """Signs requests anew that are signed for another host than they go to."""

    def __init__(self) -> None:
        self._session: Any = None

    async def signed(self, request: Request) -> Request:
        """`request`, with a signature that holds where it goes, if it has one that does not.

        Raises UpstreamError, with the remedies, if AWS is to be asked and it cannot be signed. For
        hosts of others (a gateway, a stand-in) it then stays as it is: they may not look.
        """
        scope = _other_scope(request)
        if scope is None:
            return request
        try:
            _check_region(scope, request.parts)
            # Credentials may have to be asked for at some other service.
            credentials = await asyncio.to_thread(self._credentials)
        except _CannotSignError as error:
            if not _is_aws(request.parts.hostname or ""):
                return request
            raise UpstreamError(_told(request, scope, str(error))) from error
        return _signed(request, scope, credentials)

    def _credentials(self) -> Any:  # noqa: ANN401  # botocore has no types
        try:
            from botocore.exceptions import BotoCoreError  # noqa: PLC0415  # an extra
            from botocore.session import Session  # noqa: PLC0415  # the same
        except ImportError:
            raise _CannotSignError(
                "signing it anew needs botocore: pip install 'llmreplay[aws]'"
            ) from None
        try:
            if self._session is None:
                self._session = Session()
            found = self._session.get_credentials()
            if found is not None:
                return found.get_frozen_credentials()
        except BotoCoreError as error:
            raise _CannotSignError(f"signing it anew failed, {str(error).rstrip('.')}") from error
        raise _CannotSignError(
            "no AWS credentials were found to sign it anew: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, where llmreplay runs"
        )


class _CannotSignError(Exception):
    """Why not, and what to do."""


def _other_scope(request: Request) -> _Scope | None:
    """What the request is signed for, if that is not where it goes."""
    authorization = header(request.headers, "authorization")
    if authorization is None or not authorization.startswith(_ALGORITHM):
        return None
    scope = _SCOPE.search(authorization)
    host = (header(request.headers, "host") or "").lower()
    parts = request.parts
    if scope is None or host.removesuffix(_USUAL_PORTS.get(parts.scheme, "")) == _place(parts):
        return None
    if _is_aws(host.partition(":")[0]) and not _is_aws(parts.hostname or ""):
        # It came through the proxy, and the user put a stand-in in AWS's place.
        return None
    return _Scope(host, *scope.groups())


def _check_region(scope: _Scope, there: SplitResult) -> None:
    """A client that asks for one region must not be served by another: law may be behind it."""
    host = there.hostname or ""
    region = _REGION.search(host)
    if region is not None and _is_aws(host) and region[0] != scope.region:
        better = host.replace(region[0], scope.region)
        raise _CannotSignError(
            f"it asks for the region {scope.region}: give --upstream NAME=https://{better}"
        )


def _signed(request: Request, scope: _Scope, credentials: Any) -> Request:  # noqa: ANN401  # botocore's
    from botocore.auth import SigV4Auth  # noqa: PLC0415  # an extra
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415  # the same

    kept = without_headers(request.headers, _SIGNATURE)
    # Any other header may be changed on the way by whoever passes it on.
    meant = {name: value for name, value in kept if _is_signed(name.lower())}
    asked = AWSRequest(request.method, request.url, headers=meant, data=request.body)
    SigV4Auth(credentials, scope.service, scope.region).add_auth(asked)
    signature = (pair for pair in asked.headers.items() if pair[0].lower() in _SIGNATURE)
    return replace(request, headers=(*kept, *signature))


def _is_signed(name: str) -> bool:
    return name == "content-type" or name.startswith("x-amz-")


def _is_aws(host: str) -> bool:
    return host.endswith(_AWS)


def _place(parts: SplitResult) -> str:
    """Host and port as a Host header has them."""
    return parts.netloc.lower().removesuffix(_USUAL_PORTS.get(parts.scheme, ""))


def _told(request: Request, scope: _Scope, why: str) -> str:
    there = request.parts.netloc
    return (
        f'nothing was sent to {there} (upstream "{request.upstream or "default"}"): the request is '
        f"signed for {scope.host or 'another host'}, and {why}; or let the client reach {there} "
        "through HTTPS_PROXY, which keeps its own signature"
    )
