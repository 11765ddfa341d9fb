"""Where hits are written: a page with a table beside it, or a table alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from molecules.prediction.writers import FORMATS, table_format
from sciml.errors import InputError

PAGE = ".html"


@dataclass(frozen=True)
class Outputs:
    """The files of a screen.

    Attributes:
        html: the page; None without one.
        csv: the table, in any format that `table_format` knows.
    """

    html: Path | None
    csv: Path

    @classmethod
    def of(cls, out: Path, csv: Path | None = None) -> Self:
        """As a user names them.

        Args:
            out: the page, .html; or a table that is wanted without a page.
            csv: the table of a page; beside it if None.

        Raises:
            InputError: a suffix that is neither, or two tables.
        """
        if out.suffix.lower() == PAGE:
            csv = csv or out.with_suffix(".csv")
            table_format(csv)
            return cls(out, csv)
        table_format(out, (PAGE, *FORMATS))
        if csv is not None:
            raise InputError(f"--out {out} is a table already; leave out --csv, or give an .html")
        return cls(None, out)

    @property
    def files(self) -> list[Path]:
        """All that is written, what the user named first."""
        return [self.csv] if self.html is None else [self.html, self.csv]

    def __str__(self) -> str:
        return ", ".join(map(str, self.files))
