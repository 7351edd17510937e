"""Which versions made a result."""

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("clipcast", "torch", "pyro-ppl", "numpy", "pandas", "pyarrow", "tokenizers")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
