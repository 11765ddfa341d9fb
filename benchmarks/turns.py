"""Stages of work on the same molecules, in turns, beside RDKit's parser."""

import time
from collections.abc import Callable, Mapping, Sequence

from rdkit import Chem, rdBase

ROUNDS = 3
PARSER = "RDKit MolFromSmiles"


def rates(smiles: Sequence[str], stages: Mapping[str, Callable[[], None]]) -> dict[str, float]:
    """Molecules per CPU second of the parser and of each stage, the best of `ROUNDS`."""

    def parse() -> None:
        with rdBase.BlockLogs():
            for text in smiles:
                Chem.MolFromSmiles(text)

    seconds: dict[str, list[float]] = {name: [] for name in (PARSER, *stages)}
    for _ in range(ROUNDS):
        for name, stage in {PARSER: parse, **stages}.items():
            began = time.process_time()
            stage()
            seconds[name].append(time.process_time() - began)
    return {name: len(smiles) / min(spent) for name, spent in seconds.items()}
