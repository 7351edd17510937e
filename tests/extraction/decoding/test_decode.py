import csv
import os
import socket
import threading

import av
import numpy as np
import pytest

from extraction.decoding.decode import read_clip
from extraction.decoding.opened import opened, usable
from extraction.decoding.picture import square, turned
from extraction.decoding.seek import Walker
from extraction.decoding.timeline import Timeline
from extraction.decoding.worker import Decoder
from extraction.settings import FRAMES, Limits

LIMITS = Limits()
ENCODED = {
    "short groups.mp4": ("libx264", {"g": "8", "bf": "3"}),
    "one group.mp4": ("libx264", {"g": "250", "bf": "3", "b-pyramid": "normal"}),
    "open groups.mp4": ("libx264", {"g": "10", "bf": "3", "x264-params": "open-gop=1"}),
    "intra.mov": ("mjpeg", {}),
    "b-frames.mkv": ("mpeg4", {"g": "9", "bf": "2"}),
    "b-frames.avi": ("mpeg4", {"g": "9", "bf": "2"}),
    "h264.flv": ("libx264", {"g": "12", "bf": "2"}),
    "vp8.webm": ("libvpx", {"g": "15", "auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "realtime", "cpu-used": "8"}),
    "vp9.webm": ("libvpx-vp9", {"g": "15", "deadline": "realtime", "cpu-used": "8"}),
}


def timeline_of(path):
    with opened(path, LIMITS) as container:
        stream, timeline = usable(container.streams.video), Timeline()
        for packet in container.demux(stream):
            if packet.size:
                timeline.add(packet)
    return timeline


def ten_frames(path):
    timeline = timeline_of(path)
    with opened(path, LIMITS) as container:
        targets = timeline.midpoints(FRAMES)
        walker = Walker(path, container, timeline, targets, LIMITS)
        found = [(frame.pts, turned(frame)) for frame in map(walker.frame, targets)]
        walker.close()
    return timeline, found


def every_frame(path):
    """(time, picture) of every frame, decoded from the beginning."""
    with opened(path, LIMITS) as container:
        stream = usable(container.streams.video)
        frames = [(frame.pts if frame.pts is not None else frame.dts, turned(frame)) for frame in container.decode(stream)]
    return frames


def check_same_as_full_decoding(path):
    timeline, found = ten_frames(path)
    start, end = timeline.span()
    every = every_frame(path)
    for number, (time, picture) in enumerate(found):
        moment = start + (number + 0.5) * (end - start) / FRAMES
        expected = max((pair for pair in every if pair[0] <= moment), key=lambda pair: pair[0], default=every[0])
        assert time == expected[0]
        np.testing.assert_array_equal(picture, expected[1])


@pytest.mark.parametrize("name", ENCODED)
def test_frames_found_by_seeking_are_those_of_full_decoding(clip, name):
    codec, options = ENCODED[name]
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no encoder {codec}")
    check_same_as_full_decoding(clip(name, codec, options=options, sound=False))


@pytest.mark.parametrize("name", ["short groups.mp4", "b-frames.mkv", "b-frames.avi", "h264.flv"])
def test_a_seek_lands_on_the_keyframe_nearest_to_the_frame(clip, name):
    codec, options = ENCODED[name]
    path = clip(name, codec, options=options, sound=False)
    timeline = timeline_of(path)
    with opened(path, LIMITS) as container:
        walker = Walker(path, container, timeline, [], LIMITS)
        keys = [place for place, key in enumerate(timeline.keys) if key]
        assert len(keys) > 3
        for key in (keys[2], keys[1], keys[-1]):
            assert walker._packets_after_seek(key) is not None
            assert walker._place == key - 1


def test_every_shared_clip_is_the_same_as_full_decoding(shared_clips):
    for path in sorted(shared_clips.iterdir()):
        if path.suffix not in (".csv", ".ts"):
            check_same_as_full_decoding(path)


def test_frames_lie_at_the_midpoints(clip):
    path = clip(frames=100, rate=10, options={"crf": "1"})
    frames = read_clip(path, 96, 64, LIMITS).frames
    # the top third is 255 n / 100 in frame n; midpoints of ten seconds show frames 5, 15, ... 95
    tops = frames[:, 0:6, 20:44].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(tops, 2.55 * np.arange(5, 100, 10), atol=4)


def test_every_shared_clip_has_the_size_and_sound_of_its_manifest(shared_clips):
    with (shared_clips / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    with Decoder(232, 224, LIMITS) as decoder:
        for row in rows:
            frames, sound, problems, final = decoder.read(shared_clips / row["file"])
            assert final
            if row["container"] == "mpegts":
                assert frames is None
                assert "MPEG-TS is not supported" in problems[0].reason
                continue
            assert frames.shape == (10, 224, 224, 3), row["file"]
            assert (sound is not None) == (row["has_audio"] == "True"), row["file"]
            if sound is not None and row["file"] != "nasa_2video_2audio_subs.mp4":
                assert abs(len(sound) / 16_000 - float(row["duration_s"])) < 0.1, row["file"]
            picture = ten_frames(shared_clips / row["file"])[1][0][1]
            upright = (int(row["h"]), int(row["w"]))
            assert picture.shape[:2] == (upright[::-1] if round(float(row["rotation"])) % 180 else upright), row["file"]


def test_rotation_is_undone(shared_clips):
    for turn, quarters in ((0, 0), (90, 3), (180, 2), (270, 1)):
        with opened(shared_clips / f"keyboard_rot{turn}.mov", LIMITS) as container:
            frame = next(container.decode(video=0))
            stored, upright = frame.to_ndarray(format="rgb24"), turned(frame)
        np.testing.assert_array_equal(upright, np.rot90(stored, quarters))


BAD = {
    "absurd_duration.webm": ("va", "duration"),
    "absurd_duration_header.mp4": ("va", ""),
    "audio_8k_mono.mp4": ("va", ""),
    "audio_digital_silence.mp4": ("va", ""),
    "audio_only.mp4": ("a", "no_video"),
    "audio_shorter_than_mfcc_window.mp4": ("va", ""),
    "concat_playlist.mp4": ("", "unreadable"),
    "corrupt_mdat.mp4": ("va", "decode_error"),
    "dash_manifest.mp4": ("", "unreadable"),
    "extreme_aspect_2x1024.mp4": ("v", "no_sound"),
    "hevc_10bit.mp4": ("va", ""),
    "hls_playlist.mp4": ("", "unreadable"),
    "one_frame.mp4": ("va", "distinct_frames=1"),
    "pixel_bomb_8192x8192.mp4": ("", "bad_size"),
    "random_bytes.mp4": ("", "unreadable"),
    "rotated_90.mp4": ("va", ""),
    "size_17x33.mp4": ("va", ""),
    "size_1x1.mp4": ("v", "no_sound"),
    "target_for_playlists.mp4": ("va", ""),
    "target_for_playlists.ts": ("", "MPEG-TS"),
    "text_renamed.mp4": ("", "unreadable"),
    "trunc_mid_mdat.mp4": ("va", "truncated"),
    "trunc_no_moov.mp4": ("", "unreadable"),
    "vfr.mp4": ("va", ""),
    "video_only.mp4": ("v", "no_sound"),
    "zero_bytes.mp4": ("", "empty"),
}


def test_every_shared_bad_clip_does_what_its_manifest_says(shared_bad_clips):
    files = {path.name for path in shared_bad_clips.iterdir()} - {"manifest.csv"}
    assert files == set(BAD)
    with Decoder(232, 224, LIMITS) as decoder:
        for name, (parts, reason) in BAD.items():
            frames, sound, problems, final = decoder.read(shared_bad_clips / name)
            assert final, (name, problems)
            assert ("v" if frames is not None else "") + ("a" if sound is not None else "") == parts, (name, problems)
            assert reason in " ".join(problem.reason for problem in problems), (name, problems)
            assert bool(reason) == bool(problems), (name, problems)
        assert decoder.megabytes() < 200


def test_a_truncated_file_gives_the_part_that_is_there(clip):
    path = clip(frames=100, rate=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = read_clip(path, 96, 64, LIMITS)
    assert result.frames is not None
    assert any("truncated" in problem.reason for problem in result.problems)
    timeline = timeline_of(path)
    assert timeline.span()[1] < 0.8 * 10 * 10_240


def test_playlists_open_neither_files_nor_connections(tmp_path, clip):
    secret = clip("secret.mp4")
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        stop = threading.Event()

        def listen():
            while not stop.is_set():
                try:
                    visits.append(server.accept())
                except TimeoutError:
                    continue

        listener = threading.Thread(target=listen)
        listener.start()
        address = f"http://127.0.0.1:{port}/a.mp4"
        texts = {
            "concat.mp4": f"ffconcat version 1.0\nfile {secret}\n",
            "concat_web.mp4": f"ffconcat version 1.0\nfile '{address}'\n",
            "hls.mp4": f"#EXTM3U\n#EXTINF:3,\n{address}\n#EXT-X-ENDLIST\n",
            "hls.m3u8.mov": f"#EXTM3U\n#EXTINF:3,\n{secret.name}\n#EXT-X-ENDLIST\n",
            "dash.mp4": f'<?xml version="1.0"?><MPD type="static"><Period><AdaptationSet><Representation id="1"><BaseURL>{address}'
            "</BaseURL></Representation></AdaptationSet></Period></MPD>",
            "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
            "subtitles.mkv": f"[Script Info]\nTitle: {address}\n",
        }
        with Decoder(232, 224, LIMITS) as decoder:
            for name, text in texts.items():
                (tmp_path / name).write_text(text)
                frames, sound, problems, final = decoder.read(tmp_path / name)
                assert final
                assert frames is None
                assert sound is None
                assert problems[0].reason.startswith("unreadable"), name
        stop.set()
        listener.join()
    assert visits == []


def test_pipes_devices_and_folders_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with Decoder(232, 224, LIMITS) as decoder:
        for path in (tmp_path / "pipe.mp4", tmp_path):
            assert decoder.read(path)[2][0].reason == "unreadable: not a regular file"
        assert decoder.read(tmp_path / "none.mp4")[2][0].reason.startswith("unreadable: ")


@pytest.mark.parametrize(("limits", "reason"), [(Limits(pixels=1000), "bad_size"), (Limits(megabytes=0), "too_large")])
def test_sizes_over_a_limit_are_refused(clip, limits, reason):
    result = read_clip(clip(), 96, 64, limits)
    assert result.frames is None
    assert result.problems[0].reason.startswith(reason)


def test_a_sound_track_over_the_limit_is_left_out(clip):
    result = read_clip(clip(frames=40, rate=10), 96, 64, Limits(sound_seconds=1))
    assert result.sound is None
    assert result.frames is not None
    assert any(problem.reason.startswith("too_long") for problem in result.problems)


def test_pictures_match_torchvision_transforms(clip):
    from PIL import Image
    from torchvision.transforms import functional

    with opened(clip(size=(90, 160)), LIMITS) as container:
        frame = next(container.decode(video=0))
        image = Image.fromarray(turned(frame))
        expected = functional.center_crop(functional.resize(image, [232]), [224])
        np.testing.assert_array_equal(square(frame, 232, 224), np.asarray(expected))
