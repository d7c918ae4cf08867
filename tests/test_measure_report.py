"""What is reported of measurements: conditions, totals, maps, cells with and without an area."""

from dataclasses import replace

import numpy as np
import pytest
from bilayer_cells import CIRCUIT, FREQUENCY, bilayer, noisy, series

from dualyte.circuit import Spectrum
from dualyte.measure.drt import drt, drt_map, map_of
from dualyte.measure.files import Reading
from dualyte.report.activation import total_resistance
from dualyte.report.evaluation import evaluate, join
from dualyte.report.measurement import measurement_figures, measurement_json, measurement_text
from dualyte.report.relaxation import relaxation_figures, relaxations

TEMPERATURES = np.linspace(233.15, 313.15, 5)


def read(spectra):
    return Reading(spectra=tuple(spectra))


def test_a_pressure_series_at_sixty_degrees_is_given_at_sixty_degrees():
    spectra = []
    for off, contact in zip((-0.1, 0.0, 0.1), (1.0, 0.6, 0.4), strict=True):
        [s] = series(4, temperatures=(333.15 + off,), fractions=(contact,))
        spectra.append(replace(s, pressure=55e6 * contact, name=f"{55 * contact:g} MPa"))
    found = join(evaluate(read(spectra), CIRCUIT), CIRCUIT)
    joint = measurement_json(found)["joint"]
    assert joint["temperature_C"] == pytest.approx(60, abs=0.05)
    assert "Ea_he" not in joint["results"]
    lines = [part for part in measurement_text(found) if isinstance(part, str)]
    assert any(line.startswith("Joint fit of 3 spectra at 60 °C, 55 MPa") for line in lines)
    assert any("numbers are those at 60 degC, not 25 °C" in line for line in lines)
    figures = {figure.name: figure for figure in measurement_figures(found)}
    assert "arrhenius" not in figures
    assert "joint fit at 60 °C" in figures["contact"].title


def test_cells_with_and_without_an_area_share_axes_in_ohm_but_no_map():
    spectra = series(3, temperatures=np.linspace(233.15, 323.15, 6))
    spectra[::2] = [replace(s, area=None) for s in spectra[::2]]
    found = evaluate(read(spectra), CIRCUIT)
    figures = {figure.name: figure for figure in measurement_figures(found)}
    assert {"drt_map_temperature", "drt_map_temperature_2"} <= figures.keys()
    drawn = figures["bode_temperature"].panels[0].series
    lines = [s for s in drawn if s.style == "line"]
    points = [s for s in drawn if s.style == "points" and np.size(s.x) == FREQUENCY.size]
    assert len(lines) >= len(points) == 6
    for line, point in zip(lines, points, strict=False):
        order = np.argsort(line.x)
        fitted = np.exp(np.interp(np.log(point.x), np.log(line.x[order]), np.log(line.y[order])))
        assert np.abs(fitted / point.y - 1).max() < 0.05


def test_the_map_of_distributions_has_as_many_arcs_as_are_asked_for(monkeypatch):
    rows = relaxations(read(series(3, temperatures=TEMPERATURES)), arcs=2)
    monkeypatch.setattr("dualyte.report.relaxation.drt", pytest.fail)  # once is enough
    [chart] = [f for f in relaxation_figures(rows) if f.name == "drt_map_temperature"]
    assert sum(np.size(each.x) for each in chart.series) == 10


def test_a_map_leaves_out_what_has_no_distribution_and_keeps_each_on_its_own_times():
    f = FREQUENCY
    z = 5 + 100 / (1 + (2j * np.pi * f * 1e-3) ** 0.9)
    whole, slow = Spectrum(frequency=f, z=z), Spectrum(frequency=f[20:], z=z[20:], name="slow")
    few = Spectrum(frequency=f[:4], z=z[:4], name="few")
    chart = drt_map([whole, few, slow])
    assert len(chart.drts) == 2
    assert chart.gamma.shape == (2, chart.tau.size)
    assert [title for title, _ in chart.failures] == ["few"]
    first, second = drt(whole), drt(slow)
    chart = map_of([first, second])
    assert (chart.tau[0], chart.tau[-1]) == pytest.approx((first.tau[0], first.tau[-1]))
    area = [np.trapezoid(g, np.log(chart.tau)) for g in chart.gamma]
    own = [np.trapezoid(d.gamma, np.log(d.tau)) for d in (first, second)]
    assert area == pytest.approx(own, rel=0.02)
    [_, flat] = map_of([first, replace(second, gamma=np.ones(second.tau.size))]).gamma
    inside = (chart.tau >= second.tau[0]) & (chart.tau <= second.tau[-1])
    assert (flat == inside).all()


def test_the_resistance_in_series_belongs_to_the_whole_conductivity():
    cell = Spectrum(frequency=FREQUENCY, z=noisy(bilayer()), area=1e-4, thickness=1e-3)
    [fit] = evaluate(read([cell]), CIRCUIT).fits
    R, sigma = total_resistance(fit)["R_total"], fit.values["sigma_total"]
    assert R.si * sigma.si == pytest.approx(cell.thickness, rel=1e-12)
    assert R.spread == pytest.approx(sigma.spread, rel=1e-9)
    assert R.si == pytest.approx(sum(fit.numbers[f"R_{x}"] for x in ("0", "bulk", "gb")))
