"""What tasks of pre-training have in common."""

from torch import nn


class OfMolecules(nn.Module):
    """A task on vectors of whole molecules, which several such tasks share."""
