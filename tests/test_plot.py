"""Figures: descriptions hold what a reader sees, and drawing keeps its promises."""

from dataclasses import replace

import numpy as np
import pytest

import dualyte as dl
from dualyte import plot
from dualyte.circuit import Spectrum, parse
from dualyte.plot.canvas import _columns, _edges
from dualyte.plot.spectra import foot

CIRCUIT = parse(
    "R_0-p(R_bulk,CPE_bulk)-p(R_he,CPE_he)-CPE_tail",
    5e-4, 125e-4, 1.2e-6, 0.95, 150e-4, 3.6e-2, 0.727, 1e-1, 0.9,
)  # fmt: skip
F = np.geomspace(7e6, 1.0, 69)


def spectrum(R_he=150e-4, **about):
    z = CIRCUIT.at(R_he=R_he).impedance(F) * 1e4
    return Spectrum(**({"frequency": F, "z": z, "area": 1e-4} | about))


def over_pressure(*MPa):
    return [spectrum(8e-1 / p, pressure=p * 1e6, temperature=298.15) for p in MPa]


def over_temperature(*celsius):
    return [spectrum(temperature=t + 273.15, pressure=55e6) for t in celsius]


def points(figure):
    return [s for s in figure.series if s.style == "points"]


def drawn(figure):
    canvas = plot.draw(figure)
    canvas.draw_without_rendering()
    return canvas


def inside(canvas):
    """Whether every text and axis lies on the paper."""
    frame = canvas.bbox
    boxes = [axes.get_tightbbox() for axes in canvas.axes]
    boxes += [legend.get_window_extent() for legend in canvas.legends]
    return all(
        box.x0 >= frame.x0 - 1
        and box.y0 >= frame.y0 - 1
        and box.x1 <= frame.x1 + 1
        and box.y1 <= frame.y1 + 1
        for box in boxes
    )


EVERY = {
    "nyquist": lambda: plot.nyquist(spectrum(), [("fit", F, CIRCUIT.impedance(F))]),
    "nyquist over pressure": lambda: plot.nyquist(over_pressure(55, 8.2, 3, 1)),
    "nyquist over temperature": lambda: plot.nyquist(over_temperature(*range(-40, 45, 5))),
    "nyquist with tail": lambda: plot.nyquist(spectrum(), tail=True),
    "nyquist of eight": lambda: plot.nyquist(over_temperature(*range(5, 45, 5))),
    "bode": lambda: plot.bode(over_pressure(55, 3), [("fit", F, CIRCUIT.impedance(F))]),
    "bode over temperature": lambda: plot.bode(over_temperature(*range(-40, 45, 5))),
    "residuals": lambda: plot.residuals(F, 0.01 * np.exp(1j * F), spread=0.003),
    "drt": lambda: plot.drt_figure(1 / F, np.exp(-(np.log(F / 1e3) ** 2)), peaks=[(1e-3, "H-E")]),
    "drt map": lambda: plot.drt_map_figure(1 / F, [260.0, 280, 300], np.ones((3, 69))),
    "arrhenius": lambda: plot.arrhenius_figure(
        [plot.Points(temperature=[250.0, 300], value=[1.0, 0.1], spread=[0.1, 0.01], name="H-E")]
    ),
}


# Nyquist -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_every_figure_is_one_column_wide_and_nothing_leaves_the_paper(name):
    canvas = drawn(EVERY[name]())
    assert canvas.get_figwidth() * 25.4 == pytest.approx(85)
    assert canvas.get_figheight() < 1.4 * canvas.get_figwidth()
    assert inside(canvas)


def test_units_of_a_nyquist_plot_are_as_long_along_both_axes():
    axes = drawn(plot.nyquist(over_pressure(55, 3))).axes[0]
    (x0, y0), (x1, y1) = axes.transData.transform([(0, 0), (100, 100)])
    assert x1 - x0 == pytest.approx(y1 - y0, rel=1e-9)


def test_a_nyquist_plot_shows_minus_im_over_re_in_ohm_cm2():
    s = spectrum()
    figure = plot.nyquist(s)
    assert (figure.x, figure.y) == ("Z′ / Ω cm²", "−Z″ / Ω cm²")
    assert points(figure)[0].x == pytest.approx(s.specific.real * 1e4)
    assert points(figure)[0].y == pytest.approx(-s.specific.imag * 1e4)


def test_without_an_area_the_axes_are_in_ohm():
    figure = plot.nyquist(spectrum(area=None))
    assert figure.x == "Z′ / Ω"


def test_decades_are_marked_at_the_points_nearest_to_them():
    s = spectrum()
    marks = next(x for x in plot.nyquist(s).series if x.style == "marks")
    assert "1 kHz" in marks.text
    k = marks.text.index("1 kHz")
    near = int(np.argmin(np.abs(np.log10(F / 1e3))))
    assert marks.x[k] == pytest.approx(s.specific.real[near] * 1e4)
    assert marks.y[k] == pytest.approx(-s.specific.imag[near] * 1e4)


def test_a_decade_that_was_not_measured_is_not_marked():
    few = Spectrum(frequency=[3e3, 2e3, 4e2], z=[1 - 1j, 2 - 1j, 3 - 1j])
    assert all(s.style != "marks" for s in plot.nyquist(few).series)


def test_the_axes_end_where_a_blocking_tail_has_begun():
    s = spectrum()
    arcs = sum(CIRCUIT.parameters[name] for name in ("R_0", "R_bulk", "R_he")) * 1e4
    short, whole = plot.nyquist(s), plot.nyquist(s, tail=True)
    assert arcs < short.x_limits[1] < 2 * arcs
    assert (short.y, whole.y) == ("−Z″ / Ω cm²", "−Z″ / kΩ cm²")
    assert 1e3 * whole.y_limits[1] > 10 * short.y_limits[1]
    assert len(points(short)[0].x) == F.size  # hidden by the axes, not dropped


def test_a_cell_without_a_tail_is_shown_whole():
    z = (CIRCUIT.impedance(F) - 1 / (0.1 * (2j * np.pi * F) ** 0.9)) * 1e4
    assert foot(z) == F.size - 1
    figure = plot.nyquist(Spectrum(frequency=F, z=z, area=1e-4))
    assert figure.x_limits[1] > z.real.max()


def test_a_diffusion_line_of_45_degrees_is_no_tail():
    z = 100 + 20 * (1 - 1j) / np.sqrt(F)
    assert foot(z) == F.size - 1


def test_inductive_points_are_in_sight():
    z = CIRCUIT.impedance(F) * 1e4 + 2j * np.pi * F * 1e-6
    assert plot.nyquist(Spectrum(frequency=F, z=z, area=1e-4)).y_limits[0] < -z.imag[0]


def test_points_a_mask_leaves_out_are_open():
    figure = plot.nyquist(spectrum().between(10, 1e6))
    styles = [s.style for s in figure.series if s.style in ("points", "open")]
    assert styles == ["points", "open"]


# Legends -------------------------------------------------------------------------------


def test_pressure_is_in_the_legend_and_what_is_common_in_the_title():
    figure = plot.nyquist(over_pressure(55, 8.2, 3))
    assert [s.name for s in points(figure)] == ["55 MPa", "8.2 MPa", "3 MPa"]
    assert figure.title == "25 °C"


def test_temperature_shades_rise_with_it():
    figure = plot.nyquist(over_temperature(-20, 0, 20))
    assert [s.name for s in points(figure)] == ["−20 °C", "0 °C", "20 °C"]
    assert [s.shade for s in points(figure)] == pytest.approx([0, 0.5, 1])
    assert figure.title == "55 MPa"


def test_many_temperatures_have_a_colour_bar_instead_of_names():
    figure = plot.nyquist(over_temperature(*range(-40, 45, 5)))
    assert (figure.scale.low, figure.scale.high) == pytest.approx((-40, 40))
    assert figure.scale.label == "temperature T / °C"
    assert not any(s.name for s in points(figure))


def test_temperature_and_pressure_together_are_shade_and_marker():
    both = [replace(s, pressure=p) for p in (55e6, 3e6) for s in over_temperature(0, 20)]
    figure = plot.nyquist(both)
    assert [s.marker for s in points(figure)] == ["o", "o", "s", "s"]
    assert [s.name for s in points(figure)] == ["55 MPa", "", "3 MPa", ""]
    assert figure.scale is not None


def test_cells_that_differ_in_nothing_else_are_told_apart_by_name():
    figure = plot.nyquist([spectrum(name="cell 1"), spectrum(name="cell 2")])
    assert [s.name for s in points(figure)] == ["cell 1", "cell 2"]
    assert len({s.colour for s in points(figure)}) == 2


def test_models_share_the_colour_of_their_spectra_and_are_named_once():
    spectra = over_pressure(55, 8.2, 3)
    figure = plot.nyquist(spectra, [("fit", F, s.specific) for s in spectra])
    lines = [s for s in figure.series if s.style == "line"]
    assert [s.shade for s in lines[:3]] == [s.shade for s in points(figure)]
    assert [s.name for s in lines] == ["", "", "", "fit"]


def test_every_legend_fits_between_the_edges():
    assert _columns(["a" * 70, "b"]) == 1
    assert _columns(["5 °C"] * 8) <= 6


# Other figures -------------------------------------------------------------------------


def test_a_bode_plot_stacks_modulus_over_phase():
    s = spectrum()
    top, bottom = plot.bode(s).panels
    assert (top.log_y, bottom.log_y) == (True, False)
    assert points(top)[0].y == pytest.approx(np.abs(s.specific) * 1e4)
    assert points(bottom)[0].y == pytest.approx(-np.angle(s.z, deg=True))
    axes = drawn(plot.bode(s)).axes
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert [a.get_xlabel() for a in axes] == ["", "frequency ν / Hz"]


def test_bands_of_a_model_hold_nine_tenths_of_its_samples():
    samples = np.array(
        [CIRCUIT.at(R_he=r).impedance(F) for r in np.linspace(0.5, 1.5, 201) * 0.015]
    )
    curve = plot.Curve(frequency=F, z=CIRCUIT.impedance(F), samples=samples)
    band = plot.bode(models=[curve]).panels[0].series[0]
    held = (np.abs(samples) * 1e4 >= band.low) & (np.abs(samples) * 1e4 <= band.high)
    assert held.mean() == pytest.approx(0.9, abs=0.01)
    area = next(s for s in plot.nyquist(models=[curve]).series if s.style == "area")
    assert area.name == "90 % band"


def test_residuals_are_in_percent_with_a_band_of_two_standard_deviations():
    figure = plot.residuals(
        [1.0, 10.0], [0.01 + 0.02j, -0.01], spread=0.005, left_out=[False, True]
    )
    band, re, left, im, _ = figure.series
    assert (band.low.tolist(), band.high.tolist()) == ([-1, -1], [1, 1])
    assert re.y == pytest.approx([1.0])
    assert im.y == pytest.approx([2.0])
    assert left.style == "open"


def test_the_frequencies_above_a_drt_are_those_of_the_times_below():
    figure = plot.drt_figure(1 / (2 * np.pi * F), np.ones(F.size))
    told = dict((text, x) for x, text in figure.top_ticks)
    assert told["1 kHz" if "1 kHz" in told else "10 kHz"] == pytest.approx(
        1 / (2 * np.pi * (1e3 if "1 kHz" in told else 1e4))
    )
    assert len(figure.top_ticks) <= 5


def test_a_drt_map_puts_each_row_at_its_temperature():
    g = np.arange(6.0).reshape(2, 3)  # rows: 300 K, 250 K
    figure = plot.drt_map_figure([1.0, 0.1, 0.01], [300.0, 250.0], g * 1e-4)
    assert figure.image.shape == (3, 2)
    assert figure.grid[1] == pytest.approx([-23.15, 26.85])
    assert figure.image[:, 1] == pytest.approx([2, 1, 0])  # warm row, by rising τ


def test_edges_lie_halfway_on_the_axis_as_drawn():
    assert _edges(np.array([1.0, 10.0, 100.0]), True) == pytest.approx(
        10 ** np.array([-0.5, 0.5, 1.5, 2.5])
    )
    assert _edges(np.array([1.0, 2.0, 4.0]), False) == pytest.approx([0.5, 1.5, 3, 5])


def test_an_arrhenius_plot_of_an_arrhenius_law_is_straight_in_1000_over_t():
    T = np.linspace(233.15, 313.15, 9)
    R = 1e-2 * np.exp(5900 * (1 / T - 1 / 298.15))
    figure = plot.arrhenius_figure([plot.Points(temperature=T, value=R)])
    slope = np.diff(np.log(figure.series[0].y)) / np.diff(figure.series[0].x)
    assert slope == pytest.approx(5.9, rel=1e-9)
    assert figure.y == "area-specific resistance R / Ω cm²"
    for x, text in figure.top_ticks:
        assert 1000 / x - 273.15 == pytest.approx(float(text.replace("−", "-")))


def test_error_bars_on_a_logarithmic_axis_stay_above_zero():
    wide = plot.Points(temperature=[300.0, 250.0], value=[1.0, 2.0], spread=[5.0, 0.1])
    bars = plot.arrhenius_figure([wide]).series[0]
    assert (bars.low > 0).all()


def test_outliers_are_drawn_open():
    one = plot.Points(
        temperature=[300.0, 280, 260], value=[1.0, 2, 9], left_out=[False, False, True]
    )
    assert [s.style for s in plot.arrhenius_figure([one]).series] == ["points", "open"]


# A predicted cell ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def predicted():
    face = dl.RoughFace(n=32, size=16e-6, cutoff=1e-6)
    design = dl.built_in(face=face, stacks=(55e6, 20e6, 8.2e6, 3e6, 1e6))
    return dl.predict_impedance(dl.predict_interface(design, seeds=2, draws=50))


def test_a_predicted_cell_says_its_pressures_and_convention(predicted):
    nyquist, bode = plot.impedance_figures(predicted)
    assert nyquist.title == "predicted: LNOC | LLZTO | LNOC, 25 °C, per cell"
    assert {"55 MPa", "1 MPa", "90 % band"} <= {s.name for s in nyquist.series}
    assert bode.panels[0].series[0].low is not None
    assert inside(drawn(nyquist))


def test_measured_points_lie_over_the_prediction_of_their_pressure(predicted):
    two = over_pressure(55, 3)
    figure = plot.impedance_figures(predicted, two)[0]
    lines = [s for s in figure.series if s.style == "line"]
    assert [s.colour for s in lines[:2]] == [s.colour for s in points(figure)]
    assert lines[-1].name == "predicted"
    assert "not comparable" not in figure.title
    one = plot.impedance_figures(predicted, over_pressure(40))[0]  # nearest, and said so
    assert "predicted, 55 MPa" in {s.name for s in one.series}


def test_points_of_another_temperature_are_called_not_comparable(predicted):
    figure = plot.impedance_figures(predicted, over_temperature(-25))[0]
    assert figure.title.endswith("not comparable: measured at −25 °C")
    assert inside(drawn(figure))


def test_a_single_spectrum_says_its_conditions_in_the_legend():
    figure = plot.nyquist(over_temperature(-25))
    assert points(figure)[0].name == "measured, −25 °C, 55 MPa"
