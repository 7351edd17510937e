"""What a run directory holds from its first moment."""

import json

import numpy as np
import pandas as pd
import pytest

from features.tables.dataset import Dataset
from forecast.run.configuration import Configuration
from forecast.run.directory import RunDirectory
from machine.errors import InputError
from training.start import begin

DATASET = Dataset(pd.DataFrame({"id": ["a", "b"], "view_count": np.ones(2)}), fingerprint="1" * 64)


def test_how_clips_were_measured_travels_with_the_run(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "extraction.json").write_text('{"visual": {"backbone": "resnet50"}}')
    begin(RunDirectory(tmp_path / "run"), Configuration(), str(tmp_path / "data"), DATASET)
    assert json.loads((tmp_path / "run" / "extraction.json").read_text()) == {"visual": {"backbone": "resnet50"}}


def test_data_that_extract_did_not_make_leaves_no_record(tmp_path):
    (tmp_path / "data").mkdir()
    for source in (str(tmp_path / "data"), None):
        begin(RunDirectory(tmp_path / "run"), Configuration(), source, DATASET)
        assert not (tmp_path / "run" / "extraction.json").exists()


@pytest.mark.parametrize("keep", [False, True])
def test_names_are_kept_only_when_asked(tmp_path, keep):
    begin(RunDirectory(tmp_path / "run"), Configuration(), None, DATASET, keep_names=keep)
    assert RunDirectory(tmp_path / "run").read_json("source.json")["keep_names"] is keep


def test_a_part_that_does_not_exist_cannot_be_left_out(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with pytest.raises(InputError, match="--without socail: the data has no such part"):
        begin(run, Configuration(without=("textual", "socail")), None, DATASET)
    assert not run.path.exists()


def test_data_that_changed_is_refused_on_resuming(tmp_path):
    run = RunDirectory(tmp_path / "run")
    begin(run, Configuration(), "data", DATASET)
    with pytest.raises(InputError, match="has changed since the run"):
        begin(run, Configuration(), "data", Dataset(DATASET.videos, fingerprint="2" * 64))
