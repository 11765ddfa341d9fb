"""The whole way from nothing to a scored forecast, on a simulated atmosphere."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from sciml.cli import run_demo
from weather.cli import app
from weather.verification.one_pass import CLIMATOLOGY, PERSISTENCE
from weather.verification.scorecard import skill_table

SPINUP, DAYS = 120, 400  # simulated; the last tenth is kept for testing
STEPS = 1500  # of the optimizer; a seventh of what the shipped configuration takes on these data
FORECASTS = 7  # initial times in the test period, four days apart
FIELDS = {"z500": "geopotential, 500 hPa", "t850": "temperature, 850 hPa"} | {
    f"{wind}850": f"{direction}ward wind, 850 hPa"
    for wind, direction in (("u", "east"), ("v", "north"))
}


def demo(out: Path) -> str:
    """Simulate, train, forecast, evaluate and plot; returns the summary, also written.

    Args:
        out: folder for everything that is made.
    """
    return run_demo(app, steps(out), lambda seconds: _summary(out, seconds), out)


def steps(out: Path, days: int = DAYS) -> list[str]:
    """The commands, as a user would type them."""
    first = date(2000, 1, 1) + timedelta(days=round(0.9 * days) + 1)
    starts = [first + timedelta(days=4 * i) for i in range(FORECASTS)]
    times = " ".join(f"--time {start}T00" for start in starts)
    data, model, forecast = (
        out / "simulation.nc",
        out / "run" / "model.safetensors",
        out / "forecast.nc",
    )
    shown = f"--time {starts[0]}T00 --truth {data}"
    return [
        f"simulate --out {data} --days {days} --spinup {SPINUP}",
        f"train {data} --run {out / 'run'} --training.max_steps {STEPS}",
        f"forecast {model} --from {data} {times} --hours 240 --out {forecast}",
        f"evaluate {forecast} --truth {data} --climatology mean --out {out / 'scores'}",
        f"plot {forecast} {shown} --lead 24h --out {out / 'map_24h.png'}",
        f"plot {forecast} {shown} --lead 120h --out {out / 'map_120h.png'}",
    ]


def _summary(out: Path, seconds: float) -> str:
    scores = pd.read_csv(out / "scores" / "scores.csv")
    ratios = skill_table(scores, (24, 120)).set_index(["channel", "lead_hours"])
    lines = [
        "",
        f"WEATHER: done in {seconds / 60:.0f} minutes.",
        f"A model was trained on {0.8 * DAYS:.0f} days of a simulated atmosphere and made "
        f"{FORECASTS} forecasts of 10 days",
        "from states it has not seen. Its error (RMSE) over that of two simple forecasts,",
        "`nothing changes` (persistence) and `as on average` (climatology); below 1 is better:",
        "",
        f"  {'':34}{'24 h over':>14}{'24 h over':>14}{'120 h over':>14}{'120 h over':>14}",
        f"  {'':34}" + 2 * f"{'persistence':>14}{'climatology':>14}",
    ]
    for name, description in FIELDS.items():
        cells = ratios.loc[name, [PERSISTENCE, CLIMATOLOGY]].to_numpy(float).ravel()
        lines.append(f"  {name + ', ' + description:34}" + "".join(f"{c:14.2f}" for c in cells))
    made = {
        "run/model.safetensors": "the model, one file: `weather forecast` needs no other",
        "forecast.nc": "the forecasts, NetCDF with initial, lead and valid time",
        "scores/scorecard.html": "skill, curves, spectra and maps on one page; all numbers in .csv",
        "map_24h.png, map_120h.png": "weather maps, forecast beside truth",
        "simulation.nc": "the simulated atmosphere",
    }
    lines += ["", f"In {out}:"] + [f"  {name:26}{what}" for name, what in made.items()]
    return "\n".join(lines) + "\n"
