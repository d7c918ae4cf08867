"""Broken files on purpose: what readers of instrument files must survive.

    python tests/fuzzing.py vamas --mutations 10000

Each mutation of a small good file is read under a limit of time and memory. Bit flips, cut and
doubled pieces may give any answer but a traceback, a hang or a heap of memory. A file cut short,
one with decimal commas, or one whose heading has another unit must be read right, read as less
of the same, or refused: never as other numbers.
"""

from __future__ import annotations

import argparse
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dualyte.errors import DualyteError

SECONDS = 10
BYTES = 1_000_000_000
Columns = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A reader, small good files for it, and its answer as columns of numbers."""

    name: str
    seeds: Callable[[Path], list[Path]]  #: writes or finds small files
    read: Callable[[Path], tuple[Columns, tuple[str, ...]]]  #: columns, and what it changed
    own: bool = True  #: a reader of our own, not that of a library
    text: bool = True
    units: bool = False  #: every unit in its headings matters
    share: float = 1.0  #: of the mutations of others: files above 50 kB take longer


@dataclass(kw_only=True)
class Tally:
    """What became of the mutations of one reader."""

    name: str
    done: int = 0
    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.done} mutations, {self.read} read, {self.refused} refused, "
            f"slowest {self.slowest:.2f} s, {len(self.failures)} failures"
        )


class _HangError(Exception):
    pass


@contextmanager
def limited(seconds: float = SECONDS) -> Iterator[None]:
    """Raise where a call takes too long."""

    def stop(*_: object) -> None:
        raise _HangError

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


@contextmanager
def small_heap() -> Iterator[None]:
    """Let no more memory be asked for than is taken now, and a gigabyte."""
    old = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + BYTES, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)


# ---------------------------------------------------------------- mutations


def _flipped(data: bytes, random: np.random.Generator) -> bytes:
    out = bytearray(data)
    for at in random.integers(0, len(out), int(random.integers(1, 9))):
        out[at] ^= 1 << int(random.integers(8))
    return bytes(out)


def _noise(data: bytes, random: np.random.Generator) -> bytes:
    a = int(random.integers(len(data)))
    n = int(random.integers(1, 64))
    return data[:a] + random.bytes(n) + data[a + n :]


def _without(data: bytes, random: np.random.Generator) -> bytes:
    a, b = sorted(random.integers(0, len(data), 2).tolist())
    return data[:a] + data[min(b, a + 4096) :]


def _doubled(data: bytes, random: np.random.Generator) -> bytes:
    a, b = sorted(random.integers(0, len(data), 2).tolist())
    return data[:b] + data[a : min(b, a + 4096)] + data[b:]


def _extreme(data: bytes, random: np.random.Generator) -> bytes:
    """Put a count that cannot be in place of four bytes, or of a number in text."""
    a = int(random.integers(max(len(data) - 4, 1)))
    big = [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x00\x00\x00\x00"]
    if all(byte < 128 for byte in data[:2000]):
        big = [b"999999999999", b"-1", b"1e308", b"nan", b"", b"0", b"4294967295", b"inf"]
    return data[:a] + big[int(random.integers(len(big)))] + data[a + 4 :]


def _cut(data: bytes, random: np.random.Generator) -> bytes:
    return data[: int(random.integers(len(data)))]


def _locale(data: bytes, random: np.random.Generator) -> bytes:
    """Decimal commas, as a German instrument writes; commas between columns become semicolons."""
    return data.replace(b",", b";").replace(b".", b",")


def _line_ends(data: bytes, random: np.random.Generator) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


_UNITS = {
    "V": ("mV", 1e-3), "mV": ("V", 1e3), "A": ("mA", 1e-3), "mA": ("A", 1e3), "s": ("h", 3600.0),
    "h": ("s", 1 / 3600), "Ah": ("mAh", 1e-3), "mAh": ("Ah", 1e3), "Ohm": ("kOhm", 1e3),
    "ohm": ("kohm", 1e3), "nm": ("um", 1e3), "um": ("nm", 1e-3), "mm": ("um", 1e-3),
    "N": ("kN", 1e3), "mN": ("uN", 1e-3), "kN": ("N", 1e-3), "MPa": ("GPa", 1e3),
    "Hz": ("kHz", 1e3), "uN": ("mN", 1e3),
}  # fmt: skip
_ANY = "|".join(_UNITS).encode()
_UNIT = re.compile(rb"(?<=[\[(/ ])(" + _ANY + rb")(?=[\]),;\t\r\n])")


def _unit(data: bytes, random: np.random.Generator) -> bytes:
    """Write another unit into the headings, the numbers as they are."""
    head = data[:3000]
    found = list(_UNIT.finditer(head))
    if not found:
        return data
    one = found[int(random.integers(len(found)))]
    twin = _UNITS[one[1].decode()][0].encode()
    return data[: one.start(1)] + twin + data[one.end(1) :]


WILD = (_flipped, _noise, _without, _doubled, _extreme)


# ---------------------------------------------------------------- running


def fuzz(target: Target, mutations: int, *, seed: int = 0, seconds: float = SECONDS) -> Tally:
    """Read mutations of a target's files, and say what became of them."""
    random = np.random.default_rng(seed)
    tally = Tally(name=target.name)
    with tempfile.TemporaryDirectory() as home, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seeds = target.seeds(Path(home) / "seeds")
        good = {path: target.read(path)[0] for path in seeds}
        for k in range(mutations):
            path = seeds[k % len(seeds)]
            data = path.read_bytes()
            kinds: list[Any] = [*WILD, _cut, _cut]
            if target.text:
                kinds += [_locale, _line_ends, *([_unit] if target.units else [])]
            change = kinds[k // len(seeds) % len(kinds)]
            broken = Path(home) / path.name
            changed = change(data, random)
            if changed == data:
                continue
            broken.write_bytes(changed)
            _try(target, broken, change, good[path], tally, seconds)
    return tally


def _try(
    target: Target, path: Path, change: Any, good: Columns, tally: Tally, seconds: float
) -> None:
    tally.done += 1
    begin = time.perf_counter()
    why = ""
    found: Columns | None = None
    said: tuple[str, ...] = ()
    try:
        with small_heap(), limited(seconds):
            found, said = target.read(path)
    except DualyteError as error:
        tally.refused += 1
        if "\n" in str(error) or not str(error).strip():
            why = f"its message is no one sentence: {str(error)[:80]!r}"
    except _HangError:
        why = f"it hangs for more than {seconds:g} s"
    except MemoryError:
        why = "it asks for more than 1 GB"
    except Exception as error:  # every other is a failure of the reader
        why = f"{type(error).__name__}: {str(error)[:120]}"
    tally.slowest = max(tally.slowest, time.perf_counter() - begin)
    if found is not None:
        tally.read += 1
        if change is _unit:
            why = _ignored(good, found, said)
        elif change in (_cut, _locale, _line_ends):
            why = _differs(good, found, said, cut=change is _cut)
    if why:
        kept = Path(tempfile.gettempdir()) / f"fuzz_{target.name.replace(' ', '_')}_{tally.done}"
        if len(tally.failures) < 5:
            kept.with_suffix(path.suffix).write_bytes(path.read_bytes())
        tally.failures.append(f"{change.__name__.strip('_')} of {path.name}: {why}")


def _differs(good: Columns, found: Columns, said: tuple[str, ...], *, cut: bool) -> str:
    """Why the numbers found are other ones, or nothing."""
    for name, column in found.items():
        if np.isnan(column).all():
            continue
        if name not in good:
            return f"column {name} was not there"
        whole = good[name]
        if not cut and column.size != whole.size:
            return f"{name} has {column.size} rows instead of {whole.size}"
        if column.size > whole.size:
            return f"{name} grew to {column.size} rows"
        same = whole[: column.size]
        scale = np.nanmax(np.abs(whole), initial=0.0)
        if cut and any("last number is not whole" in sentence for sentence in said):
            column, same = column[:-1], same[:-1]
        if said and column.size and _among(column, whole, scale):
            continue  # less of the same, and said
        if not np.allclose(column, same, rtol=1e-6, atol=1e-9 * scale, equal_nan=True):
            worst = int(np.argmax(~np.isclose(column, same, rtol=1e-6, equal_nan=True)))
            return f"{name}[{worst}] is {column[worst]!r} instead of {same[worst]!r} ({said})"
    return ""


def _ignored(good: Columns, found: Columns, said: tuple[str, ...]) -> str:
    """Why another unit in the headings was passed over, or nothing: a factor, or a word of it."""
    factors = {f for _, f in _UNITS.values()} | {1 / f for _, f in _UNITS.values()}
    scaled = False
    for name, column in found.items():
        whole = good.get(name)
        if whole is None or whole.size != column.size:
            return f"{name} has {column.size} rows, not as before ({said})" if not said else ""
        with np.errstate(all="ignore"):
            ratio = column / whole
        ratio = ratio[np.isfinite(ratio) & (whole != 0)]
        if not ratio.size or np.allclose(ratio, 1, rtol=1e-6):
            continue
        near = [f for f in factors if np.allclose(ratio, f, rtol=1e-6)]
        if not near and not said:
            return f"{name} is {ratio.min():g} … {ratio.max():g} times what it was"
        scaled = True
    return "" if scaled or said else "another unit changes nothing, and nothing is said"


def _among(found: np.ndarray, whole: np.ndarray, scale: float) -> bool:
    """Whether the numbers come in the whole column, in their order."""
    at = 0
    for x in found:
        near = np.isclose(whole[at:], x, rtol=1e-6, atol=1e-9 * scale, equal_nan=True)
        if not near.any():
            return False
        at += int(np.argmax(near)) + 1
    return True


def main() -> int:
    from fuzz_targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(t.name for t in TARGETS)}")
    parser.add_argument("--mutations", type=int, default=0, help="10000 (300 for libraries)")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    failed = 0
    for target in TARGETS:
        if asked.targets and target.name not in asked.targets:
            continue
        many = asked.mutations or int(target.share * (10_000 if target.own else 300))
        tally = fuzz(target, many, seed=asked.seed)
        print(tally, flush=True)
        for failure in tally.failures[:20]:
            print("   ", failure)
        failed += len(tally.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
