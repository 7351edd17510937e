import io

import numpy as np

from features.scale import Scale
from forecast.draft.growth import growth_figure
from forecast.draft.outlook import Outlook


def test_a_target_with_dollars_is_drawn_as_it_is():
    name = r"$\frac{1$"
    samples = np.zeros((3, 2, 1), dtype=np.float32)
    figure = growth_figure(Outlook((name,), Scale("log1p"), (3600.0, 86_400.0), samples, {}, (), "run", 0))
    figure.savefig(io.BytesIO())
    assert figure.axes[0].get_title(loc="left") == name
