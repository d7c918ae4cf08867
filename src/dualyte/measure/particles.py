"""Sizes of particles or pores seen in a field: counted, measured, corrected for its edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dualyte.vocabulary import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Particles:
    """Particles of one field. Lengths are metres where the pixel is known, else pixels.

    Those that touch the edge are counted, and are left out of the sizes. The chance to be
    whole within the field falls with size, so each of the others weighs
    W H / ((W - w)(H - h)) for a box w × h of its own in a field W × H (Miles and Lantuéjoul).
    """

    areas: Floats  #: (n,) m²
    centres: Floats  #: (n, 2) pixels, x to the right and y down
    edge: npt.NDArray[np.bool_]  #: (n,) touch the edge of the field
    weights: Floats  #: (n,) 0 at the edge, else 1 or more
    field: float  #: area of the field, m²
    labels: npt.NDArray[np.int32]  #: (ny, nx) 0 between the particles, else k + 1
    heights: Floats | None = None  #: (n,) highest above the ground, m
    volumes: Floats | None = None  #: (n,) above the ground, m³

    @property
    def count(self) -> int:
        """Number seen, those at the edge included."""
        return int(self.areas.size)

    @property
    def coverage(self) -> float:
        """Share of the field that they cover, those at the edge included."""
        return float(self.areas.sum() / self.field)

    @property
    def diameters(self) -> Floats:
        """Diameters of circles of the same areas, (n,) m."""
        return np.asarray(2 * np.sqrt(self.areas / np.pi))

    @property
    def density(self) -> float:
        """Number per area, corrected for the edge [1/m²]."""
        return float(self.weights.sum() / self.field)

    def quantile(self, share: float) -> float:
        """Diameter that a share of the particles is smaller than [m]; nan without any."""
        if not self.weights.sum() > 0:
            return float("nan")
        return weighted_quantile(self.diameters, self.weights, share)

    @property
    def median(self) -> float:
        """Median diameter by number [m]; nan without a whole particle."""
        return self.quantile(0.5)

    @property
    def spread(self) -> float:
        """Standard deviation of the diameters [m]; nan with fewer than two whole particles."""
        if np.count_nonzero(self.weights) < 2:
            return float("nan")
        mean = float(np.average(self.diameters, weights=self.weights))
        return float(np.sqrt(np.average((self.diameters - mean) ** 2, weights=self.weights)))

    def larger(self, limit: float) -> tuple[float, float]:
        """Shares by number and by covered area that are larger than a diameter [m]."""
        big = self.diameters > limit
        number, area = self.weights.sum(), self.areas.sum()
        return (
            float(self.weights[big].sum() / number) if number > 0 else float("nan"),
            float(self.areas[big].sum() / area) if area > 0 else float("nan"),
        )


def weighted_quantile(x: Floats, weights: Floats, share: float) -> float:
    """Value that a share of the weight lies below, between the middles of the weights.

    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.ones(3), 0.5)
    2.0
    """
    order = np.argsort(x)
    w = weights[order]
    return float(np.interp(share, (np.cumsum(w) - w / 2) / w.sum(), x[order]))


def find_particles(
    mask: npt.NDArray[np.bool_],
    *,
    pixel: tuple[float, float] = (1.0, 1.0),
    smallest: float = 0.0,
    fill: bool = False,
    split: bool = False,
    heights: Floats | None = None,
) -> Particles:
    """Measure the connected regions of a mask; corners connect.

    Parameters
    ----------
    mask : (ny, nx)
        Where there is a particle or pore.
    pixel
        Its width and height [m].
    smallest
        Regions of a smaller area are left out [pixels].
    fill
        Whether holes in them belong to them.
    split
        Whether regions are parted at their waists, as touching particles are.
    heights : (ny, nx)
        Above the ground [m].

    Examples
    --------
    >>> seen = np.zeros((20, 20), dtype=bool)
    >>> seen[4:8, 5:10] = seen[0:3, 0:2] = True
    >>> found = find_particles(seen, pixel=(0.1e-6, 0.1e-6))
    >>> found.count, found.edge.tolist(), f"{found.diameters[1]:.3g} m"
    (2, [True, False], '5.05e-07 m')
    """
    from scipy import ndimage

    if fill:
        mask = ndimage.binary_fill_holes(mask)
    labels, n = ndimage.label(mask, structure=np.ones((3, 3)))
    if split and n:
        labels, n = _parted(labels, mask)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    keep = np.flatnonzero((sizes >= smallest) & (np.arange(n + 1) > 0) & (sizes > 0))
    new = np.zeros(n + 1, dtype=np.int32)
    new[keep] = np.arange(1, keep.size + 1)
    labels = new[labels]
    return _measured(labels, sizes[keep], pixel, heights)


def _parted(labels: Any, mask: Any) -> tuple[Any, int]:  # noqa: ANN401 (arrays)
    """Regions parted at their waists: watersheds of the distance to the edge."""
    from scipy import ndimage

    from dualyte.measure.section.extra import needed

    segmentation = needed("skimage.segmentation")
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1.0)
    tops = (distance == ndimage.maximum_filter(distance, 9)) & mask
    markers, n = ndimage.label(tops, structure=np.ones((3, 3)))
    parted = segmentation.watershed(-distance, markers, mask=mask)
    lost = (parted == 0) & (labels > 0)  # regions too small for a top of their own
    parted[lost] = labels[lost] + n
    return parted, int(parted.max())


def _measured(
    labels: npt.NDArray[np.int32],
    sizes: npt.NDArray[np.intp],
    pixel: tuple[float, float],
    heights: Floats | None,
) -> Particles:
    from scipy import ndimage

    ny, nx = labels.shape
    boxes = ndimage.find_objects(labels)
    n = len(boxes)
    box = np.array([[s.start, s.stop] for b in boxes for s in b]).reshape(n, 4)
    y0, y1, x0, x1 = box.T if n else np.zeros((4, 0), dtype=int)
    edge = (y0 == 0) | (x0 == 0) | (y1 == ny) | (x1 == nx)
    with np.errstate(divide="ignore"):
        weights = nx * ny / ((nx - (x1 - x0)) * (ny - (y1 - y0)))
    y, x = np.nonzero(labels)
    which = labels[y, x] - 1
    each = pixel[0] * pixel[1]
    pixels = np.asarray(sizes, dtype=np.float64)
    centres = np.array([np.bincount(which, place, n) for place in (x, y)]).T / pixels[:, None]
    tall = volumes = None
    if heights is not None:
        tall = np.full(n, -np.inf)
        np.maximum.at(tall, which, heights[y, x])
        volumes = np.bincount(which, heights[y, x], n).astype(np.float64) * each
    return Particles(
        areas=pixels * each,
        centres=centres,
        edge=edge,
        weights=np.where(edge, 0.0, weights),
        field=nx * ny * each,
        labels=labels,
        heights=tall,
        volumes=volumes,
    )
