"""Impedance of a network of linear elements with exact derivatives, one frequency at a time.

A network is a program in postfix order. Each row is (code, first, middle, last): an element
owns the parameters first … last − 1, a combination joins two operands that own
first … middle − 1 and middle … last − 1. Since an operand owns a contiguous range, joining
two in parallel only scales their derivatives by (Z/Z_a)² and (Z/Z_b)². A resistor parallel to
a constant-phase element, which every arc is, has a code of its own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Program = npt.NDArray[np.int64]  #: (k, 4)

R: Final = 0
C: Final = 1
L: Final = 2
Q: Final = 3
W: Final = 4
WS: Final = 5
WO: Final = 6
ZARC: Final = 7
TLM: Final = 8
K: Final = 9
G: Final = 10
RQ: Final = 11  #: R | Q, parameters R, Q, n
QR: Final = 12  #: Q | R, parameters Q, n, R
SERIES: Final = 20
PARALLEL: Final = 21

_SMALL: Final = 0.05**2  # below this |x|² the hyperbolic functions are summed as series
_QUARTER: Final = np.pi / 2
# A fused multiply-add and no difference between ±0 change nothing but the last digit;
# infinities must stay what they are.
_FAST: Final = {"contract", "nsz", "arcp"}


@njit(cache=True, nogil=True, inline="always")
def _inverse(x: complex) -> complex:
    """1/x, without the scaling that numbers of ordinary size do not need."""
    over = 1 / (x.real * x.real + x.imag * x.imag)
    return complex(x.real * over, -x.imag * over)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _tanh(x: complex) -> tuple[complex, complex]:
    """T = tanh(x)/x and x dT/dx, for Re x ≥ 0."""
    y = x * x
    if abs(y.real) + abs(y.imag) < _SMALL:
        t = 1 + y * (-1 / 3 + y * (2 / 15 + y * (-17 / 315 + y * (62 / 2835 - y * 1382 / 155925))))
        g = y * (-2 / 3 + y * (8 / 15 + y * (-102 / 315 + y * (496 / 2835 - y * 13820 / 155925))))
        return t, g
    e = np.exp(-2 * x)
    th = (1 - e) * _inverse(1 + e)
    t = th * _inverse(x)
    return t, 1 - th * th - t


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _coth(x: complex) -> tuple[complex, complex, complex]:
    """K = coth(x)/x, x dK/dx and K + (x dK/dx)/2, for Re x ≥ 0.

    The last stays near 1/3 where the first two grow like 1/x² and cancel.
    """
    y = x * x
    if abs(y.real) + abs(y.imag) < _SMALL:
        v = _inverse(y)
        k = v + (1 / 3 + y * (-1 / 45 + y * (2 / 945 + y * (-1 / 4725 + y * (2 / 93555)))))
        g = -2 * v + y * (-2 / 45 + y * (8 / 945 + y * (-6 / 4725 + y * (16 / 93555))))
        h = 1 / 3 + y * (-2 / 45 + y * (6 / 945 + y * (-4 / 4725 + y * (10 / 93555))))
        return k, g, h
    e = np.exp(-2 * x)
    over = _inverse(1 - e)
    k = (1 + e) * over * _inverse(x)
    slope = 4 * e * over * over  # 1/sinh²
    return k, -slope - k, (k - slope) / 2


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _line(p: Floats, a: int, cos: float, sin: float, lw: float, d: Complexes) -> complex:
    """Transmission line; writes its five derivatives to d[a:]."""
    r1, r2 = p[a], p[a + 1]
    m = np.exp(p[a + 4] * lw)
    power = complex(m * cos, m * sin)
    y = 1 / p[a + 2] + p[a + 3] * power
    s = r1 + r2
    nu = np.sqrt(s * y)
    t, gt = _tanh(nu / 2)
    k, gk, h = _coth(nu)
    rails = r1 * r2 / s
    along = (s * gk - rails * gt) / 2 * _inverse(y)  # ∂Z/∂y
    by_sum = h - rails / s * gt / 2
    d[a] = (r2 / s) ** 2 * (1 - t) + by_sum
    d[a + 1] = (r1 / s) ** 2 * (1 - t) + by_sum
    d[a + 2] = -along / (p[a + 2] * p[a + 2])
    d[a + 3] = along * power
    d[a + 4] = along * (p[a + 3] * power) * complex(lw, _QUARTER)
    z: complex = rails * (1 - t) + s * k
    return z


@njit(cache=True, nogil=True)
def exponent(code: int, first: int) -> int:
    """Index of the exponent n of an element that has one, else −1."""
    if code in (Q, QR):
        return first + 1
    if code in (RQ, ZARC):
        return first + 2
    return first + 4 if code == TLM else -1


@njit(cache=True, nogil=True)
def prepare(program: Program, p: Floats, trig: Floats) -> None:
    """Cosine and sine of nπ/2 of every constant-phase element, once per parameter set."""
    for row in range(program.shape[0]):
        k = exponent(program[row, 0], program[row, 1])
        if k >= 0:
            trig[row, 0] = np.cos(p[k] * _QUARTER)
            trig[row, 1] = np.sin(p[k] * _QUARTER)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST, inline="always")
def _arc(
    iR: int,
    iQ: int,
    p: Floats,
    cos: float,
    sin: float,
    lw: float,
    d: Complexes,
) -> complex:
    """R parallel to Q; writes its derivatives."""
    Q = p[iQ]
    m = np.exp(p[iQ + 1] * lw)
    pr, pi = m * cos, m * sin
    g = 1 / p[iR]
    z = _inverse(complex(g + Q * pr, Q * pi))
    zz = z * z
    by_q = zz * complex(-pr, -pi)
    d[iR] = g * g * zz
    d[iQ] = by_q
    d[iQ + 1] = by_q * complex(Q * lw, Q * _QUARTER)
    return z


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _element(
    code: int,
    a: int,
    p: Floats,
    cos: float,
    sin: float,
    w: float,
    lw: float,
    d: Complexes,
) -> complex:
    """Impedance of one element; writes its derivatives to d[a:]."""
    z: complex
    if code == Q:
        over = 1 / p[a]
        m = np.exp(-p[a + 1] * lw) * over
        z = complex(m * cos, -m * sin)
        d[a] = -over * z
        d[a + 1] = -z * complex(lw, _QUARTER)
        return z
    if code == C:
        over = 1 / p[a]
        z = complex(0.0, -over / w)
        d[a] = -over * z
        return z
    if code == L:
        d[a] = complex(0.0, w)
        return complex(0.0, w * p[a])
    if code == W:
        m = 1 / np.sqrt(w)
        d[a] = complex(m, -m)
        return complex(p[a] * m, -p[a] * m)
    if code == ZARC:
        n, lt = p[a + 2], lw + np.log(p[a + 1])
        m = np.exp(n * lt)
        u = complex(m * cos, m * sin)
        g = _inverse(1 + u)
        h = -p[a] * g * (g * u)
        d[a] = g
        d[a + 1] = h * (n / p[a + 1])
        d[a + 2] = h * complex(lt, _QUARTER)
        z = p[a] * g
        return z
    if code in (K, G):
        tau = p[a + 1]
        g = _inverse(complex(1.0, w * tau))
        v = g if code == K else np.sqrt(g)
        d[a] = v
        d[a + 1] = p[a] * (v * g * complex(0.0, -w if code == K else -w / 2))
        z = p[a] * v
        return z
    if code == TLM:
        return _line(p, a, cos, sin, lw, d)
    root = np.sqrt(w * p[a + 1] / 2)
    if code == WS:
        t, g = _tanh(complex(root, root))
    else:
        t, g, _ = _coth(complex(root, root))
    d[a] = t
    d[a + 1] = p[a] / (2 * p[a + 1]) * g
    z = p[a] * t
    return z


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def point(
    program: Program,
    p: Floats,
    trig: Floats,
    w: float,
    lw: float,
    stack: Complexes,
    d: Complexes,
) -> complex:
    """Impedance at one angular frequency w, lw = ln w; derivatives to d (p.size,).

    `trig` (rows, 2) comes from `prepare`, `stack` (rows,) is room to work in.
    """
    top = -1
    for row in range(program.shape[0]):
        code, first = program[row, 0], program[row, 1]
        if code < SERIES:
            top += 1
            if code == R:
                d[first] = 1.0
                stack[top] = p[first]
            elif code == RQ:
                stack[top] = _arc(first, first + 1, p, trig[row, 0], trig[row, 1], lw, d)
            elif code == QR:
                stack[top] = _arc(first + 2, first, p, trig[row, 0], trig[row, 1], lw, d)
            else:
                stack[top] = _element(code, first, p, trig[row, 0], trig[row, 1], w, lw, d)
            continue
        top -= 1
        za, zb = stack[top], stack[top + 1]
        if code == SERIES:
            stack[top] = za + zb
            continue
        over = _inverse(za + zb)
        ga, gb = zb * over, za * over  # Z/Z_a and Z/Z_b
        stack[top] = za * ga
        ga, gb = ga * ga, gb * gb
        for k in range(first, program[row, 2]):
            d[k] *= ga
        for k in range(program[row, 2], program[row, 3]):
            d[k] *= gb
    z: complex = stack[0]
    return z


@njit(cache=True, nogil=True)
def evaluate(program: Program, p: Floats, omega: Floats) -> tuple[Complexes, Complexes]:
    """Impedance (m,) and its derivatives (p.size, m) at angular frequencies (m,)."""
    m = omega.size
    z = np.empty(m, dtype=np.complex128)
    slopes = np.empty((p.size, m), dtype=np.complex128)
    d = np.empty(p.size, dtype=np.complex128)
    stack = np.empty(program.shape[0], dtype=np.complex128)
    trig = np.empty((program.shape[0], 2))
    prepare(program, p, trig)
    for i in range(m):
        z[i] = point(program, p, trig, omega[i], np.log(omega[i]), stack, d)
        slopes[:, i] = d
    return z, slopes
