"""The inside of a pellet as an array: how much solid a cell holds, and of which grain.

A `Microstructure` is periodic. It is saved for this package (`.npz`, `.zarr`) and for others:
`.vti` opens in ParaView, `.tif` in ImageJ and the programs that take stacks of labels.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

import numba as nb
import numpy as np
import numpy.typing as npt

from dualyte.errors import InputError, MissingExtraError
from dualyte.vocabulary import WORDS, Floats, checked, show

if TYPE_CHECKING:
    import xarray as xr

Labels = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float32]
AXES: Final = ("x", "y", "z")
_MICRON: Final = 1e-6
_UNITS: Final = {"nm": 1e-9, "um": 1e-6, "µm": 1e-6, "\\u00B5m": 1e-6, "micron": 1e-6, "mm": 1e-3}
_NORMAL: Final = 5.0  # cells around a face whose grains tell its slope


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Microstructure:
    """A periodic box of cells with their share of solid and the grain they belong to.

    `phase[i, j, k]` is the cell centred at ((i + ½) dx, (j + ½) dy, (k + ½) dz). A plane is a
    box one cell thick.

    Raises
    ------
    InputError
        If the arrays do not fit each other, the phase lies outside 0 … 1, labels are negative
        or the spacing is implausible in metres.
    """

    phase: Shares = field(repr=False)  #: (nx, ny, nz) share of solid, read-only
    labels: Labels = field(repr=False)  #: (nx, ny, nz) grain 1 … n, 0 is void, read-only
    spacing: tuple[float, float, float]  #: sides of a cell, m
    name: str = "microstructure"
    time: float | None = None  #: since pressing began, s
    strain: tuple[float, float, float] | None = None  #: logarithmic, of the box since the start

    def __post_init__(self) -> None:
        phase, labels = np.array(self.phase, dtype=np.float32), np.asarray(self.labels)
        if phase.ndim != 3 or phase.size == 0 or labels.shape != phase.shape:
            raise InputError(
                f"{self.name}: phase has shape {phase.shape} and labels {labels.shape}; give "
                "both as (nx, ny, nz), a plane one cell thick"
            )
        low, high = float(phase.min()), float(phase.max())
        if not (low >= 0 and high <= 1):  # NaN fails too
            raise InputError(
                f"{self.name}: the phase reaches from {low:g} to {high:g}; give the share of "
                "solid, 0 … 1"
            )
        if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
            raise InputError(
                f"{self.name}: labels are {labels.dtype} from {labels.min()}; give whole numbers, "
                "0 for void and 1 … n for grains"
            )
        spacing = checked("length", self.spacing)
        if spacing.shape != (3,):
            raise InputError(f"{self.name}: spacing is {self.spacing}; give (x, y, z) in metres")
        labels = np.array(labels, dtype=np.int32)
        for array in (phase, labels):
            array.setflags(write=False)
        object.__setattr__(self, "phase", phase)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "spacing", _three(spacing))
        if self.time is not None:
            object.__setattr__(self, "time", float(checked("dwell", self.time)))
        if self.strain is not None:
            object.__setattr__(self, "strain", _three(self.strain))

    @property
    def box(self) -> tuple[float, float, float]:
        """Sides of the box [m]."""
        return _three([n * h for n, h in zip(self.phase.shape, self.spacing, strict=True)])

    @property
    def relative_density(self) -> float:
        """Mean share of solid [1]."""
        return float(self.phase.mean(dtype=np.float64))

    @property
    def grains(self) -> int:
        """Largest label."""
        return int(self.labels.max())

    def to_dataset(self) -> xr.Dataset:
        """Return phase and labels as a Dataset that can be saved and plotted."""
        import xarray as xr

        about = {
            "phase": {"units": "1", "long_name": "share of solid φ"},
            "labels": {"units": "1", "long_name": "grain; 0 is void"},
        }
        return xr.Dataset(
            {name: (AXES, getattr(self, name), text) for name, text in about.items()},
            coords={
                axis: (axis, (np.arange(n) + 0.5) * h, {"units": WORDS["length"].unit})
                for axis, n, h in zip(AXES, self.phase.shape, self.spacing, strict=True)
            },
            attrs={"relative_density": self.relative_density, **_about(self)},
        )

    def save(self, path: str | Path) -> Path:
        """Write to a file (a folder for `.zarr`), in the format its suffix names.

        Parameters
        ----------
        path
            `.npz` and `.zarr` keep everything. `.vti` (VTK ImageData, raw appended) opens in
            ParaView and keeps everything too. `.tif` and `.tiff` are a stack along z of 16-bit
            labels for ImageJ: the share of solid is lost.

        Returns
        -------
        Path
            What was written; a file there before is replaced.

        Raises
        ------
        InputError
            If the suffix is unknown, the place is taken by a folder, or its folder is missing.
        MissingExtraError
            If `.zarr` or `.tif` needs a package that is not installed.
        """
        path = Path(path)
        write = _format(path)[0]
        if path.is_dir() and not (path.suffix == ".zarr" and (path / "zarr.json").is_file()):
            raise InputError(f"{path} is a folder; name a file to write, such as {path / 'a.npz'}")
        if path.suffix == ".zarr" and path.is_file():
            raise InputError(f"{path} is a file, where Zarr makes a folder; name another")
        if not path.parent.is_dir():
            raise InputError(f"{path.parent} is no folder to write {path.name} in; make it first")
        write(self, path)
        return path

    def __str__(self) -> str:
        sides = " × ".join(show("length", side, 3) for side in self.box)
        cells = " × ".join(str(n) for n in self.phase.shape)
        rows = [
            f"{self.name}: {self.grains} grains, relative density {self.relative_density:.3f}",
            f"  {sides}, {cells} cells",
        ]
        if self.time is not None:
            rows.append(f"  after {show('dwell', self.time)}")
        return "\n".join(rows)


def load_microstructure(path: str | Path) -> Microstructure:
    """Read what `Microstructure.save` wrote, or a stack of labels with ImageJ's voxel size.

    Parameters
    ----------
    path
        `.npz`, `.zarr`, `.vti` or `.tif`.

    Returns
    -------
    Microstructure
        From `.tif` the phase is 1 where there is a label.

    Raises
    ------
    InputError
        If there is no such file, or it is no microstructure.
    MissingExtraError
        If `.zarr` or `.tif` needs a package that is not installed.
    """
    path = Path(path)
    read = _format(path)[1]
    if not path.exists():
        raise InputError(f"there is no {path}; check the name")
    if path.is_dir() != (path.suffix == ".zarr"):
        raise InputError(f"{path} is {'a folder' if path.is_dir() else 'no folder'}; name a file")
    try:
        phase, labels, about = read(path)
    except (InputError, MissingExtraError):
        raise
    except Exception as error:  # four libraries; whatever they raise, the file is not ours
        raise InputError(
            f"{path.name} cannot be read as a microstructure: {error}; write it with "
            "Microstructure.save"
        ) from error
    strain = about.get("strain")
    return Microstructure(
        phase=phase,
        labels=labels,
        spacing=_three(about["spacing"]),
        name=str(about.get("name", path.stem)),
        time=about.get("time"),
        strain=None if strain is None else _three(strain),
    )


# --- looking at it --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    """A plane cut through a microstructure."""

    phase: Shares = field(repr=False)  #: (n1, n2) share of solid
    labels: Labels = field(repr=False)  #: (n1, n2) grain, 0 is void
    axes: tuple[str, str]  #: the two directions of the plane
    spacing: tuple[float, float]  #: sides of a cell along them, m
    position: float  #: of the centres of the cells along the third, m


def section(micro: Microstructure, axis: str = "z", at: float = 0.5) -> Section:
    """Cut a plane across an axis.

    Parameters
    ----------
    micro
        What to cut.
    axis
        `"x"`, `"y"` or `"z"`: the normal of the plane.
    at
        Place along it over the side of the box [1], 0 … 1.

    Returns
    -------
    Section
        Labels and phase of the cells that hold the plane.

    Raises
    ------
    InputError
        If the axis is unknown or the place lies outside the box.
    """
    if axis not in AXES:
        raise InputError(f"axis={axis!r} must be 'x', 'y' or 'z'")
    if not 0 <= at <= 1:
        raise InputError(f"at={at:g} lies outside the box; give a share of its side, 0 … 1")
    across = AXES.index(axis)
    n = micro.phase.shape[across]
    cell = min(int(at * n), n - 1)
    first, second = (a for a in range(3) if a != across)
    return Section(
        phase=micro.phase.take(cell, across),
        labels=micro.labels.take(cell, across),
        axes=(AXES[first], AXES[second]),
        spacing=(micro.spacing[first], micro.spacing[second]),
        position=(cell + 0.5) * micro.spacing[across],
    )


def grain_volumes(labels: npt.ArrayLike, spacing: npt.ArrayLike) -> Floats:
    """Volume of the grains 1 … n.

    Parameters
    ----------
    labels : (nx, ny, nz)
        Grain of every cell, 0 is void.
    spacing : (3,)
        Sides of a cell [m].

    Returns
    -------
    (n,)
        Volume of the cells of each grain [m³]; 0 for a label that is not there.
    """
    count = np.bincount(np.ravel(np.asarray(labels)))[1:]
    return np.asarray(count * float(np.prod(np.asarray(spacing, dtype=np.float64))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrainContacts:
    """Which grains touch, and over what area."""

    pairs: npt.NDArray[np.int64] = field(repr=False)  #: (m, 2) labels, the smaller first
    area: Floats = field(repr=False)  #: (m,) m²
    coordination: npt.NDArray[np.int64]  #: (n,) number of grains that grain 1 … n touches


def grain_contacts(labels: npt.ArrayLike, spacing: npt.ArrayLike) -> GrainContacts:
    """Find the areas over which grains touch, from the faces between their cells; periodic.

    Parameters
    ----------
    labels : (nx, ny, nz)
        Grain of every cell, 0 is void.
    spacing : (3,)
        Sides of a cell [m].

    Returns
    -------
    GrainContacts
        One row for each pair with a common face; a grain that touches its own image counts not.

    Notes
    -----
    Faces of cells form stairs, whose area is that of the contact times |n_x| + |n_y| + |n_z|
    of its normal. So each face counts by the component of the normal across it (Σ n² = 1),
    taken from the first moment of the two grains within five cells. Planes are met within
    1 %; a neck comes out too wide, by about half a cell of radius, as void thinner than a cell
    is not seen.
    """
    grains = np.ascontiguousarray(labels, dtype=np.int64)
    sides = np.asarray(spacing, dtype=np.float64)
    face = np.prod(sides) / sides
    codes, areas, base = [], [], int(grains.max()) + 1
    for a in range(3):
        if grains.shape[a] == 1:
            continue
        beyond = np.roll(grains, -1, a)
        cells = np.argwhere((grains > 0) & (beyond > 0) & (grains != beyond))
        offsets, arms = _around(grains.shape, sides, a)
        areas.append(face[a] * _slopes(grains, cells, offsets, arms, a))
        pair = np.sort([grains[tuple(cells.T)], beyond[tuple(cells.T)]], axis=0)
        codes.append(pair[0] * base + pair[1])
    code, which = np.unique(np.concatenate([np.zeros(0, np.int64), *codes]), return_inverse=True)
    pairs = np.column_stack([code // base, code % base])
    area = np.zeros(code.size)
    np.add.at(area, which, np.concatenate([np.zeros(0), *areas]))
    return GrainContacts(
        pairs=pairs,
        area=area,
        coordination=np.bincount(pairs.ravel(), minlength=base)[1:],
    )


def specific_surface(phase: npt.ArrayLike, spacing: npt.ArrayLike) -> float:
    r"""Area of the boundary between solid and void per volume of the box; periodic.

    .. math:: S = \frac{1}{V}\int |\nabla\varphi|\,\mathrm dV

    Parameters
    ----------
    phase : (nx, ny, nz)
        Share of solid φ [1].
    spacing : (3,)
        Sides of a cell [m].

    Returns
    -------
    float
        S [1/m].

    Notes
    -----
    The gradient is taken at the corners of the cells from the eight around each. Exact for
    planes across an axis. The error falls with the square of the cells over the width of the
    boundary; for a tanh of 1.2 cells it is below 1 %. Contacts between grains are not counted.
    """
    phi, sides = np.asarray(phase, dtype=np.float64), np.asarray(spacing, dtype=np.float64)
    square = np.zeros(phi.shape)
    for a in range(3):
        slope = (np.roll(phi, -1, a) - phi) / sides[a]
        for b in range(3):
            if b != a:
                slope = (slope + np.roll(slope, -1, b)) / 2
        square += slope**2
    return float(np.sqrt(square).mean())


def _around(
    shape: tuple[int, ...], sides: Floats, axis: int
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Cells near the upper face of cell 0 along an axis, and their weighted arms from its centre.

    The weight falls to the rim as a parabola, which makes the moments of cells isotropic.
    """
    reach = _NORMAL * max(h for h, n in zip(sides, shape, strict=True) if n > 1)
    far = [int(reach / h) + 1 if n > 1 else 0 for h, n in zip(sides, shape, strict=True)]
    offsets = np.stack(np.meshgrid(*[np.arange(-m, m + 1) for m in far], indexing="ij"), -1)
    offsets = offsets.reshape(-1, 3)
    arms = (offsets - 0.5 * (np.arange(3) == axis)) * sides
    weight = 1 - (np.linalg.norm(arms, axis=1) / reach) ** 2
    near = weight > 0
    return np.ascontiguousarray(offsets[near]), arms[near] * weight[near, None]


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _slopes(
    labels: npt.NDArray[np.int64],
    cells: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    arms: Floats,
    axis: int,
) -> Floats:
    """|n| across the upper face of every cell, from the moments of the grains on either side."""
    nx, ny, nz = labels.shape
    out = np.ones(cells.shape[0])
    for c in range(cells.shape[0]):
        i, j, k = cells[c]
        here = labels[i, j, k]
        if axis == 0:
            there = labels[(i + 1) % nx, j, k]
        elif axis == 1:
            there = labels[i, (j + 1) % ny, k]
        else:
            there = labels[i, j, (k + 1) % nz]
        x = y = z = 0.0
        for m in range(offsets.shape[0]):
            seen = labels[
                (i + offsets[m, 0]) % nx, (j + offsets[m, 1]) % ny, (k + offsets[m, 2]) % nz
            ]
            sign = 1.0 if seen == there else (-1.0 if seen == here else 0.0)
            x += sign * arms[m, 0]
            y += sign * arms[m, 1]
            z += sign * arms[m, 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            out[c] = abs(x if axis == 0 else (y if axis == 1 else z)) / length
    return out


# --- files ----------------------------------------------------------------------------

Read = tuple[Any, Any, Mapping[str, Any]]


def _three(values: Any) -> tuple[float, float, float]:  # noqa: ANN401 (any row of three numbers)
    x, y, z = (float(v) for v in values)
    return x, y, z


def _about(micro: Microstructure) -> dict[str, Any]:
    """What a file keeps beside the arrays, as plain numbers and text."""
    about: dict[str, Any] = {"name": micro.name, "spacing": list(micro.spacing)}
    if micro.time is not None:
        about["time"] = micro.time
    if micro.strain is not None:
        about["strain"] = list(micro.strain)
    return about


def _module(name: str) -> Any:  # noqa: ANN401 (a module)
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(name, "files") from error


def _write_npz(micro: Microstructure, path: Path) -> None:
    about = np.array(json.dumps(_about(micro)))
    with path.open("wb") as file:
        np.savez_compressed(file, phase=micro.phase, labels=micro.labels, about=about)


def _read_npz(path: Path) -> Read:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        return kept["phase"], kept["labels"], json.loads(str(kept["about"]))


def _write_zarr(micro: Microstructure, path: Path) -> None:
    _module("zarr")
    micro.to_dataset().to_zarr(path, mode="w", zarr_format=3, consolidated=False)


def _read_zarr(path: Path) -> Read:
    _module("zarr")
    import xarray as xr

    with xr.open_dataset(path, engine="zarr", consolidated=False, chunks=None) as kept:
        return kept["phase"].values, kept["labels"].values, kept.attrs


def _write_tiff(micro: Microstructure, path: Path) -> None:
    tifffile = _module("tifffile")
    if micro.grains > np.iinfo(np.uint16).max:
        raise InputError(
            f"{micro.name} has {micro.grains} grains, and a stack of 16-bit labels holds 65535; "
            "save it as .vti or .zarr"
        )
    dx, dy, dz = (h / _MICRON for h in micro.spacing)
    tifffile.imwrite(
        path,
        micro.labels.transpose(2, 1, 0).astype(np.uint16),
        imagej=True,
        resolution=(1 / dx, 1 / dy),
        metadata={
            "axes": "ZYX",
            "spacing": dz,
            "unit": "um",
            "Info": json.dumps({**_about(micro), "shape": micro.labels.shape}),
        },
    )


def _read_tiff(path: Path) -> Read:
    tifffile = _module("tifffile")
    with tifffile.TiffFile(path) as file:
        stack, told = file.asarray(), dict(file.imagej_metadata or {})
        tags = file.pages[0].tags
        per = [tags[key].value for key in ("XResolution", "YResolution") if key in tags]
    about: dict[str, Any] = {}
    if str(told.get("Info", "")).startswith("{"):
        about = json.loads(told["Info"])
        stack = stack.reshape(about["shape"][::-1])
    unit = _UNITS.get(str(told.get("unit", "")).strip())
    if "spacing" not in about:
        if stack.ndim != 3 or unit is None or "spacing" not in told or len(per) < 2:
            raise InputError(
                f"{path.name} is no stack of labels with a voxel size; set it in ImageJ "
                "(Image > Properties, unit um)"
            )
        about["spacing"] = [*(unit * p[1] / p[0] for p in per), unit * told["spacing"]]
    labels = stack.transpose(2, 1, 0)
    return labels > 0, labels, about


def _write_vti(micro: Microstructure, path: Path) -> None:
    """VTK XML ImageData: a header in XML, then the arrays as they lie in memory, x fastest."""
    blocks, arrays, offset = [], "", 0
    for name, kind, values in (
        ("labels", "Int32", micro.labels.astype("<i4")),
        ("phase", "Float32", micro.phase.astype("<f4")),
    ):
        data = values.tobytes(order="F")
        arrays += f'<DataArray type="{kind}" Name="{name}" format="appended" offset="{offset}"/>\n'
        blocks.append(len(data).to_bytes(8, "little") + data)
        offset += len(blocks[-1])
    codes = " ".join(str(code) for code in json.dumps(_about(micro)).encode("ascii"))
    about = f'<Array type="String" Name="about" NumberOfTuples="1" format="ascii">{codes} 0</Array>'
    if micro.time is not None:  # the name ParaView looks for
        about += (
            '\n<DataArray type="Float64" Name="TimeValue" NumberOfTuples="1" format="ascii">'
            f"{micro.time!r}</DataArray>"
        )
    extent = " ".join(f"0 {n}" for n in micro.phase.shape)
    spacing = " ".join(repr(h) for h in micro.spacing)
    head = f"""<?xml version="1.0"?>
<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64">
<ImageData WholeExtent="{extent}" Origin="0 0 0" Spacing="{spacing}">
<FieldData>
{about}
</FieldData>
<Piece Extent="{extent}">
<CellData Scalars="labels">
{arrays}</CellData>
</Piece>
</ImageData>
"""
    with path.open("wb") as file:
        file.write(head.encode("ascii") + _APPENDED)
        file.writelines(blocks)
        file.write(b"\n</AppendedData>\n</VTKFile>\n")


_APPENDED: Final = b'<AppendedData encoding="raw">\n_'


def _read_vti(path: Path) -> Read:
    head, found, data = path.read_bytes().partition(_APPENDED)
    if not found:
        raise InputError(f"{path.name} holds no raw appended data; write it with dualyte")
    image = ElementTree.fromstring(head + b"</VTKFile>").find("ImageData")
    codes = None if image is None else image.findtext("FieldData/Array[@Name='about']")
    if image is None or codes is None:
        raise InputError(f"{path.name} was not written by dualyte; convert it to a stack of labels")
    shape = [int(n) for n in image.attrib["WholeExtent"].split()[1::2]]
    arrays = {}
    for row in image.iterfind("Piece/CellData/DataArray"):
        start = int(row.attrib["offset"])
        size = int.from_bytes(data[start : start + 8], "little")
        kind = {"Int32": "<i4", "Float32": "<f4"}[row.attrib["type"]]
        values = np.frombuffer(data[start + 8 : start + 8 + size], kind)
        arrays[row.attrib["Name"]] = values.reshape(shape, order="F")
    about = json.loads(bytes(int(code) for code in codes.split()[:-1]))
    return arrays["phase"], arrays["labels"], about


_Format = tuple[Callable[[Microstructure, Path], None], Callable[[Path], Read]]
_FORMATS: Final[dict[str, _Format]] = {
    ".npz": (_write_npz, _read_npz),
    ".tif": (_write_tiff, _read_tiff),
    ".tiff": (_write_tiff, _read_tiff),
    ".vti": (_write_vti, _read_vti),
    ".zarr": (_write_zarr, _read_zarr),
}


def _format(path: Path) -> _Format:
    if path.suffix not in _FORMATS:
        raise InputError(
            f"{path.name!r} has no suffix that names a format; use one of {', '.join(_FORMATS)}"
        )
    return _FORMATS[path.suffix]
