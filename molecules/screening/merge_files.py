"""Shards of a screen put together, as if the library had been screened at once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from molecules.files.sources import refuse_to_overwrite
from molecules.screening.finish import finish, prepare
from molecules.screening.options import HitOptions
from molecules.screening.outputs import Outputs
from molecules.screening.progress_file import Progress
from molecules.screening.report import Row
from molecules.screening.screening import screener
from sciml.errors import InputError


def merge_files(
    shards: Sequence[Path], out: Path, csv: Path | None = None, options: HitOptions | None = None
) -> list[Row]:
    """Put all shards of a screen together, in whatever order they are given.

    Args:
        shards: files that `screen_file` wrote, all of one screen.
        out, csv, options: as of `screen_file`.

    Returns:
        The hits.

    Raises:
        InputError: a shard is missing, given twice, or of another screen; or an input would
            be overwritten.
    """
    options = options or HitOptions()
    outputs = Outputs.of(out, csv)
    for file in (*shards, *options.tables):
        for path in outputs.files:
            refuse_to_overwrite(file, path)
    found = sorted((Progress.load(path) for path in shards), key=lambda part: part.shard)
    whole = found[0]
    _require_all(found, shards)
    here = replace(whole.job.model, device="cpu")  # the shards may come from elsewhere
    prepared = screener(whole.job.model_copy(update={"model": here}))
    company = prepare(prepared, options)
    for part in found[1:]:
        whole.screen.merge(part.screen)
    return finish(whole, prepared, company, options, outputs)


def _require_all(found: list[Progress], paths: Sequence[Path]) -> None:
    job = found[0].job
    for part in found:
        if other := job.difference(part.job):
            raise InputError(f"the shards are of different screens: one has {other}")
        if not part.complete:
            raise InputError(f"shard {part.shard} is not finished; screen it again to go on")
    numbers = [part.shard for part in found]
    missing = sorted(set(range(1, job.shards + 1)) - set(numbers))
    if missing:
        listed = ", ".join(f"{number}/{job.shards}" for number in missing)
        raise InputError(f"shards are missing: {listed}; screen them with --shard, then merge")
    if len(numbers) > job.shards:
        raise InputError(f"a shard is given twice: {len(paths)} files for {job.shards} shards")
