"""The command `molecules merge`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from molecules.screening.options import HitOptions


def merge(
    shards: list[Path],
    *,
    out: Path = Path("hits.html"),
    csv: Path | None = None,
    model: list[Path] | None = None,
    hits: Annotated[HitOptions, Parameter(name="*")] = HitOptions(),  # noqa: B008 (frozen)
) -> None:
    """Put the shards of a screen together, as if it had been screened at once.

    Args:
        shards: all files that `screen --shard` wrote, in any order.
        out: as of `screen`: .html, with a table beside it, or a table alone.
        csv: the table of the page, if it is to lie elsewhere or in another format.
        model: the file that screened, if it lies elsewhere than it did; repeat for several, in
            the same order.
    """
    from molecules.screening.merge_files import merge_files

    merge_files(shards, out, csv, hits, model or ())
