"""A draft's clip is measured as the run directory says, or as the names of the run's columns tell."""

import hashlib
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from extraction.clips import columns
from extraction.drafts.clip import settings
from extraction.settings import Settings
from extraction.visual import BACKBONES
from machine.errors import InputError

MEASURED = Settings("resnet50", weights_sha256="ab" * 32, combine="mean-std")


def trained_on(visual: list[str]) -> SimpleNamespace:
    return SimpleNamespace(columns={"visual": visual})


def write_extraction(run, combine: str) -> None:
    text = f'{{"visual": {{"backbone": "resnet50", "weights_sha256": "{MEASURED.weights_sha256}", "combine": "{combine}"}}}}'
    (run / "extraction.json").write_text(text)


def test_settings_come_from_the_run_directory(tmp_path):
    write_extraction(tmp_path, "mean-std")
    assert settings(trained_on(columns(MEASURED)["visual"]), tmp_path) == MEASURED


def test_weights_named_by_the_user_must_have_the_same_checksum(tmp_path):
    write_extraction(tmp_path, "mean-std")
    found = settings(trained_on(columns(MEASURED)["visual"]), tmp_path, "mine.pth")
    assert (found.weights, found.weights_sha256) == ("mine.pth", MEASURED.weights_sha256)


def test_without_a_record_the_columns_tell(tmp_path):
    assert settings(trained_on(columns(MEASURED)["visual"]), tmp_path).combine == "mean-std"


@pytest.mark.parametrize(("visual", "why"), [(["brightness"], "ready-made visual features"), (None, "without a visual part")])
def test_a_run_without_such_features_refuses_a_clip(tmp_path, visual, why):
    featurizer = SimpleNamespace(columns={"visual": visual} if visual else {})
    with pytest.raises(InputError, match=why):
        settings(featurizer, tmp_path)


def test_a_record_outside_the_run_directory_is_not_followed(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "extraction.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(InputError, match="leaves"):
        settings(trained_on(columns(MEASURED)["visual"]), tmp_path / "run")


def test_the_weights_and_the_device_are_those_of_this_machine(tmp_path, monkeypatch):
    (tmp_path / "here.pth").write_bytes(b"")
    (tmp_path / "published.pth").write_bytes(b"same")
    published = replace(BACKBONES["resnet50"], published=lambda: tmp_path / "published.pth")
    monkeypatch.setitem(BACKBONES, "resnet50", published)
    featurizer, same = trained_on(columns(Settings())["visual"]), hashlib.sha256(b"same").hexdigest()

    def found(weights, checksum, named=""):
        recorded = {"backbone": "resnet50", "combine": "mean", "precision": "bfloat16", "device": "cuda"}
        recorded |= {"weights": str(tmp_path / weights), "weights_sha256": checksum}
        (tmp_path / "extraction.json").write_text(json.dumps({"visual": recorded}))
        return settings(featurizer, tmp_path, named)

    assert found("here.pth", "").weights == str(tmp_path / "here.pth")
    assert (found("gone.pth", same).weights, found("gone.pth", same).device) == (str(tmp_path / "published.pth"), "cpu")
    assert (found("gone.pth", "00", "mine.pth").weights, found("gone.pth", "00", "mine.pth").precision) == ("mine.pth", "bfloat16")
    with pytest.raises(InputError, match=r"gone\.pth: these weights, which the run was trained with, are gone"):
        found("gone.pth", "00")
