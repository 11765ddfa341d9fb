"""From a start molecule to a file of proposals."""

from collections.abc import Sequence
from pathlib import Path

from molecules.choices import RankBy
from molecules.features.selfies import constitution
from molecules.files.inchi import as_smiles
from molecules.files.sources import refuse_to_overwrite
from molecules.files.table import iter_library
from molecules.generation.exchanges import Exchanges
from molecules.generation.generator import Generator
from molecules.generation.goal import Goal, Limits
from molecules.generation.latent import LatentNeighbours
from molecules.generation.offspring import Source
from molecules.generation.proposals import Account, write_page, write_table
from molecules.generation.search import Proposal, Search, SearchConfig
from molecules.prediction.predictor import PropertyPredictor
from sciml.cli import note, progress
from sciml.errors import InputError
from sciml.files import claim_path

DEFAULTS, LIMITS = SearchConfig(), Limits()


def optimize_file(
    predictors: Sequence[Path],
    start: str,
    out: Path,
    *,
    generator: Path | None = None,
    radius: float = 0.6,
    parts: str | None = None,
    targets: Sequence[str] = (),
    rank_by: RankBy = "mean",
    limits: Limits = LIMITS,
    top: int = 50,
    config: SearchConfig = DEFAULTS,
) -> list[Proposal]:
    """Search for molecules like `start` with better predictions, and write what was found.

    Args:
        predictors: files of property models.
        start: SMILES or InChI to begin with.
        out: .html, with a table of the same name beside it; or .csv, the table alone. The
            page shows the best `top`; the table has every molecule that was looked at.
        generator: file of a generator, whose latent space is searched; without one,
            parts of known molecules are exchanged.
        radius: see `LatentNeighbours`.
        parts: table of those known molecules; if left out, what the models learned from.
        targets: see `Goal.of`.
        rank_by: the prediction, the worse end of its interval, or the expected improvement.
        limits: what a proposal must keep to.
        top: proposals on the page.
        config: of the search.

    Returns:
        All molecules that were looked at, the best proposal first.

    Raises:
        InputError: an input that cannot be used.
    """
    if out.suffix not in (".html", ".csv"):
        raise InputError(f"cannot write {out}: expected .html or .csv")
    if not predictors:
        raise InputError("no property model to optimize for; give one")
    if top < 1:
        raise InputError(f"--top is {top}; expected at least 1")
    if parts is not None:  # the table stands beside the page
        refuse_to_overwrite(parts, out.with_suffix(".csv"))
    claim_path(out)
    (drawn,) = as_smiles([start])
    begin = constitution(drawn)
    if not begin:
        raise InputError(f"--start {start!r} is no molecule; expected SMILES or InChI")
    if "*" in begin:
        raise InputError(f"--start {start!r} has an open end (*); give a whole molecule")
    loaded = [PropertyPredictor.load(path) for path in predictors]
    goal = Goal.of(begin, loaded, targets, rank_by, limits)
    if any(predictor.domain is None for predictor in loaded):
        note("note: a model does not tell its training set; its domain is not looked at")
    if any(predictor.config.coordinates == "own" for predictor in loaded):
        note("note: a model learned from coordinates of a file; proposals get conformers")
    source = _source(loaded, generator, radius, parts, config.seed)
    if not source.accepts(begin):
        raise InputError(f"--start {start!r} is a salt, or too large to begin with")
    if any(sign in drawn for sign in "@/\\"):
        note("note: proposals have no stereochemistry; that of the start is left out")
    search = Search(source, goal, config, begin)
    with progress() as bar:
        for _ in bar.track(search.steps(), config.steps, description="generations"):
            pass
    ranked = search.ranked()
    account = Account.of(search, ranked, predictors)
    write_table(ranked, account, out.with_suffix(".csv"))
    if out.suffix == ".html":
        write_page(ranked[:top], account, out)
    print(f"{out}: {account}")
    return ranked


def _source(
    loaded: Sequence[PropertyPredictor],
    generator: Path | None,
    radius: float,
    parts: str | None,
    seed: int,
) -> Source:
    if generator is not None and parts is not None:
        raise InputError("--generator and --parts exclude each other; give one")
    if generator is not None:
        if radius <= 0:
            raise InputError(f"--radius is {radius:g}; expected a positive number")
        return LatentNeighbours(Generator.load(generator), radius, seed)
    if parts is not None:
        known = [text for chunk in iter_library(parts) for text in chunk.smiles]
        return Exchanges.of(known, seed)
    kept = [predictor.training_set for predictor in loaded]
    if not any(kept):
        raise InputError(
            "no model file keeps its training molecules, whose parts would be exchanged; give "
            "--parts TABLE, or --generator FILE"
        )
    return Exchanges.of([text for known in kept if known for text in known.smiles], seed)
