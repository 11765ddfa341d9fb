"""Two classes as words, `toxic` and `non-toxic`: which of them counts as 1."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from molecules.files.labels import WORDS
from sciml.errors import InputError

NEGATING = re.compile(r"(?:non|not|no|in|im|il|ir|un)[\s_-]*(.+)")
NEGATED = re.compile(r"(?:non|not|no)[\s_-].+")


@dataclass(frozen=True)
class TwoWords:
    """The words of a yes/no property, and why they count so.

    Attributes:
        zero, one: as they stand in the table.
        why: `one` is 1.
        certain: whether nothing else can be meant.
    """

    zero: str
    one: str
    why: str
    certain: bool = False

    def told(self, name: str) -> str:
        """One line for the user, with the way out."""
        line = f"{name}: {self.one!r} counts as 1 and {self.zero!r} as 0 ({self.why})"
        way_out = f"; to turn it round: --data.tasks '{{{name}: {{positive: \"{self.zero}\"}}}}'"
        return line + ("" if self.certain else way_out)


def known_words(cells: Sequence[str]) -> TwoWords | None:
    """The most frequent words for no and yes; None unless the cells hold both."""
    words = Counter(cell for cell in cells if cell.lower() in WORDS)
    spelled = {WORDS[word.lower()]: word for word, _ in reversed(words.most_common())}
    if len(spelled) < 2:
        return None
    return TwoWords(spelled[0.0], spelled[1.0], "words for yes and no", certain=True)


def two_words(cells: Sequence[str], words: Sequence[str], positive: str = "") -> TwoWords:
    """Which of two words counts as 1.

    That which the user says, means yes, is the larger number, ends in + rather than -, or is
    negated by the other (`insoluble`, `non-toxic`); else the rarer one, and of equally
    frequent ones the second.

    Args:
        cells: of the column.
        words: the two, sorted.
        positive: the word that is to be 1; empty leaves it open.

    Raises:
        InputError: `positive` is none of the two.
    """
    first, second = words
    if positive:
        if positive not in words:
            raise InputError(f"positive is {positive!r}; expected {first!r} or {second!r}")
        return TwoWords(first if positive == second else second, positive, "as said", certain=True)
    for zero, one in ((first, second), (second, first)):
        why = _why_one(zero, one)
        if why:
            return TwoWords(zero, one, why)
    counts = Counter(cell for cell in cells if cell in words)
    zero, one = (second, first) if counts[first] < counts[second] else (first, second)
    return TwoWords(zero, one, f"the rarer word, {counts[one]:,} of {counts.total():,}")


def _why_one(zero: str, one: str) -> str:
    """Why a word is 1 where the other is 0; empty if nothing tells."""
    no, yes = zero.lower(), one.lower()
    if WORDS.get(no, 0) < WORDS.get(yes, 0) or WORDS.get(no, 1) < WORDS.get(yes, 1):
        return "a word for yes, or against one for no"
    negating = NEGATING.fullmatch(no)
    if (negating and negating[1] == yes) or (NEGATED.fullmatch(no) and not NEGATED.fullmatch(yes)):
        return "the other word negates"
    if no.endswith("-") and yes.endswith("+"):
        return "the sign at the end"
    if _number(no) < _number(yes):
        return "the larger number"
    return ""


def _number(word: str) -> float:
    """NaN for what is no number."""
    try:
        return float(word)
    except ValueError:
        return float("nan")
