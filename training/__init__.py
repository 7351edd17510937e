"""Videos and a program to networks: one loop, an ensemble, its calibration."""

from training.ensemble import train
from training.further.go_on import go_on

__all__ = ["go_on", "train"]
