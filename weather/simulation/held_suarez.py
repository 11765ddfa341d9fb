"""The dynamics behind `weather simulate`: dry primitive equations, Held-Suarez forcing.

Spectral in the horizontal, sigma layers in the vertical, semi-implicit in time, all
by `dinosaur`, which this module alone imports. Held and Suarez (1994, BAMS 75,
1825-1830): Newtonian relaxation to a zonally symmetric temperature, Rayleigh
friction near the ground, no moisture, no seasons, no day and night. Mountains are our
addition. Small scales are damped by ∇⁸ with an e-folding time of 0.1 days, as there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from dinosaur import (
    coordinate_systems,
    held_suarez,
    primitive_equations,
    scales,
    sigma_coordinates,
    spherical_harmonic,
    time_integration,
)
from numpy.typing import NDArray

from weather.simulation.orography import OrographyKind, surface_height
from weather.simulation.pressure_levels import SigmaColumn

Field = NDArray[np.float64]

LAYERS = 20  # equally spaced in sigma, as in Held and Suarez (1994)
TIME_STEP = {21: 3600, 31: 2400, 42: 1800}  # s, longest by truncation
REFERENCE_TEMPERATURE = 288.0  # K
SEA_LEVEL_PRESSURE = 101325.0  # Pa, of the first state
DAMPING_TIME = 0.1  # days
NOISE = 1.0  # K, of the first state


@dataclass(frozen=True)
class Frame:
    """One state on sigma layers, latitude north to south; float64, SI units.

    Attributes:
        column: temperature, surface pressure and surface geopotential.
        u: (layer, lat, lon) eastward wind, m s-1.
        v: (layer, lat, lon) northward wind, m s-1.
    """

    column: SigmaColumn
    u: Field
    v: Field


class Atmosphere:
    """A dry atmosphere on a rotating sphere, stepped from output time to output time."""

    def __init__(self, truncation: int, seconds: int, orography: OrographyKind, seed: int) -> None:
        """Build the discretized equations.

        Args:
            truncation: largest wavenumber: 21, 31 or 42.
            seconds: between two frames, a multiple of one hour.
            orography: kind of mountains.
            seed: of the first state, and of random mountains.
        """
        grid = getattr(spherical_harmonic.Grid, f"T{truncation}")()
        vertical = sigma_coordinates.SigmaCoordinates.equidistant(LAYERS)
        self.coords = coordinate_systems.CoordinateSystem(grid, vertical)
        self.specs = primitive_equations.PrimitiveEquationsSpecs.from_si(
            scale=scales.ATMOSPHERIC_SCALE  # keeps surface pressure near one: exact in float32
        )
        self.seed = seed
        self.lat = np.degrees(grid.latitudes)[::-1]
        self.lon = np.degrees(grid.longitudes)
        height = surface_height(orography, self.lat[::-1], self.lon, seed).T
        self._orography = primitive_equations.truncated_modal_orography(
            self._nondimensional(height, "m"), self.coords
        )
        height = np.asarray(grid.to_nodal(self._orography), np.float64)
        self.surface_geopotential = self._field(height * self.specs.g, "m**2/s**2")
        self.gas_constant = float(self._si(self.specs.R, "J/kg/K"))
        self.time_step = seconds / -(-seconds // TIME_STEP[truncation])
        self._start = self._first_state()
        self._mean_pressure = self._global_mean_pressure(self._start)
        self._advance = self._compile(round(seconds / self.time_step))

    def frames(self, spinup: int, count: int) -> Iterator[Frame | None]:
        """Integrate from a noisy atmosphere at rest.

        Yields:
            None for each of `spinup` intervals, then `count` frames, the first
            of them at the end of the spin-up.
        """
        state = self._start
        for _ in range(spinup):
            state = self._advance(state)
            yield None
        for remaining in reversed(range(count)):
            yield self._frame(state)
            if remaining:
                state = self._advance(state)

    def _compile(self, steps: int) -> Any:
        reference = np.full(LAYERS, REFERENCE_TEMPERATURE)
        equations = time_integration.compose_equations(
            [
                primitive_equations.PrimitiveEquations(
                    reference, self._orography, self.coords, self.specs
                ),
                held_suarez.HeldSuarezForcing(self.coords, self.specs, reference),
            ]
        )
        step = float(self._nondimensional(self.time_step, "s"))
        damping = time_integration.horizontal_diffusion_step_filter(
            self.coords.horizontal, step, tau=self._nondimensional(DAMPING_TIME, "day"), order=4
        )
        one = time_integration.step_with_filters(
            time_integration.imex_rk_sil3(equations, step), [damping]
        )
        many = time_integration.repeated(one, steps)
        return jax.jit(lambda state: self._conserve_mass(many(state)))

    def _first_state(self) -> primitive_equations.State:
        """At rest and isothermal, with white noise in temperature."""
        grid = self.coords.horizontal
        noise = NOISE * np.random.default_rng([self.seed, 0]).standard_normal(grid.nodal_shape)
        temperature = grid.clip_wavenumbers(grid.to_modal(jnp.asarray(noise, jnp.float32)))
        layers = jnp.broadcast_to(temperature, self.coords.modal_shape)
        height = grid.to_nodal(self._orography) * self.specs.g
        log_pressure = np.log(self._nondimensional(SEA_LEVEL_PRESSURE, "Pa"))
        balanced = log_pressure - height / (self.specs.R * REFERENCE_TEMPERATURE)
        return primitive_equations.State(
            vorticity=jnp.zeros_like(layers),
            divergence=jnp.zeros_like(layers),
            temperature_variation=layers,
            log_surface_pressure=grid.clip_wavenumbers(grid.to_modal(balanced))[None],
        )

    def _conserve_mass(self, state: primitive_equations.State) -> primitive_equations.State:
        """Take back the small drift of total mass that stepping ln p leaves."""
        lost = jnp.log(self._mean_pressure / self._global_mean_pressure(state))
        grid = self.coords.horizontal
        constant = grid.to_modal(jnp.full(grid.nodal_shape, lost))
        return state.replace(log_surface_pressure=state.log_surface_pressure + constant)

    def _global_mean_pressure(self, state: primitive_equations.State) -> Any:
        grid = self.coords.horizontal
        area = grid.integrate(jnp.ones(grid.nodal_shape))
        return grid.integrate(jnp.exp(grid.to_nodal(state.log_surface_pressure[0]))) / area

    def _frame(self, state: primitive_equations.State) -> Frame:
        grid = self.coords.horizontal
        u, v = spherical_harmonic.vor_div_to_uv_nodal(
            grid, state.vorticity, state.divergence, clip=False
        )
        variation = self._field(grid.to_nodal(state.temperature_variation), "K")
        pressure = np.exp(np.asarray(grid.to_nodal(state.log_surface_pressure[0]), np.float64))
        column = SigmaColumn(
            sigma=np.asarray(self.coords.vertical.centers, np.float64),
            temperature=REFERENCE_TEMPERATURE + variation,
            surface_pressure=self._field(pressure, "Pa"),
            surface_geopotential=self.surface_geopotential,
            gas_constant=self.gas_constant,
        )
        return Frame(column, self._field(u, "m/s"), self._field(v, "m/s"))

    def _field(self, nodal: Any, unit: str) -> Field:
        """SI values with axes (..., lat north to south, lon)."""
        return np.ascontiguousarray(self._si(nodal, unit).swapaxes(-1, -2)[..., ::-1, :])

    def _si(self, value: Any, unit: str) -> Field:
        return self.specs.dimensionalize(
            np.asarray(value, np.float64), scales.units.parse_units(unit)
        ).magnitude

    def _nondimensional(self, value: Any, unit: str) -> Any:
        return self.specs.nondimensionalize(value * scales.units(unit))
