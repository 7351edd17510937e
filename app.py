"""The web page: a draft in, what it may reach out; two drafts side by side. Serves this machine only, unless told otherwise."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.tables.given import given, moment
from machine import command
from machine.errors import InputError
from machine.files import sha256
from machine.server import guards, private_folder

if TYPE_CHECKING:
    import numpy as np

    from forecast.draft.outlook import Outlook
    from forecast.forecaster import Forecaster
    from forecast.plan.plan import Plan

EXAMPLES = """examples:
  python app.py                                  http://127.0.0.1:7860, the runs under runs/
  python app.py --runs runs --port 8000
  python app.py --host 0.0.0.0                   for everybody who can reach this machine"""

HORIZONS = (3600.0, 86_400.0, 7 * 86_400.0, 30 * 86_400.0)
KEPT = (3600, 86_400)  # how often it is looked for what was uploaded or handed out, and how old that may become, in seconds
WORDS = {"video_description": "Caption", "username": "Author"}
NUMBERS = {"follower_count": "Followers", "following_count": "Following", "likes_count": "Hearts", "video_count": "Videos"}


class Desk:
    """Answers for the page; runs and the features of clips are read once.

    Args:
        runs: directory that holds run directories.
        megabytes: largest media file.
        weights: file with the weights of the image network, if not where extract.py had them.
        program: file with the user's own model and guide.
    """

    def __init__(self, runs: Path, megabytes: int, weights: str = "", program: Path | None = None) -> None:
        self.runs, self.megabytes, self.weights, self.program = runs, megabytes, weights, program
        self._forecasters: dict[str, tuple[str, Forecaster]] = {}  # by the run's name, with the checksum of what lies there
        self._clips: dict[tuple[str, str], tuple[dict[str, np.ndarray], list[str]]] = {}

    def names(self) -> list[str]:
        """Finished runs, the newest first; InputError where there is none."""
        from forecast.run.directory import finished_runs

        return [path.name for path in finished_runs(self.runs)]

    def answer(
        self,
        run: str,
        clip: str | None,
        publish: str,
        words: Sequence[str],
        numbers: Sequence[str],
        past: Sequence[str] = (),
        so_far: str = "",
    ) -> tuple[Outlook, list[str]]:
        """Forecast a draft over a fan of horizons, knowing what files (`past`) and readings tell; and sentences about the clip."""
        from extraction.sources.past import read_dropped
        from forecast.draft.outlook import outlook
        from forecast.draft.past import told
        from forecast.draft.so_far import check_moments, parse_reading
        from forecast.draft.video import Draft, fan_horizons

        forecaster = self._forecaster(run)
        labels = {**WORDS, **NUMBERS}
        written = zip(labels, (*words, *numbers), strict=True)
        given = {name: _given(name, labels[name], str(text or "")) for name, text in written}
        known = {name: value for name, value in given.items() if value is not None}
        read = tuple(parse_reading(line) for line in so_far.splitlines() if line.strip())
        features, problems = self._clip(run, forecaster, Path(clip)) if clip else ({}, [])
        published = moment(publish) if publish.strip() else time.time() - max((one.age for one in read), default=0.0)
        check_moments(read, published, time.time())
        draft = Draft(published, known, features, read)
        if past:
            forecaster, draft, itself = told(forecaster, draft, read_dropped(past, **forecaster.configuration.columns))
            problems = [*problems, *(["what was read of the video itself is not another of its author's"] if itself else [])]
        return outlook(forecaster, draft, HORIZONS, fan=fan_horizons(HORIZONS)), problems

    def plan(
        self, run: str, drafts: str | None, past: Sequence[str], publish: str, horizon: str, goal: str, read: bool
    ) -> tuple[Plan, list[str]]:
        """Forecast a table of drafts, from what was `read` of them or not, and their total; and what of the table could not be used."""
        from extraction.drafts.table import read_drafts
        from extraction.sources.past import read_dropped
        from forecast.draft.page import READ
        from forecast.draft.past import added, completed_table, knowing
        from forecast.notation import parse_goal, parse_horizon
        from forecast.plan.drafts import readings_of
        from forecast.plan.plan import plan

        if drafts is None:
            raise InputError("drop a table of drafts first")
        forecaster, goals = self._forecaster(run), dict([parse_goal(goal)] if goal.strip() else [])
        dataset, problems = read_drafts(Path(drafts), forecaster.featurizer, self.runs / run, self.weights)
        published = moment(publish) if publish.strip() else time.time()
        if not read and forecaster.featurizer.follows and (known := readings_of(dataset, forecaster.targets)["id"].nunique()):
            problems.append(f"{known:,} of them were read since publication; tick “{READ}” to begin their forecasts there")
        if past:
            others = read_dropped(past, **forecaster.configuration.columns)
            forecaster, told = knowing(forecaster, others), completed_table(dataset, others, published)
            problems += [f"of the past: {new}" for new in [added(dataset, told)] if new]
            dataset = told
        seen, after = "last" if read else 0.0, parse_horizon(horizon or "7d")
        return plan(forecaster, dataset, publish=published, horizon=after, seen=seen, goals=goals), problems

    def _forecaster(self, run: str) -> Forecaster:
        from forecast.run.directory import MANIFEST
        from forecast.saved import load
        from program import read_program

        if run not in self.names():
            raise InputError(f"{run}: no such run")
        manifest = sha256(self.runs / run / MANIFEST)
        if self._forecasters.get(run, ("",))[0] != manifest:  # another run may lie there since
            self._forecasters[run] = manifest, load(self.runs / run, program=read_program(self.program))
        return self._forecasters[run][1]

    def _clip(self, run: str, forecaster: Forecaster, clip: Path) -> tuple[dict[str, np.ndarray], list[str]]:
        from extraction.drafts.clip import clip_features

        if clip.stat().st_size > self.megabytes * 1_000_000:
            raise InputError(f"{clip.name}: larger than {self.megabytes} MB")
        key = (forecaster.checksum, sha256(clip))
        if key not in self._clips:
            self._clips[key] = clip_features(clip, forecaster.featurizer, self.runs / run, self.weights)
        return self._clips[key]


def page(desk: Desk) -> Any:
    """The page, as Gradio blocks."""
    import gradio

    def show(run: str, past: list[str] | None, clip: str | None, publish: str, *given: str) -> tuple[Any, str, Outlook]:
        from forecast.draft.growth import growth_figure
        from forecast.draft.page import page_of

        try:
            found, problems = desk.answer(run, clip, publish, given[:2], given[3:], past or (), given[2])
        except InputError as error:
            raise _refused(gradio, error) from error
        return growth_figure(found), page_of(found, HORIZONS, problems), found

    def compared(one: Outlook | None, two: Outlook | None) -> str:
        from forecast.draft.page import verdict_of

        return verdict_of(one, two, HORIZONS) if one and two else ""

    with gradio.Blocks(title="clipcast", analytics_enabled=False, delete_cache=KEPT) as blocks:
        gradio.Markdown(
            "# What will this video reach?\nEverything may be left empty: what is not given is missing, and the intervals are wider."
        )
        run = gradio.Dropdown(desk.names(), label="Run", elem_id="run")
        past = gradio.File(
            label="What other videos of yours reached (optional): a table, or what a collector wrote",
            file_count="multiple",
            file_types=[".csv", ".gz", ".parquet", ".json", ".jsonl"],
            elem_id="past",
            height=120,
        )
        seen = []
        with gradio.Row():
            for name in ("a", "b"):
                with gradio.Column():
                    gradio.Markdown(f"## Draft {name.upper()}")
                    given = _inputs(gradio, name)
                    button = gradio.Button(f"Forecast draft {name.upper()}", variant="primary", elem_id=f"forecast-{name}")
                    figure, table, state = gradio.Plot(label="Growth"), gradio.HTML(elem_id=f"answer-{name}"), gradio.State()
                    seen.append((button, given, figure, table, state))
        verdict = gradio.HTML(elem_id="verdict")
        states = [one[-1] for one in seen]
        for button, given, figure, table, state in seen:
            button.click(show, [run, past, *given], [figure, table, state], api_name=False).then(  # type: ignore[arg-type]
                compared,
                states,
                verdict,
                api_name=False,  # type: ignore[arg-type]
            )
        _many(gradio, desk, run, past)
        blocks.load(lambda: gradio.Dropdown(there := desk.names(), value=there[0]), None, run, api_name=False)  # type: ignore[arg-type]
    return blocks


def _many(gradio: Any, desk: Desk, run: Any, past: Any) -> None:
    """The part of the page that takes a table of drafts."""
    from forecast.draft.page import READ, said

    def show(run: str, past: list[str] | None, drafts: str | None, *asked: Any) -> tuple[Any, str, str | None]:
        from forecast.plan.figure import plan_figure
        from forecast.plan.written import page, write_plan

        try:
            found, problems = desk.plan(run, drafts, past or (), *asked)
        except InputError as error:
            raise _refused(gradio, error) from error
        with tempfile.TemporaryDirectory() as out:
            write_plan(found, Path(out))
            kept = written.move_resource_to_block_cache(Path(out) / "forecasts.csv")  # until it is a day old
        return plan_figure(found), f'<div class="answer">{said(page(found, problems))}</div>', kept

    gradio.Markdown("## Many drafts, and their total\nA table with one draft a row, its columns named as in the documentation.")
    with gradio.Row():
        table = gradio.File(label="Drafts", file_types=[".csv", ".gz", ".parquet", ".jsonl", ".json"], elem_id="drafts", height=120)
        with gradio.Column():
            publish = gradio.Textbox(label="Published (UTC), where a row says nothing", placeholder="now", elem_id="publish-drafts")
            horizon = gradio.Textbox(label="After", placeholder="7d", elem_id="horizon-drafts")
            goal = gradio.Textbox(label="Goal (optional)", placeholder="view_count=1M", elem_id="goal-drafts")
            read = gradio.Checkbox(label=READ, elem_id="read-drafts")
    button = gradio.Button("Forecast all drafts", variant="primary", elem_id="forecast-drafts")
    answer, figure = gradio.HTML(elem_id="answer-drafts"), gradio.Plot(label="Drafts and total", elem_id="picture-drafts")
    written = gradio.File(label="forecasts.csv", interactive=False, elem_id="written-drafts", height=80)
    inputs, outputs = [run, past, table, publish, horizon, goal, read], [figure, answer, written]
    button.click(show, inputs, outputs, api_name=False)  # type: ignore[arg-type]


def _inputs(gradio: Any, name: str) -> list[Any]:
    clip = gradio.File(label="Video (optional)", file_types=["video"], elem_id=f"video-{name}", height=120)
    publish = gradio.Textbox(label="Published (UTC)", placeholder="now, or 2026-12-01 18:00", elem_id=f"publish-{name}")
    words = [
        gradio.Textbox(label="Caption", lines=2, elem_id=f"caption-{name}"),
        gradio.Textbox(label="Author", elem_id=f"author-{name}"),
        gradio.Textbox(label="Read since (a line each)", placeholder="6h: view_count=1200", lines=2, elem_id=f"so-far-{name}"),
    ]
    with gradio.Row():
        numbers = [gradio.Textbox(label=label, placeholder="12K", min_width=80, elem_id=f"{key}-{name}") for key, label in NUMBERS.items()]
    return [clip, publish, *words, *numbers]


def _refused(gradio: Any, error: InputError) -> Exception:
    """The sentence as the page shows it, which takes it for HTML: names of the user's files and rows stay words."""
    from forecast.draft.page import said

    return gradio.Error(escape(said(str(error))), duration=None, print_exception=False)


def _given(column: str, label: str, text: str) -> str | float | None:
    try:
        return given(column, text)
    except InputError as error:
        raise InputError(f"{label}: {error}") from error


def _parser() -> command.Parser:
    parser = command.Parser(prog="app.py", description=__doc__, epilog=EXAMPLES)
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="DIR", help="directory of run directories (default: %(default)s)"
    )
    parser.add_argument(
        "--visual-weights", default="", metavar="FILE", help="weights of the image network (default: those extract.py used)"
    )
    command.program_option(parser)
    server = parser.add_argument_group("server")
    server.add_argument("--host", default="127.0.0.1", help="address to serve on (default: %(default)s, this machine only)")
    server.add_argument("--port", type=command.whole(1, 65_535), default=7860, metavar="N", help="(default: %(default)s)")
    server.add_argument("--megabytes", type=command.whole(1), default=200, metavar="MB", help="largest media file (default: %(default)s)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    options = _parser().parse_args(arguments)
    desk = Desk(options.runs, options.megabytes, options.visual_weights, options.program)
    desk.names()
    private_folder()  # Gradio makes folders when it is imported
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "MPLBACKEND": "agg"}
    try:
        import gradio
    except ImportError:
        raise InputError("the web page needs Gradio (pip install 'clipcast[app]')") from None
    from forecast.draft.page import CSS

    theme = gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"])
    page(desk).launch(
        server_name=options.host,
        server_port=options.port,
        max_file_size=options.megabytes * 1_000_000,
        theme=theme,
        css=CSS,
        share=False,
        app_kwargs={"middleware": guards(options.host)},
    )


if __name__ == "__main__":
    sys.exit(command.run(main))
