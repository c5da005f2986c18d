from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.corpus.corpus import Corpus, corpus_folder

if TYPE_CHECKING:
    from tests.corpus.corpus import Taken


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """The corpus; a test that needs it is skipped without it, but not in CI."""
    folder = corpus_folder()
    if not (folder / "manifest.json").is_file():
        reason = f"no corpus of recorded traffic in {folder} (LLMREPLAY_CORPUS names its folder)"
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(reason)
        pytest.skip(reason)
    return Corpus.load(folder)


@pytest.fixture(scope="session")
def exchanges(corpus: Corpus) -> list[Taken]:
    """Every exchange of the corpus."""
    return list(corpus.exchanges())
