"""What the cells of a table are: a header, SMILES or InChI, a name."""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import zip_longest

import pandas as pd

from molecules.files.inchi import is_inchi
from sciml.errors import InputError

SAMPLE = 100
COMPUTED = re.compile(
    r"pred|calc|comput|estimat|weight|molwt|count|cnt$|rings?$|rotatable|donors?$|acceptors?$|chiral"
    r"|surface|degree|^num[a-z]|key$|estate|^([acmx]log[pd]|mollogp|mw|m[rw]t?|molmr|hb[ad]|rb)$"
    r"|^(t?psa|labuteasa|balabanj|bertzct)$"
)
_LETTERS = re.compile(  # of SMILES; an arrow is a dative bond behind an atom, and in `<5` none
    r"(\[[^\]]*\]|(?<=.)(->|<-)|Cl|Br|[BCNOPSFIbcnops*]|[0-9%@+\-=#$:.~/\\()])+"
)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_UNSEEN = " \t\r\n\ufeff\u200b\u200c\u200d\u2060\xa0"  # byte order mark, spaces of no width
OTHER_NAMES = {"smi", "structure", "mol", "molecule", "drug", "compound", "ligand"}


def foreign(text: str) -> str:
    """The first character of a SMILES that none has, as Cyrillic С for C; empty if there is none.

    RDKit leaves out such letters at both ends, and reads what is between.
    """
    if text.isascii():
        return ""
    word, *_ = text.strip(_UNSEEN).split(maxsplit=1) or [""]
    return next((character for character in word if not character.isascii()), "")


def is_smiles(text: str, least: int = 1) -> bool:
    """Whether RDKit reads the text as a molecule with at least so many atoms."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(text) if text.strip() else None
    return molecule is not None and molecule.GetNumAtoms() >= least


def is_header(cells: Sequence[str], below: Sequence[Sequence[str]] = ()) -> bool:
    """Whether a table's first row holds names: one of them says SMILES, or none is a molecule.

    A cell such as `N` or `CO` can be either, and a molecule may be written wrongly. What stands
    in its column below tells: where that are molecules, what is written with the letters of
    SMILES alone is one too. A row of names has no numbers.

    Args:
        cells: of the first row.
        below: some rows that follow.
    """
    if any(map(is_inchi, cells)):
        return False
    if any(_name_rank(cell) < 2 for cell in cells):
        return True
    columns = zip_longest(*([list(cells)] + [list(row) for row in below]), fillvalue="")
    of_molecules = [
        first for first, *rest in columns if first.strip() and _are_molecules([*filter(None, rest)])
    ]
    if of_molecules:
        return not any(_LETTERS.fullmatch(cell.strip()) for cell in of_molecules)
    filled = [cell.strip() for cell in cells if cell.strip()]
    least = 3 if below and len(filled) > 1 else 1
    return not any(NUMBER.fullmatch(cell) or is_smiles(cell, least) for cell in filled)


def told_header(cells: Sequence[str]) -> str:
    """A line on a header that was taken for one without a name that says so; else empty."""
    if any(_name_rank(cell) < 2 for cell in cells):
        return ""
    return f"the first line, {listing(cells, 3)}, was taken for names of columns"


def _are_molecules(cells: Sequence[str]) -> bool:
    return 2 * sum(map(is_smiles, cells)) >= len(cells) > 0


def tidy_names(names: Iterable[str]) -> list[str]:
    """Column names without padding, none empty, none twice: `a`, `a` becomes `a`, `a_2`."""
    tidy: list[str] = []
    for position, name in enumerate(names, start=1):
        stem = name.strip() or f"column_{position}"
        candidate, copy = stem, 1
        while candidate in tidy:
            copy += 1
            candidate = f"{stem}_{copy}"
        tidy.append(candidate)
    return tidy


def plain_name(name: str) -> str:
    """A column name without padding, and with plain blanks for those that do not break a line."""
    return name.replace("\N{NO-BREAK SPACE}", " ").strip()


def find_smiles_column(frame: pd.DataFrame, source: str) -> str:
    """The column of SMILES named so, or of InChI named so, or else by what the cells hold.

    Args:
        frame: the first rows of the table.
        source: the file, for the message.

    Raises:
        InputError: no column is named so or holds SMILES or InChI.
    """
    text = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    named = sorted((name for name in text if _name_rank(name) < 2), key=_name_rank)
    for name in named:
        if _share(frame[name], is_smiles) >= 0.5:
            return name
    inchi = [name for name in text if _share(frame[name], is_inchi) >= 0.5]
    for name in inchi:
        if "inchi" in _letters(name) and _filled(frame[name]) >= 0.5:
            return name
    least = 3 if inchi else 1  # beside InChI, a column of codes such as B and C is none of SMILES
    others = {
        name: _share(frame[name], partial(is_smiles, least=least))
        for name in text
        if name not in named
    }
    best = max(others, key=lambda name: others[name], default="")
    if best and others[best] >= 0.5:
        return best
    if inchi or named:
        return [*inchi, *named][0]
    raise InputError(
        f"{source}: no column holds SMILES or InChI (columns: {listing(frame.columns)}); "
        "name it with --smiles COLUMN"
    )


def require_columns(frame: pd.DataFrame, names: Sequence[str], source: str) -> None:
    """Raise an InputError that names the nearest column if one of `names` is not there."""
    for name in names:
        if name not in frame.columns:
            known = {str(column).lower(): str(column) for column in frame.columns}
            close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
            hint = f"it has {listing(known.values())}"
            if close:
                hint = f"did you mean {known[close[0]]!r}?"
            raise InputError(f"{source} has no column {name!r}; {hint}")


def name_column(frame: pd.DataFrame, smiles_column: str) -> str | None:
    """The column that identifies a molecule for a reader, if one is named so."""
    wanted = ("name", "title", "compoundname", "moleculename", "prefname", "id", "compoundid",
              "molid", "cid", "chemblid", "cmpdchemblid", "moleculechemblid", "catalogid",
              "idnumber", "drugid")  # fmt: skip
    by_letters = {_letters(name): name for name in reversed(frame.columns) if name != smiles_column}
    return next((by_letters[name] for name in wanted if name in by_letters), None)


def listing(names: Iterable[str], limit: int = 8) -> str:
    """The first few names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(repr(name) for name in names[:limit]) + more


def looks_computed(name: str) -> bool:
    """Whether a column is named like a prediction or a descriptor, not like a measurement."""
    return COMPUTED.search(_letters(name)) is not None


def text_cells(column: pd.Series) -> list[str]:
    """The cells of a column as text; a missing one is an empty string."""
    missing = column.isna()
    return ["" if gone else str(cell) for cell, gone in zip(column, missing, strict=True)]


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _name_rank(name: str) -> float:
    """0 for `SMILES`, 0.5 for a name that contains it, 1 for customary others, 2 for the rest."""
    letters = _letters(name)
    if letters == "smiles":
        return 0
    if "smiles" in letters:
        return 0.5
    return 1 if letters in OTHER_NAMES else 2


def _filled(column: pd.Series) -> float:
    """How many of the cells are not blank."""
    cells = text_cells(column)
    return sum(bool(cell.strip()) for cell in cells) / max(1, len(cells))


def _share(column: pd.Series, test: Callable[[str], bool]) -> float:
    """Of the cells that are not blank, how many pass."""
    cells = [cell for cell in text_cells(column) if cell.strip()]
    sample = cells[:: max(1, len(cells) // SAMPLE)][:SAMPLE]
    return sum(map(test, sample)) / max(1, len(sample))
