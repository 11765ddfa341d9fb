"""The command `molecules check`."""

from pathlib import Path

from molecules.choices import SplitKind
from molecules.commands.parameters import FileOrStdin


def check(
    table: FileOrStdin = "demo",
    *,
    target: list[str] | None = None,
    smiles: str | None = None,
    split: SplitKind | None = None,
    split_column: str | None = None,
    split_file: Path | None = None,
    time_column: str | None = None,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Look through a table before learning from it: what is wrong, and what limits a model.

    Args:
        table: file with one molecule per row, "-" for standard input, or `demo`.
        target: column to learn; repeat for several.
        smiles: column with the SMILES or InChI; found by its name or content if left out.
        split: also look for what the test fold of this split shares with the training fold.
        split_column: column that says train, valid or test.
        split_file: JSON with row numbers.
        time_column: of dates or years, for `--split time`.
        seed: of the split.
        out: also write the findings as an HTML page, with structures; .html.
    """
    from rich.console import Console

    from molecules.checking.doctor import Division, examine
    from molecules.checking.report import show_examination, write_page
    from molecules.files.sources import refuse_to_overwrite
    from molecules.files.table import demo_activity, read_table
    from sciml.files import claim_path, require_suffix

    if out is not None:
        require_suffix(out, ".html")
        refuse_to_overwrite(table, out)
        claim_path(out)
    source = demo_activity() if table == "demo" else read_table(table, smiles)
    division = None
    if split or split_column or split_file:
        division = Division(split or "random", seed, split_column, split_file, time_column)
    found = examine(source, target or (), division=division)
    if out is not None:
        write_page(found, out)
    show_examination(found, Console())
    if out is not None:
        print(out)
