"""The control API under schemathesis: no 5xx, and no answer that its document does not tell.

`make api` installs it and says where it is; elsewhere this is skipped.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from tests.service.test_controlling import recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMATHESIS = os.environ.get("SCHEMATHESIS", "")
SECONDS = os.environ.get("SCHEMATHESIS_SECONDS", "20")
"""How long it may look. A minute is good for 2,600 requests, 20 seconds for 1,600."""
LEFT_OUT = [
    # It never ends.
    "--exclude-path=/journal/stream",
    # Which parts of a rule fit together is more than a schema can say.
    "--exclude-checks=positive_data_acceptance",
]


@pytest.mark.skipif(not SCHEMATHESIS, reason="no schemathesis; see `make api`")
@pytest.mark.slow
async def test_the_document_is_true(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with recorded(tmp_path / "cassettes", ca_dir=tmp_path / "ca") as run:
        await run.chat()
        process = await asyncio.create_subprocess_exec(
            SCHEMATHESIS,
            "run",
            f"{run.service.url}/_llmreplay/openapi.json",
            "--generation-deterministic",
            f"--max-time={SECONDS}",
            *LEFT_OUT,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told = (await process.communicate())[0].decode()
    assert process.returncode == 0, told
    cases = next(line.strip() for line in told.splitlines() if " generated, " in line)
    record_property("counted", f"schemathesis: {cases}")
