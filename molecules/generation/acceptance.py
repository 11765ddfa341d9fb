"""Which samples of a generator are kept; in place of others new ones are drawn."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from rdkit import Chem

from molecules.generation.generator import Points
from molecules.generation.similarity_window import Window, check_window, similarity_to
from molecules.generation.synthesis import check_hardest, synthetic_accessibility
from molecules.screening.filters import alerts, check_names
from sciml.errors import InputError
from sciml.wording import count

USUAL = 3.5  # SA score below which most of what ChEMBL holds lies
RELATED = (0.3, 1.0)  # Tanimoto similarity; two molecules of ChEMBL have 0.1 in the mean
_PATIENCE = 200  # draws of each sample that is kept, in the mean
_LEAST = 10  # samples whose draws are spent in any case


@dataclass(frozen=True)
class Limits:
    """What a sample must keep to.

    Attributes:
        hardest: largest SA score, 1 (easy to make) to 10; None for any.
        filters: names of filters that it must pass; see `molecules.screening.filters`.
        window: least and largest similarity to the molecule whose neighbours are drawn;
            None for any.
    """

    hardest: float | None = None
    filters: tuple[str, ...] = ()
    window: Window | None = None

    def __bool__(self) -> bool:
        return self != Limits()

    def checked(self) -> Self:
        """These limits, with filters' names as `check_names` writes them.

        Raises:
            InputError: no molecule could keep to them, or no filter is called so.
        """
        if self.hardest is not None:
            check_hardest(self.hardest)
        if self.window is not None:
            check_window(self.window)
        return replace(self, filters=check_names(self.filters))

    def filled(self, neighbours: bool) -> Self:
        """With what is usual where nothing is said."""
        hardest = USUAL if self.hardest is None else self.hardest
        window = RELATED if self.window is None and neighbours else self.window
        return replace(self, hardest=hardest, window=window)

    def reasons(self, smiles: Sequence[str], start: str | None = None) -> list[str]:
        """Why each molecule is not kept, in a word; empty for one that is.

        Args:
            smiles: canonical; empty where nothing was written.
            start: the molecule that `window` speaks of.
        """
        if start is None:
            return [self._reason(text) for text in smiles]
        similarity = similarity_to(start, smiles).tolist()
        return [self._reason(*pair) for pair in zip(smiles, similarity, strict=True)]

    def _reason(self, smiles: str, similarity: float | None = None) -> str:
        if not smiles:
            return "without an atom"
        if self.window is not None and similarity is not None:
            low, high = self.window
            if similarity < low:
                return f"below a similarity of {low:g}"
            if similarity > high:
                return f"above a similarity of {high:g}"
        molecule = Chem.MolFromSmiles(smiles)
        if self.hardest is not None and synthetic_accessibility(molecule) > self.hardest:
            return f"above an SA score of {self.hardest:g}"
        return "flagged" if alerts(molecule, self.filters) else ""


def keep_drawing(
    number: int,
    draw: Callable[[], tuple[Points, list[str]]],
    limits: Limits,
    start: str | None = None,
    on_kept: Callable[[int, int], object] = lambda done, of: None,
) -> tuple[Points, list[str], Counter[str]]:
    """Draw until so many samples keep to limits.

    Args:
        number: of samples.
        draw: some points and what is written there.
        limits: see `Limits`.
        start: the molecule whose neighbours they are, if they are.
        on_kept: told how many are kept, and of how many.

    Returns:
        Points and texts in the order they were drawn, and why others were not kept.

    Raises:
        InputError: next to nothing keeps to the limits.
    """
    points: list[Points] = []
    texts: list[str] = []
    others: Counter[str] = Counter()
    on_kept(0, number)
    while len(texts) < number:
        drawn = len(texts) + others.total()
        if drawn >= _PATIENCE * max(_LEAST, len(texts)):
            loosen = "--max-sa or --filters" if start is None else "--similarity or --max-sa"
            raise InputError(
                f"of {count(drawn, 'sample')} {len(texts)} keep to the limits ({told(others)}); "
                f"expected more: loosen {loosen}"
            )
        some, written = draw()
        reasons = limits.reasons(written, start)
        rows = [row for row, reason in enumerate(reasons) if not reason]
        last = rows[: number - len(texts)]
        end = last[-1] + 1 if len(texts) + len(last) == number else len(reasons)
        others.update(reason for reason in reasons[:end] if reason)
        points.append(some[last])
        texts += [written[row] for row in last]
        on_kept(len(texts), number)
    return Points.join(points), texts, others


def told(others: Counter[str]) -> str:
    """`120 above an SA score of 3.5, 3 flagged`."""
    return ", ".join(f"{number:,} {reason}" for reason, number in others.most_common())
