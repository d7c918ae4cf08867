"""Which circuit every spectrum is fitted with: one that is given, chosen, or best of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from dualyte.circuit.spectrum import Spectrum
from dualyte.circuit.strings import parse, write
from dualyte.errors import InputError
from dualyte.measure.eis import Comparison, Fit, Fits, compare_circuits, fit_spectra, fit_spectrum
from dualyte.measure.eis.model import Weighting, weights
from dualyte.plot.looks import varies

AUTO: Final = "auto"
DECISIVE: Final = 10.0  # difference of BIC below which two circuits are as good
_PROBES: Final = 5  # spectra of a series that a circuit is chosen on
Tell = Callable[[int, int], None]
Rows = list[Fit | str]  # a fit, or why there is none
Told = list[dict[str, Any]]  # one row a circuit, best first


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """Fits of all spectra, and how the circuits compare where there are several."""

    rows: Rows
    comparisons: Mapping[int, Told] = field(default_factory=dict)  #: of each spectrum
    together: Told = field(default_factory=list)  #: of all spectra of a series
    stopped: bool = False  #: by Ctrl-C, before all were fitted


def names_of(circuit: str | Sequence[str]) -> tuple[str, ...]:
    """Circuit strings that were given; a wrong one is no failure of the spectra.

    Raises
    ------
    InputError
        If one cannot be read, or several are not two or more circuits.
    """
    given = (circuit,) if isinstance(circuit, str) else tuple(circuit) or (AUTO,)
    texts = tuple(text if text == AUTO else write(parse(text)) for text in given)
    if len(texts) > 1 and AUTO in texts:
        raise InputError("auto is no circuit to compare with others; give it alone")
    if len(set(texts)) < len(texts):
        raise InputError(f"{max(texts, key=texts.count)} is given twice; give different circuits")
    return given


def fit_all(
    spectra: Sequence[Spectrum],
    circuits: Sequence[str],
    *,
    workers: int | None = None,
    progress: Tell | None = None,
    **how: Any,  # noqa: ANN401 (options of fit_spectra)
) -> Fitted:
    """Fit every spectrum.

    Parameters
    ----------
    spectra
        Any number.
    circuits
        One, `auto`, or several to compare: then a series has that with the least sum of BIC,
        and each file by itself the one with the least.
    workers, progress, **how
        As for `fit_spectra`.
    """
    if not spectra:
        return Fitted(rows=[])
    if (len(circuits) > 1 or circuits[0] == AUTO) and (how["fixed"] or how["tied"]):
        raise InputError("--fix and --tie name parameters: give one circuit with --circuit")
    if len(circuits) > 1:
        return _compared(spectra, circuits, workers, progress, how)
    if circuits[0] == AUTO:
        return Fitted(rows=_chosen(spectra, workers, progress, how))
    batch = fit_spectra(spectra, circuits[0], workers=workers, progress=progress, **how)
    return Fitted(rows=_rows(batch), stopped=batch.stopped)


def is_series(spectra: Sequence[Spectrum]) -> bool:
    """Whether temperature or pressure varies over the spectra."""
    return any(
        varies(name, [getattr(s, name) for s in spectra]) for name in ("temperature", "pressure")
    )


def undecided(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say where the best circuit is hardly better than others."""
    near = [row["circuit"] for row in rows[1:] if row.get("delta_bic", DECISIVE) < DECISIVE]
    if not near:
        return []
    return [
        f"the data do not decide between {rows[0]['circuit']} and {', '.join(near)} (BIC within "
        f"{DECISIVE:g})"
    ]


def _batch(
    spectra: Sequence[Spectrum],
    circuit: str,
    workers: int | None,
    progress: Tell | None,
    how: Mapping[str, Any],
) -> Rows:
    batch = fit_spectra(spectra, circuit, workers=workers, progress=progress, **how)
    if batch.stopped:  # half of a choice is none
        raise KeyboardInterrupt
    return _rows(batch)


def _rows(batch: Fits) -> Rows:
    return [row if isinstance(row, Fit) else row.why for row in batch]


# ---------------------------------------------------------------- several circuits


def _compared(
    spectra: Sequence[Spectrum],
    circuits: Sequence[str],
    workers: int | None,
    progress: Tell | None,
    how: Mapping[str, Any],
) -> Fitted:
    """Fit all circuits to all spectra; keep one for a series, else one for each file."""
    n = len(spectra)
    batches: list[Rows] = []
    for circuit in circuits:
        batches.append(_batch(spectra, circuit, workers, None, how))
        if progress is not None:
            progress(len(batches) * n, len(circuits) * n)
    groups = [list(range(n))] if is_series(spectra) else _files(spectra)
    rows: dict[int, Fit | str] = {}
    for which in groups:
        best = min(range(len(circuits)), key=lambda c: _cost([batches[c][k] for k in which]))
        rows |= {k: batches[best][k] for k in which}
    together = _together(circuits, batches) if len(groups) == 1 < n else []
    tables = {k: _table(circuits, [batch[k] for batch in batches]) for k in range(n)}
    return Fitted(rows=[rows[k] for k in range(n)], comparisons=tables, together=together)


def _cost(rows: Rows) -> tuple[int, float]:
    """Spectra that a circuit cannot be fitted to, and the sum of BIC over the others."""
    return sum(isinstance(row, str) for row in rows), sum(
        row.bic for row in rows if isinstance(row, Fit)
    )


def _table(circuits: Sequence[str], rows: Rows) -> Told:
    """One row a circuit for one spectrum, those that could not be fitted last."""
    fits = sorted((row for row in rows if isinstance(row, Fit)), key=lambda fit: fit.bic)
    good: Told = [dict(row) for row in Comparison(fits=tuple(fits)).table()] if fits else []
    bad = zip(circuits, rows, strict=True)
    return good + [
        {"circuit": write(parse(text)), "failed": row} for text, row in bad if isinstance(row, str)
    ]


def _together(circuits: Sequence[str], batches: Sequence[Rows]) -> Told:
    """One row a circuit over all spectra that every circuit could be fitted to."""
    both = [
        [row for row in rows if isinstance(row, Fit)]
        for rows in zip(*batches, strict=True)
        if not any(isinstance(row, str) for row in rows)
    ]
    if not both:
        return []
    total = np.sum([[fit.bic for fit in fits] for fits in both], axis=0)
    order = np.argsort(total, kind="stable").tolist()
    return [
        {
            "circuit": write(parse(circuits[c])),
            "parameters": len(both[0][c].model.free),
            "chi2_reduced": float(np.mean([fits[c].chi2_reduced for fits in both])),
            "delta_bic": float(total[c] - total.min()),
            "spectra": len(both),
        }
        for c in order
    ]


# ---------------------------------------------------------------- auto


def _chosen(
    spectra: Sequence[Spectrum],
    workers: int | None,
    progress: Tell | None,
    how: Mapping[str, Any],
) -> Rows:
    """Let a series choose one circuit, or every file its own."""
    why = [_unweighed(spectrum, how["weighting"]) for spectrum in spectra]
    good = [spectrum for spectrum, sentence in zip(spectra, why, strict=True) if not sentence]
    found: Rows = []
    if good and is_series(good):
        found = _batch(good, _shared(good, how["weighting"]), workers, progress, how)
    elif good:
        found = _own(good, workers, progress, how)
    left = iter(found)
    return [sentence or next(left) for sentence in why]


def _unweighed(spectrum: Spectrum, weighting: Weighting) -> str:
    """Why a spectrum cannot be weighted as asked, or nothing."""
    try:
        weights(spectrum.kept, weighting)
    except InputError as error:
        return str(error)
    return ""


def _files(spectra: Sequence[Spectrum]) -> list[list[int]]:
    """Spectra by file: the sweeps of one belong together."""
    files: dict[str, list[int]] = {}
    for k, spectrum in enumerate(spectra):
        files.setdefault(spectrum.file or f"#{k}", []).append(k)
    return list(files.values())


def _own(
    spectra: Sequence[Spectrum],
    workers: int | None,
    progress: Tell | None,
    how: Mapping[str, Any],
) -> Rows:
    """Let every file choose its circuit; the sweeps of one share it."""
    done = 0

    def choose(which: Sequence[int]) -> Rows:
        nonlocal done
        here = [spectra[k] for k in which]
        found: Rows
        try:
            if len(here) == 1:
                found = [fit_spectrum(here[0], AUTO, weighting=how["weighting"], seed=how["seed"])]
            else:
                found = _batch(here, _shared(here, how["weighting"]), None, None, how)
        except InputError as error:
            found = [str(error)] * len(here)
        done += len(here)
        if progress is not None:
            progress(done, len(spectra))
        return found

    result: dict[int, Fit | str] = {}
    files = _files(spectra)
    with ThreadPoolExecutor(workers) as pool:
        for which, found in zip(files, pool.map(choose, files), strict=True):
            result |= dict(zip(which, found, strict=True))
    return [result[k] for k in range(len(spectra))]


def _shared(spectra: Sequence[Spectrum], weighting: Weighting) -> str:
    """Circuit for a whole series: that with the least sum of BIC over a few of its spectra."""
    which = np.unique(np.linspace(0, len(spectra) - 1, _PROBES).round().astype(int))
    chosen: dict[str, None] = {}
    probes = []
    for spectrum in (spectra[k] for k in which):
        try:
            chosen[write(fit_spectrum(spectrum, AUTO, weighting=weighting).model.circuit)] = None
            probes.append(spectrum)
        except InputError as error:
            last = error
    if not chosen:
        raise last
    total = dict.fromkeys(chosen, 0.0)
    for spectrum in probes:
        for fit in compare_circuits(spectrum, list(chosen), weighting=weighting).fits:
            total[write(fit.model.circuit)] += fit.bic
    return min(total, key=lambda text: total[text])
