"""Reads what instruments write, checks that it can be a surface, and says what it mended."""

from __future__ import annotations

import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError
from dualyte.surface.prepare import fitted_trend
from dualyte.surface.topography import Surface
from dualyte.vocabulary import Floats, checked, q, show

_MOST_VOIDS: Final = 0.4  # share of points that may be filled
_FIELD: Final = (1e-7, 2e-2)  # plausible side of a field, m
_ROUGHNESS: Final = (1e-11, 5e-4)  # plausible Sq, m
_STEEPEST: Final = 20.0  # plausible rms slope
_PLAIN: Final = {".asc", ".csv", ".dat", ".npy", ".tsv", ".txt"}
_VOID_WORDS: Final = {"", "-", "--", "---", "***", "bad", "n/a", "na", "nan", "none", "null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """What a file holds, in metres; undefined heights are nan."""

    heights: Floats  #: (nx, ny) m
    size: tuple[float, float]  #: m
    changes: tuple[str, ...]


def read_surface(
    path: str | Path,
    *,
    unit: str | None = None,
    size: float | tuple[float, float] | None = None,
) -> Surface:
    """Read a measured surface, and check that its numbers can be true.

    Every format of the SurfaceTopography library is read (x3p, PLu, AL3D, OPDx, FRT, nms,
    TMD, and some forty more): the default height map of the file. Plain matrices of
    numbers (.npy, .txt, .csv and the like) are read when `size` and `unit` are given. A
    line of text runs along x; of an array, the first index does.

    Parameters
    ----------
    path
        The file.
    unit
        Unit of the numbers in the file, e.g. `"um"`, in place of what the file says;
        with `size`, of the heights only.
    size
        Field along x and y [m], in place of what the file says; one number for a square.

    Returns
    -------
    Surface
        Not levelled, unless points were undefined. Up to 40 % undefined points are filled:
        the plane of the defined ones is removed, and the voids interpolated. `changes`
        says so, and says every other thing that is not as the file has it.

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, of no known format or without a height
        map; if a unit or size is missing; if it is a line scan; if too many points are
        undefined; or if its lengths are implausible. The message names the file and the fix.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty; export or copy it again")
    suffix = path.suffix.lower()
    sides = None if size is None else _sides(size)
    plain = suffix == ".npy" or (suffix in _PLAIN and sides is not None)
    raw = _matrix(path, unit, sides) if plain else _instrument(path, unit, sides)
    if min(raw.heights.shape) < 4:
        raise InputError(
            f"{path.name} holds {' × '.join(map(str, raw.heights.shape))} heights; a surface "
            "needs at least 4 × 4 on a grid (a list of x, y, z must be gridded first)"
        )
    raw = _without_voids(raw, path.name)
    _check_plausible(raw, path.name)
    return Surface(heights=raw.heights, size=raw.size, name=path.name, changes=raw.changes)


def _sides(size: float | tuple[float, float]) -> tuple[float, float]:
    sides = np.broadcast_to(checked("length", size), 2)
    return float(sides[0]), float(sides[1])


def _metres(unit: str) -> float:
    """Length of one unit."""
    return q(f"1 {unit}", "length")


def _instrument(path: Path, unit: str | None, size: tuple[float, float] | None) -> _Raw:
    """Read a file with the SurfaceTopography library, quietly: it tries every format it knows."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        return _channel(path, unit, size)


def _channel(path: Path, unit: str | None, size: tuple[float, float] | None) -> _Raw:
    from SurfaceTopography.IO import open_topography

    try:
        reader = open_topography(path)
    except Exception as error:  # whatever forty readers raise on a file that none can read
        raise _unreadable(path) from error
    if reader.format() == "hgt":  # terrain: taken for any even number of bytes
        raise _unreadable(path)
    with reader:
        channel = _height_map(reader, path.name)
        sized = channel.physical_sizes is not None
        if not sized and size is None:
            raise InputError(
                f"{path.name} does not say how wide its field is; give size= [m] and unit= of "
                "its heights"
            )
        try:
            topography = channel.topography(physical_sizes=None if sized else (1.0, 1.0))
            numbers = np.ma.asarray(topography.heights(), dtype=np.float64).filled(np.nan)
        except Exception as error:  # the header was read, the heights cannot be
            raise InputError(
                f"{path.name}: the heights cannot be read; the file is damaged or cut short, "
                "so export or copy it again"
            ) from error
        wide = (float(topography.physical_sizes[0]), float(topography.physical_sizes[1]))
        return _in_metres(path.name, reader.format(), numbers, wide, topography.unit, unit, size)


def _unreadable(path: Path) -> InputError:
    if path.suffix.lower() in _PLAIN:
        why = "holds no map that says its size and unit; give size= [m] and unit= of its heights"
    else:
        why = "is damaged, cut short or of an unknown format; export it again, say as x3p"
    return InputError(f"{path.name} {why}")


def _height_map(reader: Any, name: str) -> Any:  # noqa: ANN401 (the library is untyped)
    """Default channel of a file if it is a height map, else the first that is."""
    channels = [reader.default_channel, *reader.channels]
    heights = [c for c in channels if getattr(c, "is_height_channel", True)]
    for channel in heights:
        if channel.dim == 2:
            return channel
    if heights:
        raise InputError(
            f"{name} is a line scan; a contact needs an area, so export the height map instead"
        )
    known = ", ".join(sorted({str(c.name) for c in channels}))
    raise InputError(f"{name} has no height map (its channels: {known}); export the heights")


def _in_metres(
    name: str,
    form: str,
    numbers: Floats,
    wide: tuple[float, float],
    label: Any,  # noqa: ANN401 (the library gives a text or None)
    unit: str | None,
    size: tuple[float, float] | None,
) -> _Raw:
    """Apply units and sizes: the caller's, then what is known of the format, then the label."""
    said: list[str] = []
    if unit is not None:
        metres = _metres(unit)
        said.append(f"took its numbers as {unit}, as asked (the file says {label})")
    elif form == "tmd":
        metres = _metres("mm")
        said.append(
            "took its numbers as mm, as TrueMap files are written"
            + (f" (read as {label})" if label != "mm" else "")
            + '; some readers take the same numbers as um: pass unit="um" if yours is such a file'
        )
    elif label is None:
        raise InputError(f'{name} does not say its unit of length; give unit=, such as "um"')
    else:
        metres = _metres(str(label))
    sides = wide[0] * metres, wide[1] * metres
    if size is not None:
        said.append(f"took its field as {_field(size)}, as asked")
        sides = size
    elif form == "nms" and max(sides) > 0.1:
        sides = sides[0] * 1e-6, sides[1] * 1e-6
        said.append(f"took its field as {_field(sides)}: NanoFocus files are read 10⁶ too wide")
    return _Raw(heights=numbers * metres, size=sides, changes=tuple(said))


def _field(size: tuple[float, float]) -> str:
    return " × ".join(show("length", side) for side in size)


def _matrix(path: Path, unit: str | None, size: tuple[float, float] | None) -> _Raw:
    """Plain numbers: an array, or text with one row of the grid a line."""
    if unit is None or size is None:
        raise InputError(
            f"{path.name} holds bare numbers; give size= [m] of the field and unit= of the "
            'heights, such as read_surface(path, size=(50e-6, 50e-6), unit="nm")'
        )
    if path.suffix.lower() == ".npy":
        numbers, skipped = _array(path), 0
    else:
        numbers, skipped = _table(path)
    said = [f"skipped {skipped} line{'s' * (skipped > 1)} of heading"] if skipped else []
    said += [f"took its field as {_field(size)} and its heights as {unit}, as asked"]
    return _Raw(heights=numbers * _metres(unit), size=size, changes=tuple(said))


def _array(path: Path) -> Floats:
    try:
        numbers = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path.name} is not a whole .npy file; save it again") from error
    if not isinstance(numbers, np.ndarray) or numbers.dtype.kind not in "fiu" or numbers.ndim != 2:
        what = f"{getattr(numbers, 'dtype', 'a')} array of shape {getattr(numbers, 'shape', ())}"
        raise InputError(f"{path.name} holds a {what}; save real heights as (nx, ny)")
    return numbers.astype(np.float64)


def _table(path: Path) -> tuple[Floats, int]:
    """Heights (nx, ny) from text, and how many lines of heading were skipped."""
    text = path.read_bytes()
    if b"\x00" in text:
        raise InputError(f"{path.name} is not text; give it the suffix of its own format")
    lines = text.decode("utf-8-sig", errors="replace").splitlines()
    rows = [(i, line.strip()) for i, line in enumerate(lines, 1)]
    rows = [(i, line) for i, line in rows if line and not line.startswith("#")]
    first = next((k for k, (_, line) in enumerate(rows) if _numeric(line)), None)
    if first is None:
        raise InputError(f"{path.name} has no row of numbers; give a matrix of heights")
    numbers = [_row(path.name, i, line) for i, line in rows[first:]]
    widths = {len(row) for row in numbers}
    if len(widths) > 1:
        odd = next(k for k, row in enumerate(numbers) if len(row) != len(numbers[0]))
        raise InputError(
            f"{path.name}, line {rows[first + odd][0]}: {len(numbers[odd])} numbers, not the "
            f"{len(numbers[0])} of the rows above; the file is cut short or not a matrix"
        )
    skipped = len(lines) - len(rows) + first - sum(not line.strip() for line in lines)
    return np.array(numbers).T, skipped


def _words(line: str) -> list[str]:
    """One line of a table, with a decimal point, split at whatever separates its numbers."""
    for mark in (";", "\t"):
        if mark in line:
            return [word.strip().replace(",", ".") for word in line.rstrip(mark).split(mark)]
    if "," in line:
        words = [word.strip() for word in line.rstrip(",").split(",")]
        if not any(" " in word for word in words):
            return words
    return line.replace(",", ".").split()


def _numeric(line: str) -> bool:
    """Whether a line is a row of the table: numbers, at most a few of them missing."""
    try:
        row = _row("", 0, line)
    except InputError:
        return False
    return bool(np.isfinite(row).any())


def _row(name: str, number: int, line: str) -> list[float]:
    row = []
    for k, word in enumerate(_words(line), 1):
        try:
            row.append(float(word))
        except ValueError:
            if word.lower() not in _VOID_WORDS:
                raise InputError(
                    f"{name}, line {number}, column {k}: {word!r} is not a number"
                ) from None
            row.append(np.nan)
    return row


def _without_voids(raw: _Raw, name: str) -> _Raw:
    """Fill undefined points, after taking out the plane of the defined ones."""
    known = np.isfinite(raw.heights)
    marked = raw.heights.size - int(known.sum())
    known &= ~_unmarked_voids(raw.heights, known)
    voids = raw.heights.size - int(known.sum())
    if not voids:
        return raw
    of_all = f"{voids} of {known.size} points ({100 * voids / known.size:.3g} %)"
    if voids > _MOST_VOIDS * known.size:
        raise InputError(
            f"{name}: {of_all} are undefined; crop to the measured part, or measure again so "
            f"that at most {_MOST_VOIDS:.0%} are"
        )
    pixel = raw.size[0] / known.shape[0], raw.size[1] / known.shape[1]
    safe = np.where(known, raw.heights, 0.0)
    trend, _ = fitted_trend(safe, pixel, 1, known)
    level = np.where(known, safe - trend, 0.0)
    sound = known & _near_median(level, known)  # spikes are common where an instrument loses sight
    level = np.where(known, level, _filled(level, sound))
    sq = [show("roughness", float(z.std())) for z in (safe[known], level[known], level)]
    unmarked = voids - marked
    also = f", {unmarked} of them not marked but all at one far-off height" if unmarked else ""
    said = (
        f"filled {of_all} that are undefined{also}, after removing the plane of the others "
        f"(Sq of the defined points {sq[0]}, {sq[1]} without the plane; {sq[2]} once filled)"
    )
    return _Raw(heights=level, size=raw.size, changes=(*raw.changes, said))


def _near_median(heights: Floats, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Points within five robust standard deviations of the median."""
    far = np.abs(heights - np.median(heights[known]))
    spread = 1.4826 * float(np.median(far[known]))
    return np.asarray(far <= 5 * spread) if spread > 0 else known


def _unmarked_voids(heights: Floats, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Points at one exact, extreme, lonely height: voids that an instrument left in.

    At least one in a thousand points share the value; it lies more than five robust
    standard deviations from the median, and hardly any other point lies within three.
    """
    z = heights[known]
    found = np.zeros_like(known)
    if not z.size:
        return found
    middle = float(np.median(z))
    for extreme in (float(z.min()), float(z.max())):
        same = z == extreme
        spread = 1.4826 * float(np.median(np.abs(z[~same] - middle))) if not same.all() else 0.0
        near = np.count_nonzero(np.abs(z - extreme) < 3 * spread) - np.count_nonzero(same)
        far = spread > 0 and abs(extreme - middle) > 5 * spread
        if far and same.mean() > 1e-3 and near < 0.05 * np.count_nonzero(same):
            found |= known & (heights == extreme)
    return found


def _filled(heights: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """Heights with the unknown ones interpolated, nearly harmonically, in linear time.

    Each void takes its height from a grid of half the resolution, filled the same way, and
    is then smoothed towards the mean of its neighbours; known heights stay. By the maximum
    principle no fill is higher or lower than all known heights.
    """
    if known.all():
        return heights
    nx, ny = heights.shape
    if max(nx, ny) <= 2:
        return np.where(known, heights, heights[known].mean())
    odd = [(0, nx % 2), (0, ny % 2)]
    blocks = ((nx + 1) // 2, 2, (ny + 1) // 2, 2)
    counts = np.pad(known, odd).reshape(blocks).sum(axis=(1, 3))
    sums = np.pad(np.where(known, heights, 0.0), odd).reshape(blocks).sum(axis=(1, 3))
    coarse = _filled(sums / np.maximum(counts, 1), counts > 0)
    guess = coarse.repeat(2, axis=0).repeat(2, axis=1)[:nx, :ny]
    z, void = np.where(known, heights, guess), ~known
    for _ in range(12):
        edge = np.pad(z, 1, mode="edge")
        around = (edge[:-2, 1:-1] + edge[2:, 1:-1] + edge[1:-1, :-2] + edge[1:-1, 2:]) / 4
        z[void] = around[void]
    return z


def _check_plausible(raw: _Raw, name: str) -> None:
    """Refuse lengths that are probably in another unit, and say which would do."""
    sq = float(raw.heights.std())
    if sq == 0:
        raise InputError(f"{name}: all heights are the same; export the heights, not an image")
    pixel = raw.size[0] / raw.heights.shape[0], raw.size[1] / raw.heights.shape[1]
    slope = float(
        np.sqrt(sum((np.diff(raw.heights, axis=a) ** 2).mean() / pixel[a] ** 2 for a in (0, 1)))
    )
    if _plausible(raw.size, sq, slope):
        return
    fixes = []
    for power in (-3, 3, -6, 6, -9, 9):
        factor = 10.0**power
        lateral = raw.size[0] * factor, raw.size[1] * factor
        fixes += [
            text
            for text, fits in (
                (f"all lengths × 1e{power}", _plausible(lateral, sq * factor, slope)),
                (f"a field × 1e{power}", _plausible(lateral, sq, slope / factor)),
                (f"heights × 1e{power}", _plausible(raw.size, sq * factor, slope * factor)),
            )
            if fits
        ]
    hint = f"; {' or '.join(fixes[:2])} would be plausible" if fixes else ""
    raise InputError(
        f"{name}: a field of {_field(raw.size)} with Sq {show('roughness', sq)} and slope "
        f'{slope:.3g} is implausible{hint}: give unit= (such as "um") or size= [m]'
    )


def _plausible(size: tuple[float, float], sq: float, slope: float) -> bool:
    sides = all(_FIELD[0] <= side <= _FIELD[1] for side in size)
    return sides and _ROUGHNESS[0] <= sq <= _ROUGHNESS[1] and slope < _STEEPEST
