"""Videos and a program to networks: one loop, an ensemble, its calibration."""

from training.ensemble import train

__all__ = ["train"]
