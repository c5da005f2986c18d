"""Runs scenarios of the Python SDKs against two addresses; prints what each was given, as JSON.

`python -m tests.sdks.runner --openai URL --anthropic URL --group replay`: one line a scenario,
`{"scenario", "shown", "http"}`. `runner.mjs` does the same for Node, with the same lines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import traceback
from typing import TYPE_CHECKING

from tests.sdks import anthropic_scenarios, misses, openai_scenarios
from tests.sdks.scene import SCENARIOS, Addresses, Scene

if TYPE_CHECKING:
    from tests.sdks.scene import Scenario

# Importing them is what fills SCENARIOS.
_ENTERED = (openai_scenarios, anthropic_scenarios, misses)


def main() -> None:
    """Reads the flags, runs the groups, prints."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--openai", required=True)
    flags.add_argument("--anthropic", required=True)
    flags.add_argument("--group", action="append", required=True)
    flags.add_argument("--only", help="part of a scenario's name")
    chosen = flags.parse_args()
    # Asyncio complains there of connections that the broken streams left; nobody needs it here.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    scene = Scene(Addresses(chosen.openai, chosen.anthropic, os.environ["SDK_KEY"]))
    with asyncio.Runner() as loop:
        for scenario in SCENARIOS:
            if scenario.group in chosen.group and (chosen.only or "") in scenario.name:
                _run(scenario, scene, loop)


def _run(scenario: Scenario, scene: Scene, loop: asyncio.Runner) -> None:
    scene.begin(scenario.name)
    try:
        if scenario.run is not None:
            scenario.run(scene)
        elif scenario.run_async is not None:
            loop.run(_awaited(scenario, scene))
    except Exception:  # noqa: BLE001  # a scenario that fails is a result like another
        scene.show("crashed", traceback.format_exc())
    line = {"scenario": scenario.name, "shown": scene.shown, "http": scene.http}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def _awaited(scenario: Scenario, scene: Scene) -> None:
    assert scenario.run_async is not None
    await scenario.run_async(scene)


if __name__ == "__main__":
    main()
