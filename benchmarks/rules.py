"""What rules cost that do not match: hits a second without, with one, and with a thousand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import cassettes
from benchmarks.processes import free_port, serving
from benchmarks.throughput import compare, ratio

RULE = "- {{name: rule {number}, match: {{model: no-such-model-{number}}}, fault: rate_limit}}\n"


def main() -> int:
    """Print the ratios to the same server without rules."""
    if shutil.which("wrk") is None:
        print("rules: skipped, wrk is not installed")
        return 0
    sample = cassettes.answer()
    body = sample.request.replace(cassettes.MARK.encode(), b"PROMPT-0000000")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cassettes.write(folder / "one", sample, 1)
        ports: dict[str, int] = {}
        for count in (0, 1, 1_000):
            name = f"{count:,} rules"
            overlay = folder / f"{count}.yaml"
            rules = (RULE.format(number=number) for number in range(count))
            overlay.write_text("rules:\n" + "".join(rules) if count else "rules: []\n")
            ports[name] = free_port()
            flags = ("--cassettes", str(folder / "one"), "--overlay", str(overlay))
            stack.enter_context(serving("serve", *flags, port=ports[name]))
        figures = compare(ports, body)
    for name, runs in figures.items():
        print(f"  {name}: {median(runs):,.0f} hits/s")
    for name in list(ports)[1:]:
        print(f"  {name} that do not match: {ratio(figures, name, '0 rules')}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"rules: {error}")
