"""The sound track as 48 numbers: mean and variance over time of 24 mel-frequency cepstral coefficients."""

import functools

import numpy as np

from features.media.settings import SAMPLE_RATE

COEFFICIENTS = 24
WINDOW = 400  # samples, 25 ms
HOP = 160  # samples, 10 ms
MELS = 64
BLOCK = 3000  # windows computed at once, so that memory does not grow with the track


def acoustic_columns() -> list[str]:
    """Names of the 48 numbers."""
    return [f"acoustic_mfcc{number + 1:02d}_{what}" for what in ("mean", "variance") for number in range(COEFFICIENTS)]


def acoustic_features(sound: np.ndarray) -> np.ndarray:
    """Mean and (population) variance over time of the MFCC, float32 (48,).

    Args:
        sound: float32 (T,), T >= 1, at 16 kHz; a track shorter than one window is padded with silence.
    """
    coefficients = mfcc(sound).astype(np.float64)
    return np.concatenate([coefficients.mean(axis=1), coefficients.var(axis=1)]).astype(np.float32)


def mfcc(sound: np.ndarray) -> np.ndarray:
    """MFCC as `torchaudio.transforms.MFCC` defines them, float32 (24, windows).

    Power spectrum of centred Hann windows (ends reflected), 64 mel bands (HTK scale), decibels with a floor at 1e-10 and at
    80 dB below the loudest, orthonormal DCT-II. Computed block by block.
    """
    import torch

    transform = _transform()
    edge = WINDOW // 2
    samples = np.pad(sound, (0, max(0, WINDOW - len(sound))))
    padded = np.pad(samples, edge, mode="reflect")
    windows = 1 + len(samples) // HOP
    with torch.inference_mode():
        bands = []
        for first in range(0, windows, BLOCK):
            count = min(BLOCK, windows - first)
            block = padded[first * HOP : (first + count - 1) * HOP + WINDOW]
            bands.append(transform.MelSpectrogram(torch.from_numpy(np.ascontiguousarray(block))))
        decibels = transform.amplitude_to_DB(torch.cat(bands, dim=1))
        return (transform.dct_mat.T @ decibels).numpy()


@functools.cache
def _transform():
    from torchaudio.transforms import MFCC

    mel = {"n_fft": WINDOW, "hop_length": HOP, "n_mels": MELS, "center": False, "mel_scale": "htk"}
    return MFCC(SAMPLE_RATE, n_mfcc=COEFFICIENTS, log_mels=False, melkwargs=mel)
