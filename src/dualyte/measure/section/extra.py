"""Libraries of an extra, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from dualyte.errors import MissingExtraError

_PACKAGES: Final = {"skimage": "scikit-image", "PIL": "pillow"}


def needed(module: str) -> Any:  # noqa: ANN401 (a module without types)
    """Import a module of the extra `files`, or say how to install it.

    Raises
    ------
    MissingExtraError
        If its package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        root = module.partition(".")[0]
        raise MissingExtraError(_PACKAGES.get(root, root), "files") from error
