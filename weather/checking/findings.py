"""What a check of analyses says: findings, one line each, and a summary per field."""

from dataclasses import dataclass, replace
from typing import Literal

from sciml.errors import InputError

Severity = Literal["ok", "corrected", "warning", "refused"]
SEVERITIES: tuple[Severity, ...] = ("ok", "corrected", "warning", "refused")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: field or coordinate; empty for the data as a whole.
        severity: `corrected` is certain and gets mended; `refused` keeps the data from use.
        came: what the data holds.
        expected: what it should hold; empty where all is well.
        advice: what to do.
    """

    subject: str
    severity: Severity
    came: str
    expected: str = ""
    advice: str = ""

    @property
    def text(self) -> str:
        """One line: `msl averages 1013; expected 93000..107000 Pa: taken as hPa`."""
        line = f"{self.subject} {self.came}".lstrip()
        if self.expected:
            line += f"; expected {self.expected}"
        return f"{line}: {self.advice}" if self.advice else line


@dataclass(frozen=True)
class Conversion:
    """A field that came in another unit than was taken for granted.

    Attributes:
        name: of the field.
        unit: that its file's values really are in.
        factor, offset: SI = factor * value + offset, of the values as they were opened.
    """

    name: str
    unit: str
    factor: float
    offset: float


@dataclass(frozen=True)
class FieldCheck:
    """A field at a glance; numbers in SI units, after any correction.

    Attributes:
        name: canonical.
        dims: canonical.
        stated: unit that the file states; empty where it states none.
        unit: that the values tell; empty where they cannot.
        si: unit of the numbers below.
        low, high: extremes of the sampled times; NaN where all is NaN.
        missing: share of NaN.
        score: deviation of the average from the training average, in training standard
            deviations, of the worst level; None without a model.
        severity: the worst of the findings on this field.
    """

    name: str
    dims: tuple[str, ...]
    stated: str
    unit: str
    si: str
    low: float
    high: float
    missing: float
    score: float | None
    severity: Severity


@dataclass(frozen=True)
class Report:
    """All that a check found.

    Attributes:
        findings: on coordinates, then on fields, in their order.
        fields: one summary each.
        conversions: what `apply` multiplies.
        level_factor: what `apply` multiplies the level coordinate by.
        times: that were looked at; empty for data without time.
    """

    findings: tuple[Finding, ...]
    fields: tuple[FieldCheck, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    level_factor: float = 1.0
    times: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """The worst of all."""
        return worst(self.findings)

    def of(self, *severities: Severity) -> tuple[Finding, ...]:
        """The findings of these severities."""
        return tuple(f for f in self.findings if f.severity in severities)

    def lines(self, *severities: Severity) -> list[str]:
        """One line for each finding of these severities; fields with the same one share it."""
        subjects: dict[Finding, list[str]] = {}
        for finding in self.of(*severities):
            subjects.setdefault(replace(finding, subject=""), []).append(finding.subject)
        return [
            f"{finding.severity}: {', '.join(names)}{':' * (len(names) > 1)} {finding.text}"
            for finding, names in subjects.items()
        ]

    def require_usable(self) -> None:
        """Stop at what was refused.

        Raises:
            InputError: the first refusal, and how many there are.
        """
        refused = self.of("refused")
        if refused:
            more = len(refused) - 1
            others = f" (and {more} more: see `weather check`)" if more else ""
            raise InputError(refused[0].text + others)


def worst(findings: tuple[Finding, ...] | list[Finding]) -> Severity:
    """The gravest severity; `ok` of none."""
    return max((f.severity for f in findings), key=SEVERITIES.index, default="ok")


def number(value: float) -> str:
    """Four digits, and no exponent for what meteorologists write without one."""
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"


def deviations(score: float) -> str:
    """Standard deviations to a tenth, enormous ones with an exponent."""
    return f"{score:.1f}" if score < 1e4 else f"{score:.1e}"
