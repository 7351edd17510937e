"""Which tables `benchmarks.newcomers` can hold authors out of."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.newcomers import main
from machine.errors import InputError


def test_three_authors_cannot_be_quartered(tmp_path: Path) -> None:
    videos = pd.DataFrame(
        {
            "id": [f"v{row}" for row in range(12)],
            "username": list("abc") * 4,
            "create_time": range(1_600_000_000, 1_600_000_012),
            "view_count": range(12),
        }
    )
    videos.to_csv(tmp_path / "videos.csv", index=False)
    with pytest.raises(InputError, match="3 authors have 4 videos, and 4 are needed"):
        main(["--data", str(tmp_path), "--each", "4"])
