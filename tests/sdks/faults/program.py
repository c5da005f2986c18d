"""Asks with the SDKs whose modules are named, as the lines of its input say, and prints answers.

`python -m tests.sdks.faults.program sdk_openai …`: a job a line in, `{"case", "sdk", "heard"}` a
line out, in the order in which they end. `program.mjs` does the same for Node.

What SDKs leave to chance in their waits is fixed in the middle, so that each run waits alike; and
what each client would make anew to trust the same certificates is made once.
"""

from __future__ import annotations

import importlib
import json
import logging
import random
import ssl
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cache

from tests.sdks.faults.asking import Job, run

_AT_ONCE = 6
_PRINTING = threading.Lock()


def main() -> None:
    """Reads, asks, prints."""
    # Before the SDKs are imported: some take the function itself.
    random.random = lambda: 0.5
    random.uniform = _middle
    vars(ssl)["create_default_context"] = cache(ssl.create_default_context)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    for module in sys.argv[1:]:
        importlib.import_module(f"tests.sdks.faults.{module}")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for line in sys.stdin:
            job = Job(**json.loads(line))
            if job.may_hang:
                threading.Thread(target=_do, args=(job,), daemon=True).start()
            else:
                pool.submit(_do, job)


def _middle(a: float, b: float) -> float:
    return (a + b) / 2


def _do(job: Job) -> None:
    line = {"case": job.case, "sdk": job.sdk, "heard": asdict(run(job))}
    with _PRINTING:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
