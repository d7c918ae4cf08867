"""What a person says of cycles: which are activation, masked, or at which pressure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dualyte.errors import InputError
from dualyte.vocabulary import checked, q

_RANGE: Final = re.compile(r"\s*(-?\d+)\s*(?:(-|–|\.\.)\s*(-?\d+)?\s*)?$")  # people type dashes
_LAST: Final = 2**31  # an open range ends with the record

Range = tuple[int, int]


def cycle_ranges(said: Any, what: str = "cycles") -> list[Range]:  # noqa: ANN401 (whatever TOML holds)
    """Ranges of cycle numbers, both ends in.

    Parameters
    ----------
    said
        A number, a text such as `"7, 12-14"` or `"20-"`, or a list of these.
    what
        How messages call it.

    Examples
    --------
    >>> cycle_ranges("7, 12-14"), cycle_ranges([0, "2-3"])
    ([(7, 7), (12, 14)], [(0, 0), (2, 3)])
    """
    if isinstance(said, bool):
        raise InputError(f'{what} = {said!r}; write cycle numbers such as "7, 12-14"')
    if isinstance(said, int):
        return [(said, said)]
    if isinstance(said, str):
        return [_range(part, what) for part in re.split(r"[,;]", said) if part.strip()]
    if isinstance(said, Iterable):
        return [found for part in said for found in cycle_ranges(part, what)]
    raise InputError(f'{what} = {said!r}; write cycle numbers such as "7, 12-14"')


def _range(part: str, what: str) -> Range:
    match = _RANGE.match(part)
    if match is None:
        raise InputError(
            f'{what}: {part.strip()!r} is no cycle number or range; write such as "7, 12-14"'
        )
    low = int(match[1])
    high = low if match[2] is None else _LAST if match[3] is None else int(match[3])
    if high < low:
        raise InputError(f"{what}: {part.strip()!r} runs backwards; write the lower number first")
    return low, high


def within(ranges: Sequence[Range], number: int) -> bool:
    """Whether a cycle is in one of the ranges."""
    return any(low <= number <= high for low, high in ranges)


def pressures(stack: Iterable[Mapping[str, Any]]) -> list[tuple[list[Range], float]]:
    """Ranges and stack pressure [Pa] of `stack = [{cycles = "1-5", pressure = "7 MPa"}]`."""
    found = []
    for entry in stack:
        _keys(entry, ("cycles", "pressure"), 'stack = [{cycles = "1-5", pressure = "7 MPa"}]')
        held = entry["pressure"]
        try:
            value = q(held, "pressure") if isinstance(held, str) else checked("pressure", held)
        except InputError as error:
            raise InputError(f"stack, cycles {entry['cycles']}: {error}") from None
        found.append((cycle_ranges(entry["cycles"], "stack, cycles"), float(value)))
    return found


def masks(mask: Iterable[Mapping[str, Any]]) -> list[tuple[list[Range], str]]:
    """Ranges and reason of `mask = [{cycles = "7, 12-14", why = "power cut"}]`."""
    found = []
    for entry in mask:
        _keys(entry, ("cycles", "why"), 'mask = [{cycles = "7, 12-14", why = "power cut"}]')
        ranges = cycle_ranges(entry["cycles"], "mask, cycles")
        if not ranges:
            raise InputError('mask names no cycle; write such as "7, 12-14", or leave it out')
        found.append((ranges, str(entry["why"])))
    return found


def _keys(entry: Any, wanted: tuple[str, ...], example: str) -> None:  # noqa: ANN401 (whatever TOML holds)
    if not isinstance(entry, Mapping) or set(entry) != set(wanted):
        raise InputError(f"{entry!r} does not say {' and '.join(wanted)}; write {example}")
