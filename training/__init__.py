"""Videos and a program to networks: one loop, an ensemble, its calibration."""

from training.train import train

__all__ = ["train"]
