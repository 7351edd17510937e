"""What a killed process leaves half-written in a run directory goes when the run goes on."""

import multiprocessing
import os

from features.rows import mapped
from forecast.run.directory import RunDirectory
from machine.files import writing


def killed_while_writing(path, videos):
    def pieces():
        yield videos
        with writing(path / "features.json"):
            os.kill(os.getpid(), 9)

    mapped.write(path / "rows", pieces())


def test_files_and_directories_half_written_by_a_killed_process_are_removed(make_videos, tmp_path):
    RunDirectory(tmp_path).write_text("source.json", "{}\n")
    process = multiprocessing.get_context("spawn").Process(target=killed_while_writing, args=(tmp_path, make_videos(3)))
    process.start()
    process.join()
    assert process.exitcode == -9
    assert len(list(tmp_path.iterdir())) == 3
    RunDirectory(tmp_path).tidy()
    assert [path.name for path in tmp_path.iterdir()] == ["source.json"]
