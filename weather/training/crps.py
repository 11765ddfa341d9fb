"""The continuous ranked probability score of a few members, as a loss."""

from itertools import combinations

import torch
from torch import Tensor


def almost_fair_crps(errors: Tensor, alpha: float = 1.0) -> Tensor:
    """A share alpha of the fair CRPS, and 1 - alpha of the plain one.

    With the errors e of M members it is

        Σ_j |e_j| / M - (1 - (1 - alpha) / M) Σ_{j<k} |e_j - e_k| / (M (M - 1)).

    The fair score (alpha = 1) expects of M members what infinitely many would score, but
    where all members but one equal the truth the last is free; a little of the plain one holds it
    (Lang et al. 2024, AIFS-CRPS, arXiv 2412.15832).

    Args:
        errors: (batch, member, ...) of two members at least.
        alpha: 0..1.

    Returns:
        (batch, ...), in the unit of the errors.
    """
    members = errors.unbind(1)
    number = len(members)
    spread = torch.stack([(a - b).abs() for a, b in combinations(members, 2)]).sum(0)
    share = (1 - (1 - alpha) / number) / (number * (number - 1))
    return errors.abs().mean(1) - share * spread
