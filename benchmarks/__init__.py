"""Time dualyte against the packages engineers use today: `python -m benchmarks`.

Importing this package first holds every numerical library to one thread.
"""

import os

for _name in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR", "NUMBA"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"
