"""All benchmarks, one after the other. Each prints ratios from this very run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import (
    meaning,
    misses,
    pacing,
    recording,
    rules,
    sessions,
    startup,
    throughput,
    tunnels,
)

if __name__ == "__main__":
    throughput.main()
    rules.main()
    tunnels.main()
    recording.main()
    pacing.main()
    startup.main()
    meaning.main()
    misses.main()
    sessions.main()
