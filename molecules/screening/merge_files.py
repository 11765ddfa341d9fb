"""Shards of a screen put together, as if the library had been screened at once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from molecules.files.sources import refuse_to_overwrite
from molecules.prediction.model_source import ModelSource
from molecules.screening.finish import finish, prepare
from molecules.screening.job import Job, LibraryFile
from molecules.screening.options import HitOptions
from molecules.screening.outputs import Outputs
from molecules.screening.progress_file import Progress
from molecules.screening.report import Row
from molecules.screening.screening import screener
from sciml.errors import InputError


def merge_files(
    shards: Sequence[Path],
    out: Path,
    csv: Path | None = None,
    options: HitOptions | None = None,
    model: Sequence[Path] = (),
) -> list[Row]:
    """Put all shards of a screen together, in whatever order they are given.

    Args:
        shards: files that `screen_file` wrote, all of one screen.
        out, csv, options: as of `screen_file`; the actives that were ranked by may lie
            elsewhere than they did.
        model: files of the model that screened, where it lies elsewhere than it did.

    Returns:
        The hits.

    Raises:
        InputError: a shard is missing, given twice, or of another screen; the model or the
            actives are not there, or others; or an input would be overwritten.
    """
    options = options or HitOptions()
    outputs = Outputs.of(out, csv)
    for file in (*shards, *options.tables):
        for path in outputs.files:
            refuse_to_overwrite(file, path)
    found = sorted((Progress.load(path) for path in shards), key=lambda part: part.shard)
    whole = found[0]
    _require_all(found, shards)
    prepared = screener(_job_here(whole.job, model, options.actives))
    company = prepare(prepared, options)
    for part in found[1:]:
        whole.screen.merge(part.screen)
    return finish(whole, prepared, company, options, outputs)


def _job_here(job: Job, model: Sequence[Path], actives: Path | None) -> Job:
    """The job with what it needs where that lies now: shards may come from elsewhere."""
    found: dict[str, object] = {"model": _model_here(job.model, model), "cache": None}
    if job.actives is not None:
        found["actives"] = _actives_here(job.actives, actives)
    return job.model_copy(update=found)


def _model_here(told: ModelSource, given: Sequence[Path]) -> ModelSource:
    if not given:
        _require_here(told.paths, "--model")
        return replace(told, device="cpu")
    here = ModelSource.of(given)
    if here.digest != told.digest:
        names = ", ".join(map(str, given))
        raise InputError(f"--model {names} is not the model that screened; give {_names(told)}")
    return replace(told, paths=here.paths, device="cpu")


def _actives_here(told: LibraryFile, given: Path | None) -> LibraryFile:
    """Those given, if they are the same; others are only shown."""
    here = LibraryFile.of(str(given or told.path))
    if here.same(told):
        return here
    _require_here([told.path], "--actives")
    return told


def _names(model: ModelSource) -> str:
    return ", ".join(Path(path).name for path in model.paths)


def _require_here(paths: Sequence[str], option: str) -> None:
    for path in paths:
        if not Path(path).is_file():
            raise InputError(
                f"the shards were screened with {path}, which is not here; name it with {option}"
            )


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
