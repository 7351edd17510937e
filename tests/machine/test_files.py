import os
import stat

import pytest

from machine.files import write_text


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_what_is_written_has_the_mode_that_the_system_gives_and_the_mask_is_never_changed(tmp_path, monkeypatch, mask):
    before = os.umask(mask)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "umask", lambda mask: pytest.fail("another thread's files would have no mask for that moment"))
            write_text(tmp_path / "new.json", "{}")
            write_text(tmp_path / "new.json", "{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o666 & ~mask
    assert [path.name for path in tmp_path.iterdir()] == ["new.json"]
