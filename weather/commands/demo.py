"""The command `weather demo`."""

from pathlib import Path


def demo(*, out: Path = Path("demo")) -> None:
    """Simulate an atmosphere, train on it, forecast, evaluate and plot: about ten minutes.

    Needs the extra: pip install 'sciml-foundation[simulate]'.

    Args:
        out: Folder for everything that is made.
    """
    from weather.demo import demo as run_demo

    print(run_demo(out))
