"""What a user chooses among by name: commands show it, and much else takes it."""

from typing import Literal

Device = Literal["cpu", "cuda", "auto"]
"""Where a model computes; `auto` is the GPU if there is one."""

Precision = Literal["float32", "bfloat16"]
"""Of the networks' encoders; everything else is float32 or better."""

SplitKind = Literal["random", "scaffold", "scaffold_balanced", "butina", "leader", "time"]
"""See `evaluation.splits`."""

RankBy = Literal["mean", "bound", "improvement"]
"""Prediction, worse end of its interval, or expected improvement over the best measured value."""

Combine = Literal["sum", "pareto"]
"""Several properties: their weighted sum, or fronts of what no other molecule beats."""

Diversity = Literal["maxmin", "butina", "leader"]
"""See `screening.diversity`."""

Method = Literal["masking", "integrated", "gradient"]
"""Of explanation, see `explanation.attribution`."""
