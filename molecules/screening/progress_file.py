"""A screen as a file: of a finished shard, or how far an unfinished one has come.

JSON, since it is small: the job, the parts that are done, and what was found in them.
"""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from molecules.screening.histogram import Histogram
from molecules.screening.hits import Hit
from molecules.screening.job import Job
from molecules.screening.screening import Screen
from sciml.errors import InputError
from sciml.files import write_text

FORMAT = 4


class Progress:
    """What was found so far.

    Args:
        job: what is to be done.
        shard: which shard of it, from 1.
        parts: of the library that are done: the first so many of this shard's.
        screen: what was found in them.
        complete: whether there are no more.
    """

    def __init__(
        self,
        job: Job,
        shard: int,
        parts: int = 0,
        screen: Screen | None = None,
        complete: bool = False,
    ) -> None:
        self.job, self.shard, self.parts, self.complete = job, shard, parts, complete
        self.screen = screen or Screen.of(job)

    def save(self, path: Path) -> None:
        """Write the file; it appears whole."""
        content = {
            "format": FORMAT,
            "job": self.job.model_dump(mode="json"),
            "shard": self.shard,
            "parts": self.parts,
            "complete": self.complete,
            "screen": _plain(self.screen),
        }
        write_text(path, json.dumps(content))

    @classmethod
    def load(cls, path: Path) -> "Progress":
        """Read a file that `save` wrote.

        Raises:
            InputError: missing, something else, or of another version.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise InputError(f"{path} is of another version; screen that shard again")
            job = Job.model_validate(content["job"])
            screen = _screen(job, content["screen"])
            return cls(job, content["shard"], content["parts"], screen, content["complete"])
        except InputError:
            raise
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise InputError(f"{path} is no shard; expected what `screen --shard` wrote") from error


def _plain(screen: Screen) -> dict[str, Any]:
    return {
        "hits": [asdict(hit) for hit in screen.best.kept()],
        "counts": screen.counts,
        "reasons": screen.reasons,
        "histograms": [
            {"exponent": h.exponent, "first": h.first, "counts": h.counts.tolist()}
            for h in screen.histograms
        ],
    }


def _screen(job: Job, content: dict[str, Any]) -> Screen:
    screen = Screen.of(job)
    screen.best.add(TypeAdapter(list[Hit]).validate_python(content["hits"]))
    screen.counts, screen.reasons = Counter(content["counts"]), Counter(content["reasons"])
    screen.histograms = [
        Histogram(h["exponent"], h["first"], np.array(h["counts"], np.int64))
        for h in content["histograms"]
    ]
    return screen
