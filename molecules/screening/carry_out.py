"""Carry a screen out, and go on with one that was ended on the way.

Parts are handed to workers and added to what was found in the order of the library.
What was found is written every few seconds with the number of parts it holds, so a
screen that is killed goes on behind the last of them: no row is lost or counted twice.
"""

import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from rich.progress import Progress as Bar

from molecules.prediction.parallel import Workers, along
from molecules.prediction.rows import watched
from molecules.screening.job import Job
from molecules.screening.progress_file import Progress
from molecules.screening.screening import Part, screen_part
from sciml.cli import note
from sciml.errors import InputError

SAVE_SECONDS = 2.0  # at least, between two writings
_SHARE = 0.05  # of the time, at most, that is spent on writing


def progress_path(out: Path) -> Path:
    """Where an unfinished screen waits."""
    return out.with_name(f".{out.name}.progress")


def begin(job: Job, shard: int, out: Path) -> Progress:
    """Nothing done yet, or what an earlier run of the same job has done.

    Raises:
        InputError: an unfinished screen of another job waits there.
    """
    path = progress_path(out)
    if not path.exists() or any(file.path == "-" for file in job.files):
        return Progress(job, shard)
    found = Progress.load(path)
    other = job.difference(found.job) or ("" if found.shard == shard else "another shard")
    if other:
        raise InputError(
            f"an unfinished screen waits for {out}, with {other}: "
            f"repeat its options to go on, or delete {path}"
        )
    note(f"going on behind {found.screen.counts.total():,} rows of an unfinished screen")
    return Progress(job, shard, found.parts, found.screen)


def carry_out(progress: Progress, workers: Workers, bar: Bar, out: Path) -> None:
    """Screen all parts that are not done, and note the progress beside `out`."""
    best, parts = progress.screen.best, _remaining(progress, bar)
    work = partial(screen_part, progress.job)
    written, cost = time.monotonic(), 0.0
    for part, found in along(workers, work, parts, lambda part: (part, best.floor())):
        progress.screen.merge(found)
        _move(bar, part)
        progress.parts += 1
        now = time.monotonic()
        if now - written >= max(SAVE_SECONDS, cost / _SHARE):
            progress.save(progress_path(out))
            written = time.monotonic()
            cost = written - now
    progress.complete = True


def _move(bar: Bar, part: Part) -> None:
    """The bar stands behind this part."""
    for task in bar.tasks[: part.file]:
        bar.update(task.id, completed=task.total)
    bar.update(bar.task_ids[part.file], completed=part.first_row - 1 + len(part.smiles))


def _remaining(progress: Progress, bar: Bar) -> Iterator[Part]:
    job = progress.job
    own = islice(_parts(job, bar), progress.shard - 1, None, job.shards)
    return islice(own, progress.parts, None)


def _parts(job: Job, bar: Bar) -> Iterable[Part]:
    for number, file in enumerate(job.files):
        row = 1
        for table in watched(
            file.path, job.smiles, bar, Path(file.path).name, job.part_rows, ahead=True
        ):
            yield Part.of(table, number, row)
            row += len(table)
