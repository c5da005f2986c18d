"""Which requests are in OpenAI's dialect, and which model they name, by the path alone.

The same paths stand behind many prefixes (`/v1`, `/openai/v1`, `/openai/deployments/NAME`,
`/api/v1`, none at all), so the last segments decide and never the host.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from llmreplay.dialects.reading import fields, words

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Headers

__all__ = ["GENERATES", "model", "recognises"]

# Unmistakable wherever they stand. Ollama's own `/api/embeddings` takes another body.
_ANYWHERE = re.compile(
    r"""(?:^|/)(?:
        (?:chat/)?completions
      | chat/completions/[^/]+(?:/messages)?
      | responses(?:/[^/]+(?:/(?:cancel|input_items))?)?
      | (?<!/api/)embeddings
      | images/(?:generations|edits|variations)
      | audio/(?:speech|transcriptions|translations|voices|voice_consents)(?:/[^/]+)?
      | moderations
    )/?$""",
    re.VERBOSE,
)
# Common words: only right after a version, or after `openai`.
_VERSIONED = re.compile(
    r"""(?:^|/)(?:v\d+|openai)/(?:
        agents | assistants | batches | chatkit | containers | content_provenance_checks
      | conversations | decisions | evals | files | fine_tuning | images | live | organization
      | projects/[^/]+/(?:groups|roles|users) | realtime | safety | skills | threads | uploads
      | vaults | vector_stores | videos | webhook_endpoints
    )(?:/.*)?$""",
    re.VERBOSE,
)
# Gemini and Replicate post to `/models/NAME…`; OpenAI only reads and deletes there.
_MODELS = re.compile(r"(?:^|/)(?:v\d+|openai)/models(?:/(?P<name>.+))?$")
_DEPLOYMENT = re.compile(r"/deployments/(?P<name>[^/]+)/")

GENERATES = re.compile(
    r"(?:^|/)(?:completions|responses|embeddings|images/\w+|audio/speech|moderations)/?$"
)
"""The routes that make something from their input, where null is an option not given."""


def recognises(method: str, path: str, _headers: Headers) -> bool:
    """Whether the path is one of OpenAI's API."""
    return _recognises(method.upper(), path)


@lru_cache(maxsize=1024)
def _recognises(method: str, path: str) -> bool:
    if _ANYWHERE.search(path) or _VERSIONED.search(path):
        return True
    return method in {"GET", "DELETE"} and _MODELS.search(path) is not None


def model(path: str, body: Json) -> str | None:
    """The model in the body, else the one in the path (Azure's deployments, `/models/NAME`)."""
    asked = words(fields(body).get("model"))
    if asked:
        return asked
    named = _DEPLOYMENT.search(path) or _MODELS.search(path)
    return unquote(named["name"]) if named and named["name"] else None
