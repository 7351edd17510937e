"""Run directories from strangers: everything wrong is refused in one sentence, before memory is taken or code is run."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from forecast.saved import load
from guide import guide
from machine.errors import InputError
from model import model
from program import build


class Bomb:
    """A pickle that would leave a trace if anything unpickled it."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


@pytest.fixture
def run(small_run, tmp_path):
    return shutil.copytree(small_run, tmp_path / "run")


def sign(run):
    """Write checksums that fit, as whoever made the directory would."""
    manifest = json.loads((run / "run.json").read_text())
    manifest["files"] = {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in manifest["files"]}
    (run / "run.json").write_text(json.dumps(manifest))


def refused(run, *words):
    with pytest.raises(InputError) as caught:
        load(run, build=build, model=model, guide=guide)
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, text


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_run_itself_loads(run):
    assert load(run, build=build, model=model, guide=guide).configuration.members == 2


@pytest.mark.parametrize(
    "name",
    [
        "member-0.safetensors",
        "features.safetensors",
        "configuration.json",
        "features.json",
        "calibration.json",
        "dependence.json",
        "run.json",
    ],
)
def test_a_pickle_under_any_name_is_refused_unread(run, name, monkeypatch):
    monkeypatch.chdir(run)
    (run / name).write_bytes(pickle.dumps(Bomb()))
    if name != "run.json":
        sign(run)
    refused(run, name)
    assert not (run / "exploded").exists()


def test_a_changed_file_is_refused(run):
    content = bytearray((run / "member-1.safetensors").read_bytes())
    content[-1] ^= 1
    (run / "member-1.safetensors").write_bytes(content)
    refused(run, "member-1.safetensors", "checksum")


@pytest.mark.parametrize(
    "name", ["member-0.safetensors", "features.safetensors", "configuration.json", "features.json", "calibration.json"]
)
def test_a_truncated_file_is_refused(run, name):
    content = (run / name).read_bytes()
    (run / name).write_bytes(content[: len(content) // 2])
    sign(run)
    refused(run, str(run))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("width", 10**9), ("members", 10**6), ("depth", 10**9), ("latent", -1), ("components", 10**9),
        ("width", 10**400), ("kl_weight", 10**400), ("dropout", float("nan")),
        ("width", True), ("width", "8"), ("epochs", 1e300), ("targets", []), ("targets", [1]),
        ("likelihood", "os.system"),
    ],
)  # fmt: skip
def test_an_absurd_setting_is_refused_by_name(run, setting, value):
    change(run / "configuration.json", **{setting: value})
    sign(run)
    refused(run, setting)


def test_a_configuration_that_the_weights_do_not_fit_takes_no_memory_and_no_compiler(run):
    change(run / "configuration.json", width=8192, depth=64, latent=4096)  # tens of gigabytes
    sign(run)
    script = (
        "import resource, sys\n"
        "from forecast.saved import load; from guide import guide; from model import model; from program import build\n"
        "from machine.errors import InputError\n"
        "import torch, pyro.infer, tokenizers\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: load(sys.argv[1], build=build, model=model, guide=guide)\n"
        "except InputError as error: print(error)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
        "from forecast.run.shapes import shapes_only\n"
        "with shapes_only(): torch.nn.Embedding(3, 4), torch.randn(3) * 0.3, torch.linspace(0, 1, 3)\n"
        "print([name for name in ('torch._dynamo', 'sympy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(run)], capture_output=True, text=True, check=True)
    message, mebibytes, compiler = done.stdout.strip().splitlines()
    assert "does not fit" in message
    assert int(mebibytes) < 200
    assert compiler == "[]"


def test_members_that_are_not_there_are_refused(run):
    change(run / "configuration.json", members=64)
    sign(run)
    refused(run, "member-2.safetensors")


@pytest.mark.parametrize("kind", ["missing", "extra", "shape", "type", "nan", "infinite"])
def test_tampered_weights_are_refused(run, kind):
    path = run / "member-0.safetensors"
    arrays = load_file(path)
    name = sorted(key for key, value in arrays.items() if value.ndim == 2)[0]
    if kind == "missing":
        del arrays[name]
    elif kind == "extra":
        arrays["experts.more"] = np.zeros(1, np.float32)
    elif kind == "shape":
        arrays[name] = arrays[name].T.copy().reshape(-1)
    elif kind == "type":
        arrays[name] = arrays[name].astype(np.int64)
    else:
        arrays[name][0, 0] = np.nan if kind == "nan" else np.inf
    save_file(arrays, path)
    sign(run)
    refused(run, "member-0.safetensors", "finite" if kind in ("nan", "infinite") else "fit")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("targets.spread", np.zeros(4)),
        ("targets.loc", np.zeros(5)),
        ("scaler.visual.scale", np.zeros(24)),
        ("scaler.history.loc", np.zeros(3)),
        ("history.history.group", np.array([3, 2, 1])),
        ("history.history.group", np.array([[3.0]])),
        ("text.embedding.weight", np.zeros((3, 128), np.float32)),
        ("marginal", np.zeros((0, 4))),
    ],
)
def test_tampered_features_are_refused(run, name, array):
    arrays = load_file(run / "features.safetensors")
    assert name in arrays
    save_file(arrays | {name: array}, run / "features.safetensors")
    sign(run)
    refused(run, str(run))


@pytest.mark.parametrize(
    "values",
    [
        {"salt": "zz"}, {"salt": 5}, {"ages_seen": [3.0]}, {"ages_seen": [2.0, 1.0]},
        {"targets": ["other"]}, {"target_scale": "eval"}, {"columns": {"visual": 3}}, {"histories": ["../x"]},
        {"categories": ["nobody"]}, {"tokenizer": {"vocabulary": ["a"] * 9, "merges": [["q", "z"]]}}, {"tokenizer": 7}, {"columns": {}},
    ],
)  # fmt: skip
def test_tampered_descriptions_are_refused(run, values):
    change(run / "features.json", **values)
    sign(run)
    refused(run, str(run))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000, '{"version": 1}', '{"version": 99}', "\ufeff{}"])
def test_damaged_json_is_refused(run, text):
    for name in ("configuration.json", "features.json", "calibration.json"):
        before = (run / name).read_text()
        (run / name).write_text(text)
        sign(run)
        refused(run, str(run))
        (run / name).write_text(before)
    (run / "run.json").write_text(text)
    refused(run, str(run))


@pytest.mark.parametrize(
    "stretches",
    [
        {"known": [1, 1]},
        {"known": [1, 1, 1, 1]},
        {"known": [[0, 1, 1, 1]] * 2},
        {"known": [[float("nan")] * 4] * 2},
        {"strangers": "a"},
        {"known": None},
        {"widening": {"social": [[1, 1, 1, 1]] * 2}},
    ],
)
def test_damaged_calibration_is_refused(run, stretches):
    change(run / "calibration.json", **stretches)
    sign(run)
    refused(run, "calibration.json")


@pytest.mark.parametrize("name", ["/etc/hostname", "../outside.json", "https://example.com/x"])
def test_a_manifest_may_not_name_files_outside(run, name):
    (run.parent / "outside.json").write_text("{}")
    manifest = json.loads((run / "run.json").read_text())
    manifest["files"][name] = "0" * 64
    (run / "run.json").write_text(json.dumps(manifest))
    refused(run, name)


def test_symbolic_links_out_pipes_and_folders_are_refused(run):
    path = run / "calibration.json"
    content = path.read_text()
    path.unlink()
    outside = run.parent / "calibration.json"
    outside.write_text(content)
    path.symlink_to(outside)
    refused(run, "calibration.json", "leaves")
    path.unlink()
    os.mkfifo(path)
    refused(run, "calibration.json", "not a regular file")
    path.unlink()
    path.mkdir()
    refused(run, "calibration.json", "not a regular file")


def test_files_the_manifest_does_not_list_are_not_used(run):
    manifest = json.loads((run / "run.json").read_text())
    del manifest["files"]["member-1.safetensors"]
    (run / "run.json").write_text(json.dumps(manifest))
    refused(run, "member-1.safetensors")


@pytest.mark.parametrize("changes", [{"format": 2}, {"format": None}, {"program": "other and guide"}])
def test_another_format_or_program_is_refused(run, changes):
    change(run / "run.json", **changes)
    refused(run, str(run))


def test_a_header_that_claims_more_than_the_file_holds_is_refused(run):
    header = json.dumps({"experts.x": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4 * 10**18]}}).encode()
    (run / "member-0.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    sign(run)
    tracemalloc.start()
    refused(run, "member-0.safetensors")
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
