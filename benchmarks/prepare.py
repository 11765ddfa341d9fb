"""Peak memory and speed of `weather prepare` on data several times its memory limit.

    python benchmarks/prepare.py                             # 1 GiB of data, 256 MiB of memory
    python benchmarks/prepare.py --memory 1GiB --times 64 --shape 721 1440 --levels 13

Analyses of noise are written to a temporary folder; `weather prepare` regrids them in a
process of its own, whose peak resident memory is compared with what it was when all its
modules were imported.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import netCDF4
import numpy as np
from dask.utils import parse_bytes

from weather.checking.standard_atmosphere import standard_height

HERE = Path(__file__).parent
MEASURED = """
import sys

import netCDF4
import rich.progress

import weather.training.prepare
from weather.cli import app, run


def peak():
    with open("/proc/self/status") as status:
        return 1024 * int(next(line for line in status if line.startswith("VmHWM")).split()[1])


imported = peak()
try:
    run(app, sys.argv[1:])
except SystemExit as stop:
    assert not stop.code, stop.code
print(peak() - imported)
"""


def write(path: Path, times: int, levels: int, shape: tuple[int, int]) -> int:
    """Noise z and t on levels, and msl; returns the bytes of the fields."""
    random = np.random.default_rng(0)
    with netCDF4.Dataset(path, "w") as file:
        axes = {
            "time": ("hours since 2000-01-01", 6 * np.arange(times)),
            "level": ("hPa", np.linspace(100, 1000, levels).round()),
            "latitude": ("degrees_north", np.linspace(90, -90, shape[0])),
            "longitude": ("degrees_east", np.arange(shape[1]) * 360 / shape[1]),
        }
        for name, (units, values) in axes.items():
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,)).units = units
            file[name][:] = values
        heights = [[[standard_height(level)]] for level in axes["level"][1]]
        for name, dims, units, mean in (
            ("z", tuple(axes), "m2 s-2", 9.80665 * np.array(heights, np.float32)),
            ("t", tuple(axes), "K", 250),
            ("msl", ("time", "latitude", "longitude"), "Pa", 101000),
        ):
            file.createVariable(name, "f4", dims, contiguous=True).units = units
            step = [len(file.dimensions[dim]) for dim in dims[1:]]
            for number in range(times):
                file[name][number] = mean + random.standard_normal(step, np.float32)
        return sum(4 * file[name].size for name in ("z", "t", "msl"))


def run(path: Path, out: Path, memory: str, grid: str) -> tuple[int, float]:
    """Peak growth of memory in bytes, and seconds."""
    command = ["prepare", str(path), "--out", str(out), "--memory", memory, "--grid", grid]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1]), time.perf_counter() - start


def main() -> None:
    """Run the benchmark and keep its results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--times", type=int, default=880)
    parser.add_argument("--levels", type=int, default=5)
    parser.add_argument("--shape", type=int, nargs=2, default=(121, 240))
    parser.add_argument("--memory", default="256MiB")
    parser.add_argument("--grid", default="3")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "analyses.nc"
        size = write(data, options.times, options.levels, tuple(options.shape))
        growth, seconds = run(data, Path(folder) / "s.zarr", options.memory, options.grid)
    mib = 2**20
    result = {
        "data_mib": size / mib,
        "limit_mib": parse_bytes(options.memory) / mib,
        "peak_growth_mib": growth / mib,
        "seconds": seconds,
        "mb_per_second": size / 1e6 / seconds,
    }
    packages = ", ".join(f"{n} {version(n)}" for n in ("xarray", "dask", "xarray-regrid", "zarr"))
    stamp = (
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {packages}, "
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    )
    shape = " x ".join(map(str, options.shape))
    text = (
        f"{stamp}\n\nz and t on {options.levels} levels and msl, {options.times} times, from "
        f"{shape} cells to {options.grid} degrees.\n\n"
        "| data MiB | --memory MiB | peak growth MiB | seconds | MB/s of data |\n"
        "|---:|---:|---:|---:|---:|\n| "
        + " | ".join(f"{value:.0f}" for value in result.values())
        + " |\n"
    )
    options.out.mkdir(exist_ok=True)
    (options.out / "prepare.json").write_text(json.dumps({"run": stamp, **result}, indent=1))
    (options.out / "prepare.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
