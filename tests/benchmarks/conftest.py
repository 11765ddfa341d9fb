"""Benchmarks are scripts: what they import from each other lies in their own folder."""

import sys
from pathlib import Path

SKILL = Path(__file__).parents[2] / "benchmarks" / "skill"
sys.path.append(str(SKILL))
