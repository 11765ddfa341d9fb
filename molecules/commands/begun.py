"""What a training is given: by its command, or by the folder of the run that is to go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Given:
    """What a command needs to train.

    Attributes:
        config: YAML file of its settings.
        tables: files of molecules, globs or URLs, "-" or `demo`.
        targets: columns to learn, if they are named.
        smiles: column of the molecules, if it is named.
        folds, repeats: of a cross-validation.
        against: YAML file of the settings to compare with.
    """

    config: Path
    tables: tuple[str, ...]
    targets: tuple[str, ...] = ()
    smiles: str | None = None
    folds: int = 5
    repeats: int = 2
    against: Path | None = None


def given(
    run: Path,
    resume: bool,
    config: str | None,
    default: str,
    tables: Sequence[str],
    targets: Sequence[str] = (),
    smiles: str | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    against: str | None = None,
) -> Given:
    """What the command says; and where it says nothing, the run to resume or else the default.

    Args:
        run: folder.
        resume: whether the run in it goes on.
        config, against: shipped configurations or YAML files.
        default: shipped configuration of a new run.
        tables, targets, smiles, folds, repeats: as in `Given`.

    Raises:
        InputError: no such configuration, or a folder that does not say with what it was begun,
            or tables that are not where they were.
    """
    from molecules.files.sources import DEMO
    from molecules.training.same_table import LearnedFrom
    from sciml.config import named_config
    from sciml.run_folder import CONFIG, claim_run

    begun = LearnedFrom()
    if resume:
        claim_run(run, resume)
        begun = LearnedFrom.noted(run) or begun
        tables, smiles = tables or _found(begun.tables, run), smiles or begun.column

    def settings(name: str | None, folder: Path) -> Path | None:
        if name is None and resume and (folder / CONFIG).exists():
            return folder / CONFIG
        return named_config("molecules", name) if name else None

    return Given(
        config=settings(config, run) or named_config("molecules", default),
        tables=tuple(tables) or (DEMO,),
        targets=tuple(targets) or begun.targets,
        smiles=smiles,
        folds=(begun.divided_into or Given.folds) if folds is None else folds,
        repeats=(begun.repeats or Given.repeats) if repeats is None else repeats,
        against=settings(against, run / "against"),
    )


def _found(tables: Sequence[str], run: Path) -> Sequence[str]:
    """Tables that a run was begun with, which are still where they were."""
    from molecules.files.sources import STANDARD_INPUT, require_there
    from sciml.errors import InputError

    if not tables or STANDARD_INPUT in tables:
        told = "was begun from standard input" if tables else "does not say of what table"
        raise InputError(f"{run} {told}; name the table, as at first")
    for table in tables:
        try:
            require_there(table)
        except InputError as error:
            raise InputError(
                f"{error}: {run} was begun with it; name the table where it is now"
            ) from None
    return tables
