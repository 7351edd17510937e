"""What decides the features of a clip (`Settings`), and what a clip may cost (`Limits`)."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

FRAMES = 10
SAMPLE_RATE = 16_000  # Hz, mono
PIECE = 2 * SAMPLE_RATE  # samples that travel from process to process at once

Combine = Literal["mean", "mean-std", "all"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Settings:
    """Everything that changes the numbers; it belongs to the fingerprint of every stored result.

    Attributes:
        backbone: name of the image network (`extraction.visual.BACKBONES`).
        weights: file with its state dict; empty: the published weights, downloaded or found.
        weights_sha256: of that file, in hexadecimal; checked when given.
        combine: what becomes of the ten vectors: their mean, mean and standard deviation, or all of them.
        precision: of the network; bfloat16 is twice as fast on one core and moves features by some per cent.
        device: where the network runs.
    """

    backbone: str = "resnet50"
    weights: str = ""
    weights_sha256: str = ""
    combine: Combine = "mean"
    precision: Precision = "float32"
    device: str = "cpu"


@dataclass(frozen=True)
class Limits:
    """What one clip may cost before its decoding is stopped.

    Attributes:
        megabytes: size of the file.
        pixels: width times height of a frame.
        seconds: of processor time for decoding, beyond an allowance for long clips (`ALLOWANCE`).
        memory: megabytes of the decoding process.
        sound_seconds: longest sound track.
    """

    megabytes: int = 500
    pixels: int = 16_777_216
    seconds: float = 8.0
    memory: int = 500
    sound_seconds: int = 1800


ALLOWANCE = 0.15  # seconds of decoding granted for a second of real duration
LONGEST = 600.0  # seconds of decoding that no clip exceeds


class Problem(NamedTuple):
    """Something about a clip that deserves to be known: where it appeared, and one sentence that starts with its name."""

    stage: str
    reason: str
