"""Networks and videos to draws, scores and pictures."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.forecaster import Forecaster, load

__all__ = ["Forecaster", "load"]


def __getattr__(name: str) -> Any:
    """Import the forecaster when it is asked for (PEP 562): `--help` reads the settings and must not wait for torch."""
    if name not in __all__:
        raise AttributeError(f"module 'forecast' has no attribute {name!r}")
    from forecast import forecaster

    return getattr(forecaster, name)
