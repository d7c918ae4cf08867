"""Readers of instrument files, and small files for them: see fuzzing.py."""

from collections.abc import Callable
from pathlib import Path

import biologic_files
import cycler_files
import numpy as np
from fuzzing import Columns, Target

from dualyte.measure.compression import read_compression
from dualyte.measure.examples import write_example
from dualyte.measure.files import read_spectra
from dualyte.measure.files.biologic import read_biologic_records, read_mpr_table
from dualyte.measure.files.cyclers import read_records, write_bdf
from dualyte.measure.files.grid import read_grid
from dualyte.measure.indentation import read_indents
from dualyte.measure.phases import read_pattern
from dualyte.measure.section import read_micrograph
from dualyte.measure.xps import read_xps
from dualyte.surface import read_surface

SHARED = Path(__file__).parents[2] / "shared" / "data"
Answer = tuple[Columns, tuple[str, ...]]


def _columns(things: list, names: tuple[str, ...]) -> Answer:
    """Numbers of some nouns, by the names of their fields."""
    found: Columns = {}
    said: list[str] = []
    for k, thing in enumerate(things):
        for name in names:
            if (column := getattr(thing, name)) is not None:
                found[f"{name} {k}"] = np.asarray(column).ravel()
        said += getattr(thing, "changes", ())
    return found, tuple(said)


def _records(path: Path) -> Answer:
    return _columns(
        read_records(path), ("time", "voltage", "current", "charged", "discharged", "temperature")
    )


def _biologic(path: Path) -> Answer:
    return _columns(read_biologic_records(path), ("time", "voltage", "current", "charged"))


def _mpr(path: Path) -> Answer:
    table = read_mpr_table(path)
    return dict(zip(table.names, table.columns, strict=True)), table.changes


def _grid(path: Path) -> Answer:
    grid = read_grid(path)
    kept = {n: c for n, c in zip(grid.names, grid.columns, strict=False) if c.dtype == np.float64}
    return kept, grid.changes


def _spectra(path: Path) -> Answer:
    found, said = _columns(list(read_spectra(path)), ("frequency", "z"))
    parts = {f"{name} {p}": getattr(c, p) for name, c in found.items() for p in ("real", "imag")}
    return parts, said


def _indents(path: Path) -> Answer:
    return _columns(list(read_indents(path)), ("time", "depth", "load"))


def _compression(path: Path) -> Answer:
    names = ("time", "displacement", "force", "pressure", "relative_density", "height")
    return _columns([read_compression(path)], names)


def _xps(path: Path) -> Answer:
    return _columns(list(read_xps(path)), ("energy", "counts"))


def _pattern(path: Path) -> Answer:
    return _columns([read_pattern(path)], ("angle", "counts"))


def _picture(path: Path) -> Answer:
    return _columns([read_micrograph(path)], ("levels",))


def _surface(path: Path) -> Answer:
    return _columns([read_surface(path)], ("heights",))


# ---------------------------------------------------------------- small files


def _example(kind: str, *suffixes: str) -> Callable[[Path], list[Path]]:
    def seeds(folder: Path) -> list[Path]:
        write_example(kind, folder)
        names = sorted(p for p in folder.iterdir() if p.suffix in suffixes)
        names = [p for p in names if p.name != "truth.txt"]
        for path in folder.glob("*.toml"):  # sidecars say what files must say themselves here
            path.unlink()
        return names[:3]

    return seeds


def _written(**texts: bytes | str) -> Callable[[Path], list[Path]]:
    def seeds(folder: Path) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for name, data in texts.items():
            stem, _, suffix = name.rpartition("__")
            path = folder / f"{stem}.{suffix}"
            path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
            paths.append(path)
        return paths

    return seeds


def _cyclers(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    run = cycler_files.a_run(rows=30)
    paths = []
    for name, write in cycler_files.TEXTS.items():
        path = folder / f"{name.replace(' ', '_')}.csv"
        text = write(run)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        try:
            read_records(path)
        except ValueError:  # needs a sidecar
            path.unlink()
            continue
        paths.append(path)
    return paths


def _parquet(folder: Path) -> list[Path]:
    [csv, *_] = _cyclers(folder)
    return [write_bdf(read_records(csv), folder / "run.parquet")]


def _real(*names: str) -> Callable[[Path], list[Path]]:
    return lambda _: [path for name in names if (path := SHARED / name).is_file()]


_INSTRON = '"Time","Extension","Load"\n"(s)","(mm)","(N)"\n' + "".join(
    f'"{0.1 * k:.3f}","{0.01 * k:.5f}","{5.0 * k**1.5:.5f}"\n' for k in range(120)
)
_GRID = "Time [s];U [V];I [mA];state\n" + "".join(
    f"{10 * k};{3 + 0.01 * k:.4f};{1.5 if k % 7 else 0.0:.3f};on\n" for k in range(200)
)

TARGETS = (
    Target(name="tables", seeds=_written(a__csv=_GRID), read=_grid),
    Target(
        name="mpr", text=False, read=_mpr,
        seeds=_written(
            a__mpr=biologic_files.mpr(biologic_files.cell()),
            b__mpr=biologic_files.mpr(biologic_files.cell(), version=11, new=True, loops=[0, 20]),
        ),
    ),
    Target(
        name="mpt", units=True, read=_biologic,
        seeds=_written(a__mpt=biologic_files.mpt(
            biologic_files.as_text(biologic_files.cell()))),
    ),
    Target(name="spectra", units=True, seeds=_example("eis", ".csv"), read=_spectra),
    Target(name="cyclers", seeds=_cyclers, read=_records),
    Target(
        name="res", text=False, share=0.2, read=_records, seeds=_real("cycling/cellpy_45_cc_01.res")
    ),
    Target(name="compression", units=True, seeds=_written(a__csv=_INSTRON), read=_compression),
    Target(
        name="compression example", units=True, seeds=_example("compression", ".csv"),
        read=_compression,
    ),
    Target(
        name="indentation", seeds=_example("indentation", ".txt", ".hld", ".csv"), read=_indents
    ),
    Target(name="vamas", seeds=_example("xps", ".vms"), read=_xps),
    Target(name="phases", seeds=_example("phases", ".xy", ".csv"), read=_pattern),
    Target(name="growth", seeds=_example("growth", ".csv", ".txt"), read=_grid),
    Target(name="conductivity", seeds=_example("conductivity", ".csv", ".txt"), read=_grid),
    Target(name="parquet", own=False, text=False, seeds=_parquet, read=_records),
    Target(
        name="neware", own=False, text=False, read=_records,
        seeds=_real("cycling/nnda_new.nda", "cycling/navani_test.ndax"),
    ),
    Target(
        name="xlsx", own=False, text=False, read=_records,
        seeds=_real("cycling/navani_arbin_gr_li.xlsx"),
    ),
    Target(
        name="hdf5", own=False, text=False, read=_indents,
        seeds=_real("indentation/mm_FischerScope_N1_1.hdf5"),
    ),
    Target(
        name="hld", own=False, read=_indents,
        seeds=_real("indentation/mm_Hysitron_50mN.hld", "indentation/nanodent_a.hld"),
    ),
    Target(
        name="vgd", own=False, text=False, read=_xps, seeds=_real("xps/xpsapp_Cl2p_Scan.VGD")
    ),
    Target(name="avantage", own=False, text=False, read=_xps, seeds=_real("xps/kf_LaSrTiO3.xlsx")),
    Target(
        name="pictures", own=False, text=False, seeds=_example("section", ".tif"), read=_picture
    ),
    Target(
        name="height maps", own=False, text=False, read=_surface,
        seeds=_real("topography/st_al3d-1.al3d", "topography/st_x3p-2.x3p"),
    ),
    Target(
        name="ism", own=False, text=False, read=_spectra,
        seeds=_real("eis_more/EISART_ClearBSD/eis_ism_format.ism"),
    ),
)  # fmt: skip
