import io

import pytest
from matplotlib.figure import Figure

from forecast.report.style import style


@pytest.mark.parametrize("dark", [False, True])
def test_names_with_dollars_are_drawn_as_they_are(dark):
    with style(dark=dark):
        figure = Figure()
        panel = figure.subplots()
        panel.set_title(r"$\frac{1$")
        panel.barh([r"$\sqrt{2$"], [1.0])
        figure.savefig(io.BytesIO(), format="svg")
