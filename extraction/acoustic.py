"""The sound track as 48 numbers: mean and variance over time of 24 mel-frequency cepstral coefficients."""

import functools
from collections.abc import Iterable, Iterator

import numpy as np

from extraction.settings import SAMPLE_RATE

COEFFICIENTS = 24
WINDOW = 400  # samples, 25 ms
HOP = 160  # samples, 10 ms
MELS = 64
BLOCK = 100  # windows computed at once; larger ones leave holes in memory


def acoustic_columns() -> list[str]:
    """Names of the 48 numbers."""
    return [f"acoustic_mfcc{number + 1:02d}_{what}" for what in ("mean", "variance") for number in range(COEFFICIENTS)]


def acoustic_features(sound: np.ndarray) -> np.ndarray:
    """Mean and (population) variance over time of the MFCC, float32 (48,).

    Args:
        sound: float32 (T,), T >= 1, at 16 kHz; a track shorter than one window is padded with silence.
    """
    return features_of_pieces([sound])


def features_of_pieces(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """`acoustic_features` of a sound track that comes in pieces, each float32 (t,)."""
    blocks = _cepstra(pieces)
    windows = sum(block.shape[1] for block in blocks)
    mean = sum(block.sum(axis=1, dtype=np.float64) for block in blocks) / windows
    variance = sum(((block - mean[:, None]) ** 2).sum(axis=1) for block in blocks) / windows
    return np.concatenate([mean, variance]).astype(np.float32)


def mfcc(sound: np.ndarray) -> np.ndarray:
    """MFCC as `torchaudio.transforms.MFCC` defines them, float32 (24, windows).

    Power spectrum of centred Hann windows (ends reflected), 64 mel bands (HTK scale), decibels with a floor at 1e-10 and at
    80 dB below the loudest, orthonormal DCT-II.
    """
    return np.concatenate(_cepstra([sound]), axis=1)


def _cepstra(pieces: Iterable[np.ndarray]) -> list[np.ndarray]:
    """`mfcc` of a track in pieces, block by block; of the whole track only its bands are in memory, once."""
    import torch
    from torchaudio.functional import amplitude_to_DB

    transform = _transform()

    def decibels(bands: torch.Tensor) -> torch.Tensor:
        return amplitude_to_DB(bands, 10.0, 1e-10, 0.0)

    with torch.inference_mode():
        blocks = [transform.MelSpectrogram(torch.from_numpy(block)) for block in _blocks(pieces)]
        floor = float(decibels(torch.stack([bands.max() for bands in blocks])).max()) - 80.0
        blocks.reverse()  # taken from the end, so that each is freed when it is done
        return [(transform.dct_mat.T @ decibels(blocks.pop().contiguous()).clamp(min=floor)).numpy() for _ in range(len(blocks))]


def _blocks(pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Cut a track into overlapping stretches of whole windows, at most `BLOCK` of them."""
    rest = np.empty(0, np.float32)
    for piece in _reflected(pieces):
        rest = np.concatenate([rest, piece])
        while (windows := min((len(rest) - WINDOW) // HOP + 1, BLOCK)) > 0:
            yield rest[: (windows - 1) * HOP + WINDOW]
            rest = rest[windows * HOP :]


def _reflected(pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Continue a track by half a window before its start and after its end, as in a mirror."""
    edge = WINDOW // 2
    start, end = np.empty(0, np.float32), np.empty(0, np.float32)
    for piece in pieces:
        if len(start) < WINDOW:
            start = np.concatenate([start, piece])
            if len(start) < WINDOW:
                continue
            yield start[edge:0:-1]
            piece = start
        end = np.concatenate([end, piece[-edge - 1 :]])[-edge - 1 :]
        yield piece
    if len(start) < WINDOW:
        padded = np.pad(start, (0, WINDOW - len(start)))
        yield np.pad(padded, edge, mode="reflect")
    else:
        yield end[-2::-1]


@functools.cache
def _transform():
    from torchaudio.transforms import MFCC

    mel = {"n_fft": WINDOW, "hop_length": HOP, "n_mels": MELS, "center": False, "mel_scale": "htk"}
    return MFCC(SAMPLE_RATE, n_mfcc=COEFFICIENTS, melkwargs=mel)
