"""What every bench says of its circumstances, and how it starts its children."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

_NUMERICAL = ("OPENBLAS_", "OMP_", "MKL_", "BLIS_", "NPY_", "ORT_")


def machine(packages: Iterable[str]) -> dict[str, Any]:
    """Processor, load and versions."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = {line.partition(":")[2].strip() for line in facts if line.startswith(("model name", "Model"))}
    installed = {distribution.metadata["Name"]: distribution.version for distribution in metadata.distributions()}
    return {
        "processor": ", ".join(sorted(models)) or platform.machine(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: installed[name] for name in packages if name in installed},
    }


def service_environment() -> dict[str, str]:
    """Without settings of numerical libraries and of Python: systemd starts the speaker without them."""
    unwanted = (*_NUMERICAL, "PYTHONDONTWRITE", "PYTHONUNBUFFERED")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


def finite(value: Any) -> Any:
    """JSON knows no "not a number": null stands for it."""
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
