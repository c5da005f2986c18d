"""An app with many clients: runs those of the modules named, and prints what each was given.

`python -m tests.sdks.proxied.program openai_clients …`: one line a client,
`{"client", "shown"}`. The programs in other languages print the same lines.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import traceback

from tests.sdks.proxied.talk import CLIENTS, Client, Talk


def main() -> None:
    """Imports the modules, which enters their clients, and runs these in order."""
    for module in sys.argv[1:]:
        importlib.import_module(f"tests.sdks.proxied.{module}")
    with asyncio.Runner() as loop:
        for client in CLIENTS:
            talk = Talk(client.name)
            try:
                _run(client, talk, loop)
            except Exception:  # noqa: BLE001  # a client that fails is a result like another
                talk.show("crashed", traceback.format_exc())
            line = {"client": talk.name, "shown": talk.shown}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


def _run(client: Client, talk: Talk, loop: asyncio.Runner) -> None:
    if client.run is not None:
        client.run(talk)
    elif client.run_async is not None:
        loop.run(_awaited(client, talk))


async def _awaited(client: Client, talk: Talk) -> None:
    assert client.run_async is not None
    await client.run_async(talk)


if __name__ == "__main__":
    main()
