"""Which samples of a generator are kept; in place of others new ones are drawn."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molecules.features.selfies import constitution
from molecules.generation.similarity_window import Window, check_window, similarity_to
from molecules.generation.synthesis import check_hardest, synthetic_accessibility
from molecules.screening.filters import alerts, check_names
from sciml.errors import InputError
from sciml.wording import count

Array = NDArray[np.float64]
USUAL = 3.5  # SA score below which most of what ChEMBL holds lies
RELATED = (0.3, 1.0)  # Tanimoto similarity; two molecules of ChEMBL have 0.1 in the mean
_ITSELF, _BEFORE = "the same molecule", "drawn before"
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
            start: the molecule that `window` speaks of; it is no neighbour of itself.
        """
        if start is None:
            return [self._reason(text) for text in smiles]
        similarity = similarity_to(start, smiles).tolist()
        itself = constitution(start)
        return [
            _ITSELF if text == itself else self._reason(text, similar)
            for text, similar in zip(smiles, similarity, strict=True)
        ]

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
    draw: Callable[[], tuple[list[str], Array]],
    limits: Limits,
    start: str | None = None,
    on_kept: Callable[[int, int], object] = lambda done, of: None,
) -> tuple[list[str], Array, Counter[str]]:
    """Draw until so many samples keep to limits.

    Args:
        number: of samples.
        draw: some molecules, and how far each is from where it begins.
        limits: see `Limits`.
        start: the molecule whose neighbours they are, if they are; then none is kept twice.
        on_kept: told how many are kept, and of how many.

    Returns:
        Molecules and distances in the order they were drawn, and why others were not kept.

    Raises:
        InputError: next to nothing keeps to the limits.
    """
    texts: list[str] = []
    distances: list[Array] = []
    known: set[str] = set()
    others: Counter[str] = Counter()
    on_kept(0, number)
    while len(texts) < number:
        drawn = len(texts) + others.total()
        if drawn >= _PATIENCE * max(_LEAST, len(texts)):
            raise InputError(
                f"of {count(drawn, 'sample')} {len(texts)} keep to the limits ({told(others)}); "
                f"expected more: {_way_out(others, start is not None)}"
            )
        written, away = draw()
        reasons = limits.reasons(written, start)
        if start is not None:
            reasons = _without_repeats(written, reasons, known)
        rows = [row for row, reason in enumerate(reasons) if not reason]
        last = rows[: number - len(texts)]
        end = last[-1] + 1 if len(texts) + len(last) == number else len(reasons)
        others.update(reason for reason in reasons[:end] if reason)
        texts += [written[row] for row in last]
        distances.append(away[last])
        on_kept(len(texts), number)
    return texts, np.concatenate(distances), others


def _without_repeats(smiles: Sequence[str], reasons: Sequence[str], known: set[str]) -> list[str]:
    """The reasons, with one for molecules that would be kept but are known; all are then."""
    found: list[str] = []
    for text, reason in zip(smiles, reasons, strict=True):
        found.append(reason or (_BEFORE if text in known else ""))
        known.add(text)
    return found


def _way_out(others: Counter[str], neighbours: bool) -> str:
    if not neighbours:
        return "loosen --max-sa or --filters"
    if 2 * (others[_ITSELF] + others[_BEFORE]) > others.total():
        return "raise --radius or --temperature, or ask for fewer with --number"
    return "loosen --similarity, --max-sa or --filters, or lower --radius"


def told(others: Counter[str]) -> str:
    """`120 above an SA score of 3.5, 3 flagged`."""
    return ", ".join(f"{number:,} {reason}" for reason, number in others.most_common())
