"""Loops of `flow`: one row of output at a time, so that compilers see straight vector loops.

Fields are (…, nx, ny, nz + 2): the last axis repeats one cell at either end. Index i of a face
or edge is the lower side of cell i. `per` holds 1 / cell side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, prange

Field = npt.NDArray[Any]


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def shear_rates(V: Field, per: Field, G: Field) -> None:
    """Shear rates xy, xz, yz on edges from the velocities on faces."""
    _, nx, ny, m = V.shape
    hx, hy, hz = 0.5 * per
    for i in prange(nx):
        before = (i - 1) % nx
        for j in range(ny):
            below = (j - 1) % ny
            u, v, w = V[0, i, j], V[1, i, j], V[2, i, j]
            uj, wj = V[0, i, below], V[2, i, below]
            vi, wi = V[1, before, j], V[2, before, j]
            a, b, c = G[0, i, j], G[1, i, j], G[2, i, j]
            for k in range(1, m - 1):
                a[k] = (u[k] - uj[k]) * hy + (v[k] - vi[k]) * hx
            for k in range(1, m - 1):
                b[k] = (u[k] - u[k - 1]) * hz + (w[k] - wi[k]) * hx
            for k in range(1, m - 1):
                c[k] = (v[k] - v[k - 1]) * hz + (w[k] - wj[k]) * hy
            for s in range(3):
                row = G[s, i, j]
                row[0] = row[m - 2]
                row[m - 1] = row[1]


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def add_viscosity(
    V: Field, E: Field, per: Field, G: Field, soft: Field,
    power: Field, least: Field, void: Field, eta: Field,
) -> None:  # fmt: skip
    """Cell viscosity h (ė² + least)^power / 3 + void; shear squared averages twelve edges."""
    _, nx, ny, m = V.shape
    hx, hy, hz = per
    third, half = V.dtype.type(1 / 3), V.dtype.type(0.5)
    for i in prange(nx):
        after = (i + 1) % nx
        square = np.empty(m, V.dtype)
        for j in range(ny):
            above = (j + 1) % ny
            a, b, c, d = G[0, i, j], G[0, after, j], G[0, i, above], G[0, after, above]
            for k in range(1, m - 1):
                square[k] = a[k] * a[k] + b[k] * b[k] + c[k] * c[k] + d[k] * d[k]
            a, b = G[1, i, j], G[1, after, j]
            for k in range(1, m - 1):
                square[k] += a[k] ** 2 + b[k] ** 2 + a[k + 1] ** 2 + b[k + 1] ** 2
            a, b = G[2, i, j], G[2, i, above]
            for k in range(1, m - 1):
                square[k] += a[k] ** 2 + b[k] ** 2 + a[k + 1] ** 2 + b[k + 1] ** 2
            u, ui, v, vj = V[0, i, j], V[0, after, j], V[1, i, j], V[1, i, above]
            w = V[2, i, j]
            for k in range(1, m - 1):
                x = E[0] + (ui[k] - u[k]) * hx
                y = E[1] + (vj[k] - v[k]) * hy
                z = E[2] + (w[k + 1] - w[k]) * hz
                mean = (x + y + z) * third
                x, y, z = x - mean, y - mean, z - mean
                square[k] = 2 * third * (x * x + y * y + z * z + half * square[k]) + least
            h, e = soft[i, j], eta[i, j]
            for k in range(1, m - 1):
                e[k] = h[k] * np.exp(power * np.log(square[k])) * third + void
            e[0] = e[m - 2]
            e[m - 1] = e[1]


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def _edge_means(eta: Field, edge: Field) -> None:
    """Viscosity on edges xy, xz, yz: mean of the four cells around."""
    nx, ny, m = eta.shape
    quarter = eta.dtype.type(0.25)
    for i in prange(nx):
        before = (i - 1) % nx
        for j in range(ny):
            below = (j - 1) % ny
            e, ei, ej, eij = eta[i, j], eta[before, j], eta[i, below], eta[before, below]
            a, b, c = edge[0, i, j], edge[1, i, j], edge[2, i, j]
            for k in range(1, m - 1):
                a[k] = quarter * (e[k] + ei[k] + ej[k] + eij[k])
            for k in range(1, m - 1):
                b[k] = quarter * (e[k] + ei[k] + e[k - 1] + ei[k - 1])
            for k in range(1, m - 1):
                c[k] = quarter * (e[k] + ej[k] + e[k - 1] + ej[k - 1])
            for s in range(3):
                row = edge[s, i, j]
                row[0] = row[m - 2]
                row[m - 1] = row[1]


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def _row_sums(eta: Field, zeta: Field, per: Field, edge: Field, scale: Field) -> None:
    """1 / sum of the absolute coefficients of each force: no mode is then stiffer than 1."""
    nx, ny, m = eta.shape
    hx, hy, hz = per
    four, two = eta.dtype.type(4 / 3), eta.dtype.type(2 / 3)
    for i in prange(nx):
        before, after = (i - 1) % nx, (i + 1) % nx
        for j in range(ny):
            below, above = (j - 1) % ny, (j + 1) % ny
            e, z, ei, zi = eta[i, j], zeta[i, j], eta[before, j], zeta[before, j]
            ej, zj = eta[i, below], zeta[i, below]
            a, b, c = edge[0, i, j], edge[1, i, j], edge[2, i, j]
            aj, ai = edge[0, i, above], edge[0, after, j]
            bi, cj = edge[1, after, j], edge[2, i, above]
            out = scale[0, i, j]
            for k in range(1, m - 1):
                normal = four * (e[k] + ei[k]) + z[k] + zi[k]
                cross = abs(z[k] - two * e[k]) + abs(zi[k] - two * ei[k])
                shear = (a[k] + aj[k]) * hy * (hy + hx) + (b[k] + b[k + 1]) * hz * (hz + hx)
                out[k] = 1 / (2 * hx * (normal * hx + cross * (hy + hz)) + 2 * shear)
            out = scale[1, i, j]
            for k in range(1, m - 1):
                normal = four * (e[k] + ej[k]) + z[k] + zj[k]
                cross = abs(z[k] - two * e[k]) + abs(zj[k] - two * ej[k])
                shear = (a[k] + ai[k]) * hx * (hx + hy) + (c[k] + c[k + 1]) * hz * (hz + hy)
                out[k] = 1 / (2 * hy * (normal * hy + cross * (hx + hz)) + 2 * shear)
            out = scale[2, i, j]
            for k in range(1, m - 1):
                normal = four * (e[k] + e[k - 1]) + z[k] + z[k - 1]
                cross = abs(z[k] - two * e[k]) + abs(z[k - 1] - two * e[k - 1])
                shear = (b[k] + bi[k]) * hx * (hx + hz) + (c[k] + cj[k]) * hy * (hy + hz)
                out[k] = 1 / (2 * hz * (normal * hz + cross * (hx + hy)) + 2 * shear)


def scales(eta: Field, zeta: Field, per: Field, edge: Field, scale: Field) -> None:
    """Edge viscosities, and the scale of each velocity."""
    _edge_means(eta, edge)
    _row_sums(eta, zeta, per, edge, scale)


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def stresses(
    V: Field, E: Field, per: Field, eta: Field, edge: Field, zeta: Field, p: Field, source: Field,
    S: Field,
) -> None:  # fmt: skip
    """Stresses xx, yy, zz in cells and xy, xz, yz on edges, at given viscosities."""
    _, nx, ny, m = V.shape
    hx, hy, hz = per
    two, total = V.dtype.type(2 / 3), E[0] + E[1] + E[2]
    for i in prange(nx):
        before, after = (i - 1) % nx, (i + 1) % nx
        mean = np.empty(m, V.dtype)
        for j in range(ny):
            below, above = (j - 1) % ny, (j + 1) % ny
            u, v, w = V[0, i, j], V[1, i, j], V[2, i, j]
            ui, vj = V[0, after, j], V[1, i, above]
            uj, wj = V[0, i, below], V[2, i, below]
            vi, wi = V[1, before, j], V[2, before, j]
            e, z, q, s = eta[i, j], zeta[i, j], p[i, j], source[i, j]
            for k in range(1, m - 1):
                x = (ui[k] - u[k]) * hx + (vj[k] - v[k]) * hy
                mean[k] = x + (w[k + 1] - w[k]) * hz + total
            for k in range(1, m - 1):
                mean[k] = z[k] * (mean[k] - s[k]) - q[k] - two * e[k] * mean[k]
            a, b, c = S[0, i, j], S[1, i, j], S[2, i, j]
            for k in range(1, m - 1):
                a[k] = 2 * e[k] * (E[0] + (ui[k] - u[k]) * hx) + mean[k]
            for k in range(1, m - 1):
                b[k] = 2 * e[k] * (E[1] + (vj[k] - v[k]) * hy) + mean[k]
            for k in range(1, m - 1):
                c[k] = 2 * e[k] * (E[2] + (w[k + 1] - w[k]) * hz) + mean[k]
            a, g = S[3, i, j], edge[0, i, j]
            for k in range(1, m - 1):
                a[k] = g[k] * ((u[k] - uj[k]) * hy + (v[k] - vi[k]) * hx)
            a, g = S[4, i, j], edge[1, i, j]
            for k in range(1, m - 1):
                a[k] = g[k] * ((u[k] - u[k - 1]) * hz + (w[k] - wi[k]) * hx)
            a, g = S[5, i, j], edge[2, i, j]
            for k in range(1, m - 1):
                a[k] = g[k] * ((v[k] - v[k - 1]) * hz + (w[k] - wj[k]) * hy)
            for s_ in range(6):
                row = S[s_, i, j]
                row[0] = row[m - 2]
                row[m - 1] = row[1]


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def force(S: Field, per: Field, R: Field) -> None:
    """Divergence of the stress on faces."""
    _, nx, ny, m = R.shape
    hx, hy, hz = per
    for i in prange(nx):
        before, after = (i - 1) % nx, (i + 1) % nx
        for j in range(ny):
            below, above = (j - 1) % ny, (j + 1) % ny
            r, a, b, c, e, f = R[0, i, j], S[0, i, j], S[0, before, j], S[3, i, j], S[3, i, above], S[4, i, j]  # fmt: skip  # noqa: E501 (one equation)
            for k in range(1, m - 1):
                r[k] = (a[k] - b[k]) * hx + (e[k] - c[k]) * hy + (f[k + 1] - f[k]) * hz
            r, a, b, c, e, f = R[1, i, j], S[1, i, j], S[1, i, below], S[3, i, j], S[3, after, j], S[5, i, j]  # fmt: skip  # noqa: E501 (one equation)
            for k in range(1, m - 1):
                r[k] = (a[k] - b[k]) * hy + (e[k] - c[k]) * hx + (f[k + 1] - f[k]) * hz
            r, a, b, c, e, f = R[2, i, j], S[2, i, j], S[4, i, j], S[4, after, j], S[5, i, j], S[5, i, above]  # fmt: skip  # noqa: E501 (one equation)
            for k in range(1, m - 1):
                r[k] = (a[k] - a[k - 1]) * hz + (c[k] - b[k]) * hx + (f[k] - e[k]) * hy


@njit(parallel=True, fastmath=True, error_model="numpy", cache=True)
def advance(
    S: Field, per: Field, scale: Field, V: Field, W: Field, pull: Field, keep: Field
) -> None:
    """Move velocities: W ← keep W + pull · scale · force, V ← V + W; as `force`, in one pass."""
    _, nx, ny, m = V.shape
    hx, hy, hz = per
    for i in prange(nx):
        before, after = (i - 1) % nx, (i + 1) % nx
        for j in range(ny):
            below, above = (j - 1) % ny, (j + 1) % ny
            r, d, a, b, c, e, f = W[0, i, j], scale[0, i, j], S[0, i, j], S[0, before, j], S[3, i, j], S[3, i, above], S[4, i, j]  # fmt: skip  # noqa: E501 (one equation)
            for k in range(1, m - 1):
                x = (a[k] - b[k]) * hx + (e[k] - c[k]) * hy + (f[k + 1] - f[k]) * hz
                r[k] = keep * r[k] + pull * d[k] * x
            r, d, a, b, c, e, f = W[1, i, j], scale[1, i, j], S[1, i, j], S[1, i, below], S[3, i, j], S[3, after, j], S[5, i, j]  # fmt: skip  # noqa: E501 (one equation)
            for k in range(1, m - 1):
                x = (a[k] - b[k]) * hy + (e[k] - c[k]) * hx + (f[k + 1] - f[k]) * hz
                r[k] = keep * r[k] + pull * d[k] * x
            r, d, a, b, c, e, f = W[2, i, j], scale[2, i, j], S[2, i, j], S[4, i, j], S[4, after, j], S[5, i, j], S[5, i, above]  # fmt: skip  # noqa: E501 (one equation)
            for k in range(1, m - 1):
                x = (a[k] - a[k - 1]) * hz + (c[k] - b[k]) * hx + (f[k] - e[k]) * hy
                r[k] = keep * r[k] + pull * d[k] * x
            for s in range(3):
                v, r = V[s, i, j], W[s, i, j]
                for k in range(1, m - 1):
                    v[k] += r[k]
                v[0] = v[m - 2]
                v[m - 1] = v[1]
