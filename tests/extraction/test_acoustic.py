import numpy as np
import pytest

from extraction import acoustic
from extraction.acoustic import acoustic_columns, acoustic_features, features_of_pieces, mfcc
from extraction.decoding.decode import read_clip
from extraction.settings import Limits


def by_hand(sound):
    """MFCC in plain numpy, from the definition."""
    padded = np.pad(sound.astype(np.float64), 200, mode="reflect")
    starts = range(0, len(sound) + 1, 160)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    power = np.array([np.abs(np.fft.rfft(padded[start : start + 400] * window)) ** 2 for start in starts if start + 400 <= len(padded)]).T
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 66) / 2595) - 1)
    frequencies = np.linspace(0, 8000, 201)
    rise = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    bands = np.maximum(0, np.minimum(rise, fall)) @ power
    decibels = 10 * np.log10(np.maximum(bands, 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80)
    k, n = np.mgrid[:24, :64]
    basis = np.sqrt(2 / 64) * np.cos(np.pi * k * (2 * n + 1) / 128) * np.where(k == 0, np.sqrt(0.5), 1)
    return basis @ decibels


def tone(frequency, seconds=1.0):
    return (0.3 * np.sin(2 * np.pi * frequency * np.arange(int(16_000 * seconds)) / 16_000)).astype(np.float32)


def test_a_pure_tone_by_value():
    np.testing.assert_allclose(mfcc(tone(1000)), by_hand(tone(1000)), rtol=1e-3, atol=2e-2)


def test_mean_and_variance_over_time():
    coefficients = mfcc(tone(500)).astype(np.float64)
    expected = np.concatenate([coefficients.mean(1), ((coefficients - coefficients.mean(1, keepdims=True)) ** 2).mean(1)])
    np.testing.assert_allclose(acoustic_features(tone(500)), expected, rtol=1e-5, atol=1e-6)
    assert acoustic_features(tone(500)).dtype == np.float32
    assert len(acoustic_columns()) == 48
    assert acoustic_columns()[0] == "acoustic_mfcc01_mean"
    assert acoustic_columns()[47] == "acoustic_mfcc24_variance"


@pytest.mark.parametrize("length", [1, 2, 100, 372, 399, 400, 401, 16_000])
def test_silence_and_short_tracks_are_finite(length):
    for sound in (np.zeros(length, np.float32), np.ones(length, np.float32)):
        assert np.isfinite(acoustic_features(sound)).all()
    assert (acoustic_features(np.zeros(16_000, np.float32))[24:] < 1e-9).all()  # blocks differ in the last bit


def test_blocks_are_those_of_torchaudio_on_the_whole(monkeypatch):
    import torch
    from torchaudio.transforms import MFCC

    sound = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    whole = MFCC(16_000, 24, melkwargs={"n_fft": 400, "hop_length": 160, "n_mels": 64})(torch.from_numpy(sound)).numpy()
    np.testing.assert_allclose(mfcc(sound), whole, rtol=1e-4, atol=1e-3)
    monkeypatch.setattr(acoustic, "BLOCK", 7)
    np.testing.assert_allclose(mfcc(sound), whole, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("cuts", [[1], [100, 150], [399], [400], [5000, 5001, 30_000], list(range(1000, 48_000, 1000))])
def test_a_track_in_pieces_is_the_same_track(cuts):
    sound = np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32)
    np.testing.assert_allclose(features_of_pieces(np.split(sound, cuts)), acoustic_features(sound), rtol=1e-4, atol=1e-3)


def test_real_clips_agree_with_librosa(shared_clips):
    librosa = pytest.importorskip("librosa")
    for name in ("cc0_portrait_h264_aac_15s.mp4", "chaplin_h264_mp3.mp4", "cc0_portrait_vp9_opus.webm"):
        sound = read_clip(shared_clips / name, 96, 64, Limits()).sound
        mel = librosa.feature.melspectrogram(
            y=sound, sr=16_000, n_fft=400, hop_length=160, n_mels=64, htk=True, norm=None, center=True, pad_mode="reflect"
        )
        expected = librosa.feature.mfcc(S=librosa.power_to_db(mel, amin=1e-10, top_db=80), n_mfcc=24)
        found = mfcc(sound)
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()
        for what in (np.mean, np.var):
            difference = np.abs(what(found.astype(float), axis=1) - what(expected.astype(float), axis=1))
            assert (difference < 1e-3 * np.abs(what(expected, axis=1)) + 1e-4).all()
