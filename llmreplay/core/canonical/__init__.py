"""The canonical form: one spelling for all requests that mean the same.

It decides what takes part in a match and what does not. What a provider's fields mean is the
dialect's to say, hashing is `fingerprint`'s, comparing `mismatch`'s. Cassettes are run through
it when they are loaded, live requests when they arrive, under the same settings.
"""

from llmreplay.core.canonical.body import BodyKind
from llmreplay.core.canonical.form import Canonical, canonical
from llmreplay.core.canonical.presets import PRESETS
from llmreplay.core.canonical.settings import MatchSettings, Strictness

__all__ = [
    "PRESETS",
    "BodyKind",
    "Canonical",
    "MatchSettings",
    "Strictness",
    "canonical",
]
