"""Trains one contestant in this process on the job in FOLDER and leaves its answer there.

    python molecules_worker.py FOLDER

Writes `predicted.npy` and `answer.json`.
"""

import json
import sys
from pathlib import Path

import numpy as np
from molecules_job import Answer, read_job


def main(folder: Path) -> None:
    """See the module."""
    job, frame = read_job(folder)
    if job.model.startswith("ours"):
        from molecules_ours import ours

        answer = ours(job, frame, folder)
    else:
        from molecules_peers import CONTESTANTS

        answer = CONTESTANTS[job.model](job, frame, folder)
    np.save(folder / "predicted.npy", answer.predicted)
    (folder / "answer.json").write_text(json.dumps(_told(answer)))


def _told(answer: Answer) -> dict[str, object]:
    return {name: value for name, value in vars(answer).items() if name != "predicted"}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
