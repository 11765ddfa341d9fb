"""The command `weather simulate`."""

from pathlib import Path
from typing import Literal

from weather.commands.times import hours_of


def simulate(
    *,
    out: Path,
    days: int = 400,
    spinup: int = 200,
    truncation: Literal[21, 31, 42] = 21,
    every: str = "6h",
    seed: int = 0,
    orography: Literal["earthlike", "random", "flat"] = "earthlike",
) -> None:
    """Simulate a dry atmosphere (Held-Suarez forcing) to train and test on.

    Needs the extra: pip install 'sciml-foundation[simulate]'.

    Args:
        out: NetCDF file to write: z, t, u, v on 13 levels, sp, msl.
        days: Length of the output.
        spinup: Days before the first output.
        truncation: Spectral resolution: grids of 64 x 32, 96 x 48 or 128 x 64 cells.
        every: Interval between outputs, such as 6h.
        seed: Of the first state, and of random mountains.
        orography: Analytic mountains.
    """
    from sciml.cli import counted
    from sciml.files import require_suffix
    from sciml.wording import count
    from weather.simulation.simulate import Simulation, simulate

    require_suffix(out, ".nc", ".nc4")
    simulation = Simulation(days, spinup, truncation, hours_of(every), seed, orography)
    with counted(f"simulating T{truncation}, days") as on_day:
        simulate(simulation, out, on_day)
    print(f"wrote {out}: {count(days, 'day')}, one state every {simulation.every} h")
