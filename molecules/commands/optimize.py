"""The command `molecules optimize`."""

from pathlib import Path

from molecules.choices import RankBy


def optimize(
    *predictors: Path,
    start: str,
    generator: Path | None = None,
    parts: str | None = None,
    target: list[str] | None = None,
    rank_by: RankBy = "mean",
    similarity: str = "0.4:0.9",
    filters: list[str] | None = None,
    max_sa: float = 6.0,
    min_similarity: float = 0.3,
    max_distance: float = 3.0,
    top: int = 50,
    steps: int = 20,
    offspring: int = 128,
    radius: float = 0.6,
    seed: int = 0,
    out: Path = Path("proposals.html"),
) -> None:
    """Search for molecules like one at hand with better predictions.

    What is found keeps to a window of similarity to the start, to the domain of the models,
    to filters and to an SA score; all else stands in the table with the reason.

    Args:
        predictors: files `model.safetensors` of training runs.
        start: SMILES or InChI of the molecule to begin with.
        generator: search the latent space of a generator: the file
            `generator.safetensors` of `molecules pretrain --config generator`, or
            `generator`, the one that ships. If left out, parts of molecules are exchanged
            for such as known molecules have there.
        parts: table of those known molecules; if left out, what the models learned from.
        target: property to improve: `logS`, `toxic:min`, or with a weight `logS:max:2`, of
            which 0 only shows it; repeat for several, also of several models.
        rank_by: the prediction (mean), the worse end of its interval (bound), or the
            expected improvement over the best measured value.
        similarity: LOW:HIGH, Tanimoto similarity to the start.
        filters: that proposals must pass, as `--flag` of `screen`; default `pains`, `none`
            for none; repeat for several.
        max_sa: largest SA score, 1 (easy to make) to 10.
        min_similarity: least similarity to the nearest training molecule of each model.
        max_distance: largest distance to its training set, 1 being usual within it.
        top: proposals on the page; the table has all.
        steps: generations of the search.
        offspring: molecules that are made in each.
        radius: how far they are, in standard deviations of the latent space.
        seed: the same seed finds the same.
        out: .html, with a table beside it, or .csv.
    """
    from molecules.generation.goal import Limits
    from molecules.generation.optimize_file import optimize_file
    from molecules.generation.search import SearchConfig
    from molecules.generation.similarity_window import read_window
    from sciml.config import parse_config

    limits = Limits(
        window=read_window(similarity),
        filters=() if filters == ["none"] else tuple(filters or ("pains",)),
        hardest=max_sa,
        min_similarity=min_similarity,
        max_distance=max_distance,
    )
    search = {"steps": steps, "offspring": offspring, "seed": seed}
    optimize_file(
        predictors,
        start,
        out,
        generator=generator,
        radius=radius,
        parts=parts,
        targets=target or (),
        rank_by=rank_by,
        limits=limits,
        top=top,
        config=parse_config(SearchConfig, search, "the search"),
    )
