"""Which track is shown, and how: the default one, with square pixels; what cannot be decoded is no picture; a late start is no damage."""

from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from av.stream import Disposition

from extraction.decoding.decode import read_clip
from extraction.decoding.opened import usable
from extraction.decoding.picture import even, turned
from extraction.decoding.recognise import container
from extraction.settings import Limits


def stream(*dispositions, pix_fmt="yuv420p"):
    return SimpleNamespace(codec_context=SimpleNamespace(pix_fmt=pix_fmt), disposition=sum(dispositions, Disposition(0)))


def test_the_default_track_is_taken_and_never_a_cover_or_a_depth_map():
    plain, default = stream(), stream(Disposition.default)
    cover, still = stream(Disposition.attached_pic, Disposition.default), stream(Disposition.still_image)
    depth = stream(Disposition.default, pix_fmt="gray10le")
    assert usable([cover, still, plain, default]) is default
    assert usable([depth, default]) is default
    assert usable([plain, stream()]) is plain
    assert usable([cover]) is None
    assert usable([SimpleNamespace(codec_context=None, disposition=Disposition.default)]) is None


@pytest.mark.parametrize(("ratio", "size"), [(1.0, (40, 60)), (2.0, (20, 60)), (0.5, (40, 30))])
def test_pixels_are_shown_square(ratio, size):
    frame = av.VideoFrame.from_ndarray(np.zeros((40, 60, 3), np.uint8), format="rgb24")
    assert turned(frame, ratio).shape[:2] == size


def test_a_picture_of_one_colour_is_even():
    assert even(np.full((8, 8, 3), 130, np.uint8))
    assert not even(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))


def frames_of(path, *, late=0, sound_late=0, ratio=None):
    """A clip of 4 s of a stripe that grows brighter from `late` s on, and a tone from `sound_late` s on."""
    with av.open(str(path), "w") as file:
        video, audio = file.add_stream("libx264", rate=10), file.add_stream("aac", rate=44_100, layout="mono")
        video.width, video.height, video.pix_fmt = 64, 96, "yuv420p"
        if ratio:
            video.codec_context.sample_aspect_ratio = ratio
        for number in range(40):
            picture = np.zeros((96, 64, 3), np.uint8)
            picture[:, 28:36] = 90 + number
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number + 10 * late, Fraction(1, 10)
            file.mux(video.encode(frame))
        file.mux(video.encode())
        block = av.AudioFrame.from_ndarray(np.sin(np.arange(4 * 44_100) / 20)[None].astype(np.float32), format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = 44_100, 44_100 * sound_late, Fraction(1, 44_100)
        file.mux(audio.encode(block))
        file.mux(audio.encode())
    return path


def test_pictures_that_start_late_are_no_damage(tmp_path):
    clip = read_clip(frames_of(tmp_path / "late.mp4", late=2), 96, 64, Limits())
    assert clip.frames is not None
    assert clip.problems == []


def test_a_file_that_starts_late_is_no_false_header(tmp_path):
    late = frames_of(tmp_path / "late.mkv", late=60, sound_late=60)
    clip = read_clip(late, 96, 64, Limits())
    assert clip.frames is not None
    assert clip.problems == []
    content = late.read_bytes()
    late.write_bytes(content[: len(content) // 2])
    assert any(problem.reason.startswith("duration: ") for problem in read_clip(late, 96, 64, Limits()).problems)


def test_the_pixel_aspect_ratio_of_the_file_is_used(tmp_path):
    plain, wide = (
        read_clip(frames_of(tmp_path / f"{ratio}.mp4", ratio=ratio), 96, 64, Limits()).frames for ratio in (None, Fraction(2, 1))
    )
    # of the short side's 96 pixels a stripe of 8 takes 12 where 64 columns are shown, and 16 where 48 lines are
    for frames, width in ((plain, 12), (wide, 16)):
        assert abs(int((frames[0, 32].astype(int).max(-1) > 45).sum()) - width) <= 3


def encrypted(source, target):
    """The same clip, its pictures' bytes changed behind the head of each unit, as encryption leaves them."""
    random = np.random.default_rng(0)
    with av.open(str(source)) as opened, av.open(str(target), "w") as file:
        video = opened.streams.video[0]
        copy = file.add_stream_from_template(video)
        for packet in opened.demux(video):
            if packet.dts is None:
                continue
            content, place = bytearray(bytes(packet)), 0
            while place + 5 < len(content):
                length = int.from_bytes(content[place : place + 4], "big")
                stop = min(place + 4 + length, len(content))
                content[place + 5 : stop] = random.integers(0, 256, max(stop - place - 5, 0), dtype=np.uint8).tobytes()
                place = stop
            changed = av.Packet(bytes(content))
            changed.pts, changed.dts, changed.duration, changed.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, copy
            file.mux(changed)
    return target


def test_encrypted_pictures_are_a_missing_part(tmp_path):
    clip = read_clip(encrypted(frames_of(tmp_path / "a.mp4"), tmp_path / "b.mp4"), 96, 64, Limits())
    assert clip.frames is None
    assert any(problem.reason.startswith("decode_error") for problem in clip.problems)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (bytes.fromhex("3026b2758e66cf11"), "Windows Media"),
        (bytes.fromhex("000001ba"), "MPEG-1 or MPEG-2"),
        (bytes.fromhex("000001b3"), "MPEG-1"),
    ],
)
def test_what_is_not_supported_is_named(tmp_path, head, name):
    (tmp_path / "x.mp4").write_bytes(head + bytes(100))
    assert container(tmp_path / "x.mp4")[0].startswith(name)
    assert not container(tmp_path / "x.mp4")[1]


def test_shared_clips_with_odd_tracks(shared_wild):
    clips = {path.name: read_clip(path, 96, 64, Limits()) for path in (shared_wild / "70-media").iterdir()}
    assert clips["kk-encrypted.mp4"].frames is None
    for name in ("d-video-starts-late.mp4", "l-depth-first-not-default.mov"):
        assert clips[name].problems == []
        assert clips[name].frames.std() > 50


@pytest.mark.parametrize(("broken", "kept"), [(0.1, True), (0.9, False)])
def test_sound_of_which_most_is_not_finite_is_no_silence(tmp_path, broken, kept):
    sound = np.sin(np.arange(4 * 16_000) / 20).astype(np.float32)
    sound[: int(broken * len(sound))] = np.nan
    with av.open(str(tmp_path / "clip.mov"), "w") as file:
        audio = file.add_stream("pcm_f32le", rate=16_000, layout="mono")
        block = av.AudioFrame.from_ndarray(sound[None], format="flt", layout="mono")
        block.sample_rate = 16_000
        file.mux(audio.encode(block))
        file.mux(audio.encode())
    clip = read_clip(tmp_path / "clip.mov", 96, 64, Limits())
    reasons = [problem.reason.split(":")[0] for problem in clip.problems if problem.stage == "sound"]
    assert reasons == ([] if kept else ["not_finite"])
    assert (clip.sound is not None) == kept
