"""A CA that the tests of the proxy share: making one takes a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.certificates import Authority
from tests.proxy.gates import HOSTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder: Path = tmp_path_factory.mktemp("ca")
    return Authority(folder, HOSTS)
