"""Molecules written in SELFIES, in which every sequence of symbols is a molecule.

SELFIES: Krenn et al. 2020, Mach. Learn.: Sci. Technol. 1, 045024. What is written is the
constitution: one molecule, one text. Stereochemistry and isotopes are left out: which of @ and
@@ stands at a centre depends on the order of writing.

Neighbouring symbols that often occur together are one token (byte-pair encoding: Sennrich,
Haddow and Birch 2016, section 3.2): a third of the steps, and still a molecule whatever
the tokens.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from rdkit import Chem, rdBase

from molecules.packed import ranges, starts
from sciml.config import Config

STOP, START = 0, 1  # codes of a vocabulary; symbols follow
_FIRST = 2
_RAREST = 1e-4  # share of molecules with a symbol, below which it cannot be learned

WRITTEN, INVALID, FRAGMENTS, NO_SELFIES, RARE, LONG = range(6)
REASONS = {
    INVALID: "no molecule",
    FRAGMENTS: "several fragments",
    NO_SELFIES: "cannot be written in SELFIES",
    RARE: "with a rare symbol",
    LONG: "too long",
}

Codes = NDArray[np.uint16]


@dataclass(frozen=True)
class Sequences:
    """Sequences of codes, one after the other.

    Attributes:
        codes: (code,) of all of them; what they mean is told elsewhere.
        start: (molecule + 1,) first code of each.
        state: (molecule,) WRITTEN, or a key of REASONS and the sequence is empty.
    """

    codes: Codes
    start: NDArray[np.int64]
    state: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.state)

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Some of them, in that order."""
        sizes = np.diff(self.start)[rows]
        return type(self)(
            self.codes[ranges(self.start[rows], sizes)], starts(sizes), self.state[rows]
        )


def padded(parts: Sequence[Sequences]) -> NDArray[np.int64]:
    """(sequence, longest + 1) codes of all parts, STOP behind the last."""
    sizes = np.concatenate([np.diff(part.start) for part in parts])
    table = np.full((len(sizes), int(sizes.max(initial=0)) + 1), STOP, np.int64)
    filled = np.arange(table.shape[1]) < sizes[:, None]
    table[filled] = np.concatenate([part.codes for part in parts])
    return table


def constitution(smiles: str) -> str:
    """Canonical SMILES without stereochemistry and isotopes; empty if it is no molecule."""
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    return "" if molecule is None else constitution_of(molecule)


def constitution_of(molecule: Chem.Mol) -> str:
    """As `constitution`, of a molecule that is read already."""
    text = Chem.MolToSmiles(molecule, isomericSmiles=False)
    if "[H]" in text:  # deuterium was an atom of its own
        text = Chem.MolToSmiles(Chem.MolFromSmiles(text))
    return text


def identity(text: str) -> int:
    """Hash of a `constitution`, 32 bits with sign: two share it once in 4 billion pairs."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), signed=True)


def write(text: str) -> tuple[list[str], int]:
    """Symbols of SMILES without stereochemistry, in its order; WRITTEN or a key of REASONS."""
    import selfies

    if not text or "." in text:
        return [], FRAGMENTS if text else INVALID
    try:
        return list(selfies.split_selfies(selfies.encoder(text))), WRITTEN
    except selfies.EncoderError:
        return [], NO_SELFIES


def read(symbols: Iterable[str]) -> str:
    """Canonical SMILES of the molecule that symbols write; empty if they write none."""
    import selfies

    return constitution(selfies.decoder("".join(symbols)))


def write_all(smiles: Iterable[str]) -> tuple[Sequences, list[str]]:
    """Sequences of symbols, and the alphabet that their codes count in."""
    alphabet: dict[str, int] = {}
    codes: list[int] = []
    sizes, state = [], []
    for text in smiles:
        symbols, outcome = write(text)
        codes += [alphabet.setdefault(symbol, len(alphabet)) for symbol in symbols]
        sizes.append(len(symbols))
        state.append(outcome)
    return Sequences(
        np.array(codes, np.uint16), starts(np.array(sizes, np.int64)), np.array(state, np.uint8)
    ), list(alphabet)


class Vocabulary(Config):
    """What a generator writes with: code -> token.

    Attributes:
        symbols: of SELFIES; the first has code 2, after STOP and START.
        merges: pairs of codes that are one token; the first follows the last symbol.
        longest: tokens of a molecule at most.
    """

    symbols: tuple[str, ...]
    merges: tuple[tuple[int, int], ...] = ()
    longest: int = Field(64, ge=1)

    def __len__(self) -> int:
        return _FIRST + len(self.symbols) + len(self.merges)

    @classmethod
    def fit(cls, parts: Sequence[tuple[Sequences, list[str]]], size: int, longest: int) -> Self:
        """Choose symbols and merges from what `write_all` made.

        Args:
            parts: a sample of molecules.
            size: tokens at most.
            longest: see above.
        """
        molecules = sum(len(sequences) for sequences, _ in parts)
        found: dict[str, int] = {}
        for sequences, alphabet in parts:
            owner = np.repeat(np.arange(len(sequences)), np.diff(sequences.start))
            kinds = np.unique(owner * len(alphabet) + sequences.codes) % max(1, len(alphabet))
            for code, count in zip(*np.unique(kinds, return_counts=True), strict=True):
                found[alphabet[code]] = found.get(alphabet[code], 0) + int(count)
        common = sorted(s for s, count in found.items() if count >= _RAREST * molecules)
        plain = cls(symbols=tuple(common), longest=longest)
        flat = np.concatenate([plain._flat(*part) for part in parts])
        merges = learn_merges(flat, len(plain), size)
        return plain.model_copy(update={"merges": tuple(merges)})

    def tokens(self, sequences: Sequences, alphabet: Sequence[str]) -> Sequences:
        """Symbols of an alphabet to tokens; a molecule that does not fit says why."""
        flat = self._flat(sequences, alphabet)
        for into, pair in enumerate(self.merges, start=_FIRST + len(self.symbols)):
            flat = merged(flat, pair, into)
        (ends,) = np.nonzero(flat == STOP)
        sizes = np.diff(ends, prepend=-1) - 1
        owner = np.searchsorted(ends, np.arange(len(flat)))
        rare = np.bincount(owner, flat == START, len(ends)) > 0
        state = np.where(sizes > self.longest, LONG, sequences.state)
        state = np.where(rare, RARE, state).astype(np.uint8)
        sizes[state != WRITTEN] = 0
        kept = (state == WRITTEN)[owner] & (flat != STOP)
        return Sequences(flat[kept].astype(np.uint16), starts(sizes), state)

    def smiles(self, codes: Iterable[int]) -> str:
        """Canonical SMILES of what is written up to STOP; empty for no molecule."""
        symbols: list[str] = []
        for code in codes:
            if code == STOP:
                break
            symbols += self.spelled[code]
        return read(symbols)

    def _flat(self, sequences: Sequences, alphabet: Sequence[str]) -> NDArray[np.int64]:
        """Codes of all symbols, START for an unknown one, STOP behind each molecule."""
        known = {symbol: _FIRST + i for i, symbol in enumerate(self.symbols)}
        table = np.array([known.get(symbol, START) for symbol in alphabet], np.int64)
        codes = table[sequences.codes] if len(table) else np.empty(0, np.int64)
        return np.insert(codes, sequences.start[1:], STOP)

    @cached_property
    def spelled(self) -> list[tuple[str, ...]]:
        """Symbols of each token."""
        spelled: list[tuple[str, ...]] = [(), (), *((symbol,) for symbol in self.symbols)]
        for left, right in self.merges:
            spelled.append(spelled[left] + spelled[right])
        return spelled


def learn_merges(flat: NDArray[np.int64], first: int, size: int) -> list[tuple[int, int]]:
    """The pairs of neighbours to merge, each the commonest after those before it.

    Args:
        flat: (code,) with STOP behind each molecule.
        first: code of the first merge.
        size: codes at most.
    """
    merges: list[tuple[int, int]] = []
    for into in range(first, size):
        inside = (flat[:-1] >= _FIRST) & (flat[1:] >= _FIRST)
        counts = np.bincount((flat[:-1] * size + flat[1:])[inside], minlength=1)
        if counts.max() < 2:
            break
        left, right = divmod(int(counts.argmax()), size)
        merges.append((left, right))
        flat = merged(flat, (left, right), into)
    return merges


def merged(flat: NDArray[np.int64], pair: tuple[int, int], into: int) -> NDArray[np.int64]:
    """Codes with each occurrence of a pair, from the left, replaced by one."""
    (at,) = np.nonzero((flat[:-1] == pair[0]) & (flat[1:] == pair[1]))
    if pair[0] == pair[1]:  # every other one of a run
        number = np.arange(len(at))
        begin = np.maximum.accumulate(np.where(np.diff(at, prepend=-2) > 1, number, 0))
        at = at[(number - begin) % 2 == 0]
    flat = flat.copy()
    flat[at] = into
    return np.delete(flat, at + 1)
