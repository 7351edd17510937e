import numpy as np

from features.parts.social import cyclic
from features.scaler import CLIP, Scaler

NAN = np.nan


def test_by_hand() -> None:
    values = np.array([[1.0, 7.0, NAN], [3.0, 7.0, 2.0], [5.0, 7.0, 4.0]])
    scaler = Scaler.fit(values)
    np.testing.assert_allclose(scaler.loc, [3, 7, 3])
    np.testing.assert_allclose(scaler.scale, [(8 / 3) ** 0.5, 1, 1])
    assert scaler.gaps.tolist() == [False, False, True]
    assert scaler.width == 4
    found = scaler.transform(np.array([[5.0, 8.0, NAN], [NAN, 7.0, 2.0]]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[2 / (8 / 3) ** 0.5, 1, 0, 1], [0, 0, -1, 0]], rtol=1e-6)


def test_a_row_that_lacks_everything_is_not_a_gap() -> None:
    scaler = Scaler.fit(np.array([[1.0, 2.0], [NAN, NAN], [2.0, 3.0]]))
    assert not scaler.gaps.any()


def test_extremes_are_clipped_and_reported() -> None:
    scaler = Scaler.fit(np.arange(10.0)[:, None])
    found = scaler.transform(np.array([[1e9], [-1e9], [4.0]]))[:, 0]
    assert found[:2].tolist() == [CLIP, -CLIP]
    assert scaler.outside(np.array([[1e9], [4.0], [NAN]])).tolist() == [[True], [False], [False]]


def test_constant_up_to_rounding_is_constant() -> None:
    scaler = Scaler.fit(np.array([[1e6], [1e6 * (1 + 1e-13)]]))
    assert scaler.scale.tolist() == [1.0]


def test_an_optional_feature_has_a_gap_though_no_row_lacks_it() -> None:
    scaler = Scaler.fit(np.array([[1.0, 2.0], [3.0, 4.0]]), optional=[1])
    assert scaler.gaps.tolist() == [False, True]
    np.testing.assert_allclose(scaler.transform(np.array([[1.0, NAN], [3.0, 3.0]])), [[-1, 0, 1], [1, 0, 0]])


def test_another_weekday_is_not_far_out() -> None:
    friday = np.sin(2 * np.pi * np.array([[0.50], [0.51], [0.52]]))
    scaler = Scaler.fit(friday, cyclic=[0])
    np.testing.assert_allclose(scaler.scale, 0.5**0.5)
    assert not scaler.outside(np.array([[1.0], [-1.0]])).any()
    assert Scaler.fit(friday).outside(np.array([[1.0]])).all()


def test_a_users_own_part_may_call_anything_a_sine() -> None:
    assert cyclic("social", ["log_duration", "hour_sine", "weekday_cosine"]) == [1, 2]
    assert cyclic("faces", ["hour_sine"]) == []
