"""Keys of every form in the table of formats, made anew from a seed; never a real one."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALPHANUMERIC = string.ascii_letters + string.digits
WORD = ALPHANUMERIC + "_-"
BASE64 = ALPHANUMERIC + "+/"
HEX = "0123456789abcdef"


class Made(random.Random):
    """Dice that make credentials."""

    def some(self, alphabet: str, length: int) -> str:
        """Letters of `alphabet`, with at least one digit and one letter of each case it has."""
        while True:
            text = "".join(self.choices(alphabet, k=length))
            if all(
                any(c in kind for c in text)
                for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase)
                if set(kind) & set(alphabet)
            ):
                return text

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.getrandbits(128), version=4))


@dataclass(frozen=True)
class Form:
    """A form of credential and, if it needs one, the context that gives it away."""

    name: str
    make: Callable[[Made], str]
    context: str = "{}"


def _openai_project(made: Made) -> str:
    kind = made.choice(["proj", "svcacct", "admin", "service"])
    half = made.choice([58, 74])
    return f"sk-{kind}-{made.some(WORD, half)}T3BlbkFJ{made.some(WORD, half)}"


def _pem(made: Made) -> str:
    lines = "\n".join(made.some(BASE64, 64) for _ in range(4))
    return f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"


def _anthropic(kind: str) -> Form:
    return Form(
        f"anthropic {kind}", lambda m: f"sk-ant-{kind}-{m.some(WORD, m.choice([80, 95, 101]))}"
    )


def _aws(kind: str) -> Form:
    return Form(f"aws {kind}", lambda m: kind + m.some(string.ascii_uppercase + "234567", 16))


def _sts_beginning(made: Made) -> str:
    return made.choice(["IQoJb3JpZ2luX2Vj", "FwoGZXIvYXdzE", "FQoGZXIvYXdzE", "AQoDYXdzE"])


FORMS = (
    Form("openai project", _openai_project),
    Form("openai", lambda m: f"sk-{m.some(ALPHANUMERIC, 20)}T3BlbkFJ{m.some(ALPHANUMERIC, 20)}"),
    Form("openai session", lambda m: f"sess-{m.some(ALPHANUMERIC, 40)}"),
    *(_anthropic(kind) for kind in ("api03", "admin01", "oat01", "ort01", "sid01")),
    Form("google", lambda m: f"AIza{m.some(WORD, 35)}"),
    Form("google oauth", lambda m: f"ya29.{m.some(WORD, 60)}"),
    *(_aws(kind) for kind in ("A3TX", "AKIA", "ASIA", "ABIA", "ACCA")),
    Form("bedrock", lambda m: f"ABSK{m.some(BASE64, m.choice([109, 180]))}="),
    Form("aws secret", lambda m: m.some(BASE64, 40), "aws_secret_access_key={}"),
    Form("aws session", lambda m: m.some(BASE64, 160) + "==", "AWS_SESSION_TOKEN={}"),
    Form("aws token", lambda m: _sts_beginning(m) + m.some(BASE64, 180) + "=="),
    Form("aws echo", lambda m: m.some(BASE64, 160) + "==", "x-amz-security-token:{}"),
    Form("sigv4", lambda m: m.some(HEX, 64), "SignedHeaders=host, Signature={}"),
    Form("azure", lambda m: m.some(HEX, 32), "api-key: {}"),
    Form("azure 84", lambda m: f"{m.some(ALPHANUMERIC, 52)}JQQJ99{m.some(ALPHANUMERIC, 26)}"),
    Form("entra", lambda m: f"{m.some(ALPHANUMERIC, 3)}8Q~{m.some(ALPHANUMERIC + '.~-_', 33)}a"),
    Form("groq", lambda m: f"gsk_{m.some(ALPHANUMERIC, 52)}"),
    Form("hugging face", lambda m: f"hf_{m.some(ALPHANUMERIC, 34)}"),
    Form("hugging face org", lambda m: f"api_org_{m.some(ALPHANUMERIC, 34)}"),
    Form("xai", lambda m: f"xai-{m.some(ALPHANUMERIC + '_', 80)}"),
    Form("perplexity", lambda m: f"pplx-{m.some(ALPHANUMERIC, 48)}"),
    Form("openrouter", lambda m: f"sk-or-v1-{m.some(HEX, 64)}"),
    Form("replicate", lambda m: f"r8_{m.some(WORD, 37)}"),
    Form("nvidia", lambda m: f"nvapi-{m.some(WORD, 64)}"),
    Form("databricks", lambda m: f"dapi{m.some(HEX, 32)}" + m.choice(["", "-2"])),
    Form("fireworks", lambda m: f"fw{m.choice('_-')}{m.some(ALPHANUMERIC, 30)}"),
    Form("together", lambda m: f"tgp_v1_{m.some(WORD, 43)}"),
    Form("together hex", lambda m: m.some(HEX, 64), "TOGETHER_API_KEY={}"),
    Form("cerebras", lambda m: f"csk-{m.some(string.ascii_lowercase + string.digits, 48)}"),
    Form("voyage", lambda m: f"pa-{m.some(WORD, 43)}"),
    Form("deepseek", lambda m: f"sk-{m.some(string.ascii_lowercase + string.digits, 32)}"),
    Form("cohere", lambda m: m.some(ALPHANUMERIC, 40), "cohere api key: {}"),
    Form("mistral", lambda m: m.some(ALPHANUMERIC, 32), "MISTRAL_API_KEY={}"),
    Form("elevenlabs", lambda m: f"sk_{m.some(HEX, 48)}"),
    Form("langfuse", lambda m: f"{m.choice('sp')}k-lf-{m.uuid()}"),
    Form(
        "langsmith", lambda m: f"lsv2_{m.choice(['pt', 'sk'])}_{m.some(HEX, 32)}_{m.some(HEX, 10)}"
    ),
    Form("pinecone", lambda m: f"pcsk_{m.some(ALPHANUMERIC, 6)}_{m.some(ALPHANUMERIC, 63)}"),
    Form("cloudflare", lambda m: f"cf{m.choice('ua')}t_{m.some(ALPHANUMERIC, 40)}{m.some(HEX, 8)}"),
    Form("github", lambda m: f"gh{m.choice('pousr')}_{m.some(ALPHANUMERIC, 36)}"),
    Form("github pat", lambda m: f"github_pat_{m.some(ALPHANUMERIC + '_', 82)}"),
    Form(
        "jwt",
        lambda m: f"ey{m.some(ALPHANUMERIC, 34)}.ey{m.some(WORD, 90)}.{m.some(WORD, 43)}",
    ),
    Form("pem", _pem),
)


def keys(seed: int = 1, each: int = 1) -> Iterator[tuple[Form, str]]:
    """`each` keys of every form."""
    made = Made(seed)
    for form in FORMS:
        for _ in range(each):
            yield form, form.make(made)


def spellings(key: str) -> Iterator[bytes]:
    """How `key` may be found in a file: raw, escaped, in hex, in base64 at each alignment.

    A key of several lines is found if any of its lines is.
    """
    for line in key.splitlines():
        if line.startswith("-----"):
            continue
        raw = line.encode()
        yield raw
        yield json.dumps(line)[1:-1].encode()
        yield json.dumps(line)[1:-1].replace("/", "\\/").encode()
        yield quote(line, safe="").encode()
        yield raw.hex().encode()
        for before in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                digits = encode(bytes(before) + raw)
                yield digits[(0, 2, 3)[before] : (before + len(raw)) * 4 // 3]


def left_of(key: str, text: bytes) -> list[bytes]:
    """The spellings of `key` that are in `text`: none, if it is redacted."""
    return [spelling for spelling in spellings(key) if spelling in text]
