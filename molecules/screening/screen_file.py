"""A library, or a shard of it, ranked by a model: the whole job from files to files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from molecules.choices import Combine, Device, Precision, RankBy
from molecules.files.sources import refuse_to_overwrite
from molecules.prediction.model_source import ModelSource
from molecules.prediction.parallel import workers as start_workers
from molecules.prediction.rows import PART_ROWS, account, source_of
from molecules.screening.carry_out import begin, carry_out, progress_path
from molecules.screening.filters import check_names
from molecules.screening.finish import finish, prepare
from molecules.screening.job import Job, LibraryFile, read_shard
from molecules.screening.objectives import read_objectives, require_weight
from molecules.screening.options import HitOptions
from molecules.screening.outputs import Outputs
from molecules.screening.progress_file import Progress
from molecules.screening.report import Row
from molecules.screening.screening import screener
from sciml.cli import progress as progress_bar
from sciml.errors import InputError
from sciml.files import only_writer

NO_OPTIONS = HitOptions()


def make_job(
    model: Path | Sequence[Path],
    library: Sequence[str],
    *,
    targets: Sequence[str] = (),
    minimize: bool = False,
    actives: Path | None = None,
    rank_by: RankBy = "mean",
    combine: Combine = "sum",
    top: int = 100,
    exclude: Sequence[str] = (),
    min_similarity: float = 0.0,
    smiles: str | None = None,
    shards: int = 1,
    part_rows: int = PART_ROWS,
    cache: Path | None = None,
    device: Device = "cpu",
    precision: Precision = "float32",
) -> Job:
    """A job as a user describes it; see `Job`.

    Raises:
        InputError: an input that cannot be used.
    """
    if top < 1:
        raise InputError(f"--top is {top}; expected at least 1")
    source = ModelSource.of(model, device, precision)
    tasks = source.load().tasks
    objectives = read_objectives(targets, minimize, tasks, actives is not None)
    require_weight(objectives)
    ranks = not {objective.name for objective in objectives} <= set(tasks.names)
    return Job(
        model=source,
        files=tuple(LibraryFile.of(source_of(path)) for path in library),
        smiles=smiles,
        objectives=objectives,
        actives=LibraryFile.of(str(actives)) if ranks else None,
        by=rank_by,
        combine=combine,
        top=top,
        exclude=check_names(exclude),
        min_similarity=min_similarity,
        shards=shards,
        part_rows=part_rows,
        cache=cache,
    )


def screen_file(
    model: Path | Sequence[Path],
    library: str | Sequence[str],
    out: Path,
    csv: Path | None = None,
    *,
    targets: Sequence[str] = (),
    minimize: bool = False,
    rank_by: RankBy = "mean",
    combine: Combine = "sum",
    top: int = 100,
    exclude: Sequence[str] = (),
    min_similarity: float = 0.0,
    smiles: str | None = None,
    shard: str | None = None,
    workers: int | None = 1,
    scheduler: str | None = None,
    cache: Path | None = None,
    device: Device = "cpu",
    precision: Precision = "float32",
    options: HitOptions = NO_OPTIONS,
) -> list[Row]:
    """Rank a library and write the best molecules as a page and a table, or as a table alone.

    A run that is ended on the way leaves a hidden file beside `out`; the same call then
    goes on where it was.

    Args:
        model: file that `train` wrote, or several of the same properties.
        library: files with one molecule per row, "-" for standard input, or `demo`.
        out, csv: see `Outputs.of`.
        targets, minimize: see `read_objectives`.
        rank_by, combine, top, exclude, min_similarity, smiles, cache: see `Job`.
        shard: `3/16` screens the third of sixteen shards and writes it beside `out`, for
            `merge_files`.
        workers, scheduler: see `prediction.parallel.workers`.
        device, precision: see `ModelSource.of`; every worker of a cluster must have the device.
        options: what is said about the hits.

    Returns:
        The hits; none of a shard.

    Raises:
        InputError: an input that cannot be used, or no valid molecule in it.
    """
    number, shards = read_shard(shard)
    files = [library] if isinstance(library, str) else list(library)
    outputs = Outputs.of(out, csv)
    made = [shard_path(out, number, shards)] if shards > 1 else outputs.files
    read: list[Path | str] = [*map(source_of, files), *options.tables]
    for file in read:
        for path in made:
            refuse_to_overwrite(file, path)
    job = make_job(
        model, files, targets=targets, minimize=minimize, actives=options.actives,
        rank_by=rank_by, combine=combine, top=top, exclude=exclude,
        min_similarity=min_similarity, smiles=smiles, shards=shards, cache=cache, device=device,
        precision=precision,
    )  # fmt: skip
    if shards == 1:
        company = prepare(screener(job), options)
    elif _of_the_page(options, job) or csv is not None:
        raise InputError("a shard has no page; give what is said about the hits to `merge`")
    with only_writer(made[0]):
        progress = begin(job, number, made[0])
        number_of = workers if scheduler else job.model.processes(workers)
        with start_workers(number_of, scheduler) as pool, progress_bar() as bar:
            carry_out(progress, pool, bar, made[0])
        if shards > 1:
            rows = _finish_shard(progress, made[0])
        else:
            rows = finish(progress, screener(job), company, options, outputs)
        progress_path(made[0]).unlink(missing_ok=True)
    return rows


def _of_the_page(options: HitOptions, job: Job) -> bool:
    """Whether something is to be said about the hits; actives may be there to rank by."""
    return (replace(options, actives=None) if job.actives else options) != NO_OPTIONS


def shard_path(out: Path, shard: int, shards: int) -> Path:
    """Where a shard of the page `out` is written: `hits.3-of-16.json`."""
    return out.with_name(f"{out.stem}.{shard}-of-{shards}.json")


def _finish_shard(progress: Progress, path: Path) -> list[Row]:
    progress.save(path)
    counts = progress.screen.counts
    print(f"{path}: {counts.total():,} rows, {account(counts) or 'none'}")
    return []
