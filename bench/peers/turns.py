"""What every peer that is timed does: it greets with a line of JSON and takes steps when asked (see ../python.ts)."""

import json
import re
import sys
import time
from collections.abc import Callable


def say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


def take_turns(step: Callable[[], object], version: str) -> None:
    """Greets, then for each line `run N` on stdin takes N steps and prints {"ms": [one number a step]}. Ends with stdin."""
    say({"ready": True, "version": version})
    for line in sys.stdin:
        match = re.fullmatch(r"run (\d+)", line.strip())
        if not match:
            sys.exit(f"expected `run N`, got {line!r}")
        milliseconds = []
        for _ in range(int(match.group(1))):
            start = time.perf_counter()
            step()
            milliseconds.append((time.perf_counter() - start) * 1000)
        say({"ms": milliseconds})
