"""How a benchmark worker talks: one process a contestant, one step a line.

A worker prepares its model and data, prints what it is, and then runs a piece of work
each time it is told to. So contestants that live in different virtual environments take
turns, step by step, and share whatever else the machine is doing.
"""

import json
import resource
import sys
import time
from collections.abc import Callable


def serve(description: dict[str, object], work: dict[str, Callable[[], object]]) -> None:
    """Run `work[name]()` for each line `name` on standard input, until it is closed.

    Prints one JSON line for the description (model, parameters, samples a step) and one
    for each piece of work: wall and CPU seconds, peak memory in MB.
    """
    answer = sys.stdout
    sys.stdout = sys.stderr  # what libraries print must not mix with the answers
    print(json.dumps(description), file=answer, flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        work[line.strip()]()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"wall": wall, "cpu": cpu, "peak_mb": peak}), file=answer, flush=True)
