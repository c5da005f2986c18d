"""What credentials look like, as one table, and where in a text they are.

Each format begins with letters that nothing else begins with, so one pass of RE2 over a text
(about 2 ns a byte) says whether there is anything to look at; only then Python's `re` judges the
place. Formats that are not `strong` are replaced as well but are no reason to refuse a file. Who
calls: `finder` and `values`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import re2

from llmreplay.core.redaction.encodings import base64_needles, plain_spelling
from llmreplay.core.redaction.spans import PLACEHOLDER, Span

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FORMATS",
    "INNER",
    "MAYBE",
    "Format",
    "begins_word",
    "format_at",
    "is_plain",
    "kind_of",
    "latin1",
]

_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_ALPHANUMERIC = _WORD - frozenset(b"_-")
# So many digits of base64 are a blob, if no more of them are plus and slash than chance allows
# (two are expected); of words in a form, every sixth character is a plus.
_BLOB = 64
_MOST_SIGNS = 6
_BASE64 = re.compile(rb"(?=[A-Za-z+/]*[0-9])(?=[A-Z0-9+/]*[a-z])(?=[a-z0-9+/]*[A-Z])[A-Za-z0-9+/]+")

# What ends in a letter or digit and yet is no part of the word after it: escapes of JSON, YAML
# and URLs, and a terminal's colours.
_ESCAPES = (
    rb"(?:\\[abefnrtv0NLP_]|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2}|[\[;][0-9]{1,3}m)"
)
_ESCAPE_HERE = re.compile(_ESCAPES)
_ESCAPE_BEFORE = re.compile(_ESCAPES + rb"\Z")
_LONGEST_ESCAPE = 6

_SHORTEST = 8
_FEWEST_DISTINCT = 4
_LONGEST_WORDS = 24
_LONGEST_NUMBER = 16
_WORDS = re.compile(rb"[A-Za-z_-]*")
_ACCOUNT = re.compile(rb"[0-9]{12}")


def _at_anchor(_text: bytes, anchor: int) -> int:
    return anchor


def _four_before(_text: bytes, anchor: int) -> int:
    return max(0, anchor - 4)


def _at_word(text: bytes, anchor: int, most: int = 4096) -> int:
    start, least = anchor, max(0, anchor - most)
    while start > least and text[start - 1] in _ALPHANUMERIC:
        start -= 1
    escape = _ESCAPE_HERE.match(text, start - 1) if start > 0 else None
    return escape.end() if escape else start


def _in_84(text: bytes, anchor: int) -> int:
    return _at_word(text, anchor, 84)


@dataclass(frozen=True, slots=True)
class Format:
    """One form of credential.

    `anchors` are the letters that it begins with, `follows` what RE2 wants to see next. The
    group `secret` of `pattern`, if it has one, is the credential, else the whole match is.
    `begins` tells where it may begin from where an anchor is. `bounded` formats begin only where
    a word begins; `strong` ones are a credential wherever they stand, and those that are an id
    are none; `inner` are the beginnings that are also sought inside base64.
    """

    kind: str
    anchors: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    follows: bytes = rb"[\w-]{12}"
    begins: Callable[[bytes, int], int] = _at_anchor
    bounded: bool = True
    strong: bool = True
    is_id: bool = False
    inner: tuple[bytes, ...] = ()


# Spellings of characters that JSON or a URL escapes, at any depth of nesting.
_SLASH = rb"(?:\\*/|%2[fF])"
_PLUS = rb"(?:\+|%2[bB]|\\+u002[bB])"
_EQUALS = rb"(?:=|%3[dD]|\\+u003[dD])"
_BASE64_DIGIT = rb"(?:[A-Za-z0-9]|" + _SLASH + rb"|" + _PLUS + rb")"
# What stands between a header's name and its value: in a head, in a URL, in an object of JSON.
_QUOTE = rb"(?:\\*[\"'])?"
_IS = _QUOTE + rb"[ \t]{0,4}(?:[:=]|%(?:25)?3[aAdD]|\\+u003[aAdD])[ \t]{0,4}" + _QUOTE
_TOKEN = rb"(?=[A-Za-z_.~/+=-]*[0-9])"
_TOKEN += rb"(?:[\w.~+/=-]|%(?:25)?(?:2[bBfF]|3[dD])|\\+(?:/|u00(?:2[bB]|3[dD])))"
_SIG = rb"(?=[A-Za-z]*[0-9+/%\\])" + _BASE64_DIGIT + rb"{20,}" + _EQUALS + rb"{0,2}"
_STS = b"IQoJb3JpZ2lu AgoJb3JpZ2lu AgoGb3JpZ2lu FwoGZXIvYXdz FQoGZXIvYXdz AQoDYXdz"
_SPACE = rb"(?: |\+|%20)"
_PEM_NAME = rb"(?:" + _SPACE + rb"[A-Z0-9]{1,16}){0,3}" + _SPACE + rb"PRIVATE" + _SPACE + rb"KEY"
_PEM_NAME += rb"(?:" + _SPACE + rb"BLOCK)?"
_PEM_BODY = rb"(?:[A-Za-z0-9+/=\s]|\\+[nrt/]|%(?:0[aAdD]|20|2[bBfF]|3[dD]))"
_PEM_HEADER = rb"(?:Proc-Type|DEK-Info|Version): [\w ,.-]{1,80}"
_UUID = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def _format(  # noqa: PLR0913  # a row of the table
    kind: str,
    anchors: bytes,
    pattern: bytes,
    *,
    follows: bytes = rb"[\w-]{12}",
    begins: Callable[[bytes, int], int] = _at_anchor,
    bounded: bool = True,
    strong: bool = True,
    is_id: bool = False,
    inner: bytes = b"",
) -> Format:
    return Format(
        kind,
        tuple(anchors.split()),
        re.compile(pattern),
        follows,
        begins,
        bounded,
        strong,
        is_id,
        tuple(inner.split()),
    )


# Where the published form has one exact length, the pattern has it too, so that in a stream
# the word after a key is left alone; `{n,}` stands where lengths vary.
FORMATS: tuple[Format, ...] = (
    _format("anthropic", b"sk-ant-", rb"sk-ant-[a-z]+\d{2}-[\w-]{80,}", inner=b"sk-ant-"),
    _format(
        "openai",
        b"sk-proj- sk-svcacct- sk-admin- sk-service-",
        rb"sk-(?:proj|svcacct|admin|service)-"
        rb"(?:(?:[\w-]{74}|[\w-]{58})T3BlbkFJ(?:[\w-]{74}|[\w-]{58})|[\w-]{40,})",
        inner=b"sk-proj- sk-svcacct- sk-admin- sk-service-",
    ),
    _format(
        "openai",
        b"sk-",
        rb"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
        inner=b"T3BlbkFJ",
    ),
    _format("openai", b"sess-", rb"sess-[A-Za-z0-9]{40}", inner=b"sess-"),
    _format("openrouter", b"sk-or-v1-", rb"sk-or-v1-[0-9a-f]{64}", inner=b"sk-or-v1-"),
    _format("langfuse", b"sk-lf- pk-lf-", rb"[sp]k-lf-" + _UUID, inner=b"sk-lf- pk-lf-"),
    # DeepSeek's, Moonshot's, DashScope's and other gateways': the plain form of OpenAI's first
    # keys. In 12,268 recorded exchanges nothing else has it, given the left boundary.
    _format("key", b"sk-", rb"sk-(?=[A-Za-z]*[0-9])[a-z0-9]{32}(?![A-Za-z0-9])"),
    _format("key", b"sk-", rb"sk-(?=[A-Za-z]*[0-9])[A-Za-z0-9]{32,}"),
    # Base64 can begin so, and goes on.
    _format("google", b"AIza", rb"AIza[\w-]{35}(?![A-Za-z0-9+/]{40})", inner=b"AIza"),
    _format("google", b"ya29.", rb"ya29\.[\w-]{10,}", follows=rb"[\w-]{10}", inner=b"ya29."),
    _format(
        "aws",
        b"A3T AKIA ASIA ABIA ACCA",
        # Sequences of nucleotides are no keys.
        rb"(?!ACCA[ACGTN]{16})(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])",
        follows=rb"[A-Z0-9]{16}",
        inner=b"AKIA ASIA",
    ),
    _format(
        "aws",
        b"ABSK",
        rb"ABSK" + _BASE64_DIGIT + rb"{109,269}" + _EQUALS + rb"{0,2}(?![A-Za-z0-9+/=])",
        follows=rb"[A-Za-z0-9+/%\\]{12}",
        inner=b"ABSK",
    ),
    # What STS gives out begins with one of a few names, in base64: `origin_ec`, `er/aws`, `aws`.
    _format(
        "aws",
        _STS,
        rb"(?:IQoJ|Ago[GJ]|F[Qw]oG|AQoD)" + _BASE64_DIGIT + rb"{108,}" + _EQUALS + rb"{0,2}",
        follows=rb"[A-Za-z0-9+/%\\]{12}",
        inner=_STS,
    ),
    _format(
        "signature",
        b"Signature",
        rb"Signature" + _EQUALS + rb"(?P<secret>[0-9a-f]{64}|[\w~%-]{64,})",
        follows=rb"[=%\\]",
        bounded=False,
    ),
    _format(
        "signature",
        b"X-Amz-Signature X-Amz-Credential X-Amz-Security-Token X-Goog-Signature X-Goog-Credential",
        rb"X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)"
        + _EQUALS
        + rb"(?P<secret>(?:(?!%26)[^\s&\"'<>\\,;)\x00]){8,})",
        follows=rb"[=%\\]",
    ),
    # AWS tells whose signature is wrong what he should have signed: his headers, in lower case.
    _format(
        "aws",
        b"x-amz-security-token X-Amz-Security-Token",
        rb"[xX]-[aA]mz-[sS]ecurity-[tT]oken" + _IS + rb"(?P<secret>" + _TOKEN + rb"{20,})",
        follows=rb"[ \t\"'\\:=%]",
    ),
    _format(
        "signature",
        b"sig",
        rb"sig" + _EQUALS + rb"(?P<secret>" + _SIG + rb")",
        follows=rb"[=%\\]",
        strong=False,
    ),
    _format(
        "azure",
        b"JQQJ99",
        rb"(?=[A-Za-z0-9]{0,78}JQQJ99)[A-Za-z0-9]{84}(?![A-Za-z0-9])",
        follows=b"",
        begins=_in_84,
        inner=b"JQQJ99",
    ),
    _format(
        "azure",
        b"Q~",
        rb"[\w~.]{3}\dQ~[\w~.-]{31,34}(?![\w~-])",
        follows=rb"[\w~.-]{31}",
        begins=_four_before,
    ),
    _format("groq", b"gsk_", rb"gsk_[A-Za-z0-9]{52}", inner=b"gsk_"),
    _format("huggingface", b"hf_ api_org_", rb"(?:hf_|api_org_)[A-Za-z0-9]{34}", inner=b"api_org_"),
    _format("xai", b"xai-", rb"xai-\w{80}", inner=b"xai-"),
    _format("perplexity", b"pplx-", rb"pplx-[A-Za-z0-9]{48}", inner=b"pplx-"),
    _format("replicate", b"r8_", rb"r8_(?=[A-Za-z_-]*[0-9])[\w-]{37}"),
    _format("nvidia", b"nvapi-", rb"nvapi-[\w-]{64}", inner=b"nvapi-"),
    _format("databricks", b"dapi", rb"dapi[a-f0-9]{32}(?:-\d)?", inner=b"dapi"),
    _format("fireworks", b"fw_ fw-", rb"fw[_-](?=[A-Za-z]*[0-9])[A-Za-z0-9]{22,}"),
    _format("together", b"tgp_v1_", rb"tgp_v1_[\w-]{20,}", inner=b"tgp_v1_"),
    _format("cerebras", b"csk-", rb"csk-(?=[A-Za-z]*[0-9])[A-Za-z0-9]{20,}", inner=b"csk-"),
    _format(
        "voyage",
        b"pa-",
        rb"pa-(?=[A-Za-z_-]*[0-9])(?=[a-z0-9_-]*[A-Z])(?=[A-Z0-9_-]*[a-z])[\w-]{30,}",
    ),
    _format("elevenlabs", b"sk_", rb"sk_[a-f0-9]{48}"),
    _format("langsmith", b"lsv2_", rb"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}", inner=b"lsv2_"),
    _format("pinecone", b"pcsk_", rb"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}", inner=b"pcsk_"),
    _format("cloudflare", b"cfut_ cfat_", rb"cf[ua]t_[A-Za-z0-9]{40}[a-f0-9]{8}"),
    _format(
        "github",
        b"ghp_ gho_ ghu_ ghs_ ghr_",
        rb"gh[pousr]_[0-9a-zA-Z]{36}",
        inner=b"ghp_ gho_ ghu_ ghs_ ghr_",
    ),
    _format("github", b"github_pat_", rb"github_pat_\w{82}", inner=b"github_pat_"),
    _format(
        "jwt",
        b".ey",
        rb"ey[A-Za-z0-9]{17,}\.ey(?:[\w-]|" + _SLASH + rb"){17,}\.(?:[\w-]|" + _SLASH + rb"){10,}",
        follows=rb"[\w/\\%-]{17}",
        begins=_at_word,
    ),
    _format(
        "pem",
        b"-----BEGIN",
        rb"-----BEGIN" + _PEM_NAME + rb"-----(?:(?:" + _PEM_BODY + rb"|" + _PEM_HEADER + rb")*"
        rb"-----END" + _PEM_NAME + rb"-----|" + _PEM_BODY + rb"{40,})?",
        follows=_PEM_NAME,
        bounded=False,
        inner=b"-----BEGIN",
    ),
    # Who pays is nobody's business either, but no credential.
    _format("org", b"org-", rb"org-[A-Za-z0-9]{20,}", strong=False, is_id=True),
    _format(
        "account",
        b"arn:aws arn%3Aaws arn%3aaws",
        rb"arn(?::|%3[aA])aws[\w-]*(?:(?::|%3[aA])[\w-]*){2}(?::|%3[aA])(?P<secret>\d{12})(?!\d)",
        follows=b"",
        bounded=False,
        strong=False,
        is_id=True,
    ),
    # A password in the URL of anything, such as a database.
    _format(
        "password",
        b"://",
        rb"://[^\s:/@\"'\\<>?#]{0,64}:(?P<secret>[^\s:/@\"'\\<>?#]{8,128})@",
        follows=rb"[^\s:/@\"'\\<>?#]{0,64}:[^\s:/@\"'\\<>?#]{8,128}@",
        bounded=False,
        strong=False,
    ),
)


INNER: dict[bytes, int] = {
    needle: shift
    for form in FORMATS
    for prefix in form.inner
    for needle, shift in base64_needles(prefix)
}
"""How the beginnings of strong formats look in base64 → characters since the quad's start."""


def latin1(pattern: bytes) -> Any:  # noqa: ANN401  # re2 ships no types
    """`pattern` for RE2, over bytes of any kind."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False  # what is sought is nobody's business
    return re2.compile(pattern, options)


MAYBE = latin1(
    b"|".join(
        [re.escape(anchor) + form.follows for form in FORMATS for anchor in form.anchors]
        + [re.escape(needle) for needle in INNER]
    )
)
"""Finds every place where a format may be, plain or in base64."""


_BEGINNING = 2
_BY_BEGINNING: dict[bytes, list[Format]] = {}
for _form in FORMATS:
    for _beginning in {anchor[:_BEGINNING] for anchor in _form.anchors}:
        _BY_BEGINNING.setdefault(_beginning, []).append(_form)


def format_at(text: bytes, anchor: int) -> tuple[Format, Span] | None:
    """The format whose anchor is at `anchor`, and the credential that it finds there."""
    for form in _BY_BEGINNING.get(text[anchor : anchor + _BEGINNING], ()):
        if not text.startswith(form.anchors, anchor):
            continue
        start = form.begins(text, anchor)
        if form.bounded and not begins_word(text, start):
            continue
        found = form.pattern.match(text, start)
        if found is None:
            continue
        start, end = found.span("secret" if form.pattern.groupindex else 0)
        secret = plain_spelling(text[start:end])
        if PLACEHOLDER.match(text, start) or (form.kind == "password" and is_plain(secret)):
            continue
        return form, Span(start, end, secret)
    return None


def kind_of(secret: bytes) -> str:
    """The word for a secret in its placeholder, by its own form alone; `key` where none is known.

    Nothing but the form may count: a request that is matched tells no more about the secret.
    """
    for form in FORMATS:
        if not form.pattern.groupindex and form.pattern.fullmatch(secret):
            return form.kind
    return "account" if _ACCOUNT.fullmatch(secret) else "key"


def is_plain(value: bytes) -> bool:
    """Whether `value` is plainly no secret (`EMPTY`, `your-api-key-here`), to be let alone."""
    return (
        len(value) < _SHORTEST
        or len(set(value)) < _FEWEST_DISTINCT
        or (len(value) < _LONGEST_WORDS and _WORDS.fullmatch(value) is not None)
        or (len(value) < _LONGEST_NUMBER and value.isdigit())
        or PLACEHOLDER.search(value) is not None
    )


def begins_word(text: bytes, at: int) -> bool:
    """Whether a credential can begin at `at`: no letter or digit before it, but for an escape's.

    Plus and slash are a boundary unless they are digits of base64 themselves.
    """
    if at == 0:
        return True
    before = text[at - 1]
    if before in _WORD:
        return _ESCAPE_BEFORE.search(text, max(0, at - _LONGEST_ESCAPE), at) is not None
    return before not in b"+/" or not _inside_base64(text, at)


def _inside_base64(text: bytes, at: int) -> bool:
    """Whether what is before `at` looks like base64, and not like words with plus signs between."""
    before = text[max(0, at - _BLOB) : at]
    return (
        len(before) == _BLOB
        and _BASE64.fullmatch(before) is not None
        and before.count(b"+") + before.count(b"/") <= _MOST_SIGNS
    )
