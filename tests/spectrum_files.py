"""Impedance files made for tests, and where real ones lie."""

import re
from pathlib import Path

import numpy as np
import pytest

from dualyte.measure.files import read_spectra

HERE = Path(__file__).parent / "data" / "eis"
SHARED = Path(__file__).parents[2] / "shared" / "data"
F = np.logspace(5, -1, 31)
PELLET = "PEIS_LPSCl_IonBlocking_-25C"


def shared_data(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand")
    return path


def cell(f=F, r=100.0, c=1e-5):
    """A resistance in series with a parallel R and C."""
    return 20 + r / (1 + 2j * np.pi * f * r * c)


def table(rows, header="freq/Hz,Z'/Ohm,Z''/Ohm", sep=",", comma=False):
    lines = [sep.join(f"{x:.9g}" for x in row) for row in rows]
    text = "\n".join(line.replace(".", ",") if comma else line for line in lines)
    return (header + "\n" if header else "") + text + "\n"


def columns(f=F, z=None):
    z = cell(f) if z is None else z
    return np.column_stack([f, z.real, z.imag])


def written(folder, text, name="cell.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def one(path, **how):
    reading = read_spectra(path, **how)
    assert len(reading) == 1
    return reading[0]


def assert_same(spectrum, f=F, z=None, rtol=1e-7):
    z = cell(f) if z is None else z
    order = np.argsort(-f, kind="stable")
    assert spectrum.frequency == pytest.approx(f[order], rel=rtol)
    assert np.abs(spectrum.z / z[order] - 1).max() < rtol


def said(spectrum, words):
    return any(re.search(words, sentence) for sentence in spectrum.changes)


def differ(one, other):
    """Largest relative difference of frequencies and impedances."""
    assert one.frequency.size == other.frequency.size
    return max(
        np.abs(one.frequency / other.frequency - 1).max(),
        np.abs(one.z.real / other.z.real - 1).max(),
        np.abs(one.z.imag / other.z.imag - 1).max(),
    )
