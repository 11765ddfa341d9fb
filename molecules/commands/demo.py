"""The command `molecules demo`."""

from pathlib import Path


def demo(*, out: Path = Path("demo")) -> None:
    """Train, predict and screen on molecules that come with RDKit: a few minutes.

    Args:
        out: folder for everything that is made.
    """
    from molecules.demo import demo as run_demo

    print(run_demo(out))
