"""The command `molecules screen`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molecules.choices import Combine, Device, Precision, RankBy
from molecules.commands.parameters import Files
from molecules.screening.options import HitOptions


def screen(
    model: Path,
    library: Files = None,
    *,
    target: list[str] | None = None,
    minimize: bool = False,
    rank_by: RankBy = "mean",
    combine: Combine = "sum",
    top: int = 100,
    out: Path = Path("hits.html"),
    csv: Path | None = None,
    exclude: list[str] | None = None,
    min_similarity: float = 0.0,
    smiles: str | None = None,
    shard: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    cache: Path | None = None,
    device: Device = "cpu",
    precision: Precision = "float32",
    hits: Annotated[HitOptions, Parameter(name="*")] = HitOptions(),  # noqa: B008 (frozen)
) -> None:
    """Rank a library of any size and draw the best molecules in one HTML page.

    A screen that is ended goes on when the same command is given again.

    Args:
        model: the file `model.safetensors` of a training run.
        library: files as `table` of `predict`, behind further models as there; `demo`, if
            none is given, is 4,999 molecules that come with RDKit.
        target: property to rank by: `logS`, `toxic:min`, or with a weight `logS:max:2`;
            repeat for several. `similarity` is that to the nearest of the `--actives`; in a
            sum 0.06 of it count as much as one standard deviation of a property.
        minimize: rank small values first, where a target does not say.
        rank_by: the prediction (mean), the worse end of its interval (bound), or the
            expected improvement over the best measured value.
        combine: several targets: their weighted sum, in standard deviations of the measured
            values; or fronts, first all molecules that no other beats, then all that only
            those beat, until there are `top` (pareto).
        top: how many distinct molecules to keep.
        out: .html, a page that needs no other file, with a table beside it; or the table alone:
            .csv, .tsv, .parquet, .xlsx or .sdf.
        csv: the table of the page, if it is to lie elsewhere or in another format.
        exclude: filter that keeps molecules from the model, as `--flag`; repeat for several.
        min_similarity: pass over molecules whose Tanimoto similarity to the nearest
            training molecule is lower; 0.3 keeps to what the model can know.
        smiles: column with the SMILES or InChI; found by its name or content if left out.
        shard: `3/16` screens the third of sixteen parts, for `molecules merge`; of `--out
            hits.html` it writes `hits.3-of-16.json`.
        workers: processes; one per core if left out.
        scheduler: address of a Dask scheduler, to work on its cluster instead.
        cache: folder that keeps molecular graphs; the next model need not parse again.
        device: cuda computes on the GPU, which all processes share; auto if there is one.
        precision: bfloat16 halves the time of the networks on processors that have it, for
            changes of some thousandths.
    """
    from molecules.prediction.model_source import split_files
    from molecules.screening.carry_out import progress_path
    from molecules.screening.job import read_shard
    from molecules.screening.screen_file import screen_file, shard_path
    from sciml.cli import going_on

    models, files = split_files(model, library or ())
    number, shards = read_shard(shard)
    made = shard_path(out, number, shards) if shards > 1 else out
    with going_on(progress_path(made)):
        screen_file(
            models,
            files or ["demo"],
            out,
            csv,
            targets=target or (),
            minimize=minimize,
            rank_by=rank_by,
            combine=combine,
            top=top,
            exclude=exclude or (),
            min_similarity=min_similarity,
            smiles=smiles,
            shard=shard,
            workers=workers,
            scheduler=scheduler,
            cache=cache,
            device=device,
            precision=precision,
            options=hits,
        )
