"""Patterns of names: `head.*` and `*.t2m*` stand for parameters, `NVS_*` for properties."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from sciml.errors import InputError


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether the whole name is as one of the patterns, `*` standing for anything."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def require_matches(patterns: Iterable[str], names: Iterable[str], key: str, what: str) -> None:
    """Check that each pattern stands for something.

    Args:
        patterns: all of them.
        names: what there is, of parameters: `encoder.layers.1.weight`.
        key: of the configuration that gave the patterns.
        what: a pattern that stands for none matches: `nothing in the model`.

    Raises:
        InputError: one stands for nothing; lists the beginnings of what there is.
    """
    names = list(names)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            groups = sorted({".".join(name.split(".")[:2]) + ".*" for name in names})
            raise InputError(
                f"{key}: {pattern!r} matches {what}; there are {', '.join(groups[:12])}"
            )
