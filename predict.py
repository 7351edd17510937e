"""Predict: one video that has not been published yet, a table of them and their total, or which of two drafts or plans reaches more."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.tables.columns import COLUMNS, GIVEN
from features.tables.given import given, moment
from machine import command
from machine.errors import InputError

if TYPE_CHECKING:
    from forecast.draft.outlook import Outlook
    from forecast.draft.video import Draft
    from forecast.forecaster import Forecaster

EXAMPLES = """examples:
  python predict.py --description "my cat #cats" --username me --follower-count 12000
  python predict.py --video clip.mp4 --publish "2026-12-01 18:00" --horizon 1h,1d,7d,30d --plot growth.png
  python predict.py --description "my cat #cats" --past MY_CHANNEL     what yt-dlp wrote of your own videos, for example
  python predict.py --description "draft one" --json > a.json
  python predict.py --description "draft two" --json > b.json
  python predict.py --compare a.json b.json               which of the two reaches more, with what probability
  python predict.py --data drafts.csv --horizon 7d --goal view_count=1000000     a table of drafts, and their total

Every option may be left out: what is not given is missing, and the intervals are wider for it."""


def _parser() -> command.Parser:
    parser = command.Parser(prog="predict.py", description=__doc__, epilog=EXAMPLES)
    parser.add_argument("--run", type=command.path, metavar="RUN", help="run directory (default: the newest under runs/)")
    command.past_option(parser)
    command.program_option(parser)
    video = parser.add_argument_group("the video")
    video.add_argument("--video", type=command.path, metavar="CLIP", help="media file")
    video.add_argument("--publish", type=_read(moment), metavar="TIME", help='when, UTC, such as "2026-12-01 18:00" (default: now)')
    for column in GIVEN:
        name = "description" if column.name == "video_description" else column.name.replace("_", "-")
        kind = _read(partial(given, column.name))
        shape = "TEXT" if column.kind == "text" else "N"
        video.add_argument(f"--{name}", dest=column.name, type=kind, metavar=shape, help=column.meaning)
    many = parser.add_argument_group("many videos, instead of one")
    many.add_argument("--data", type=command.path, metavar="DRAFTS", help="table of drafts, or any other source of extract.py")
    many.add_argument("--seen", default="0", metavar="AGE", help="readings in it up to that age are known: 6h, first, last (default: 0)")
    many.add_argument("--goal", action="append", default=[], metavar="TARGET=N", help="how probably the total, and each draft, reaches N")
    many.add_argument("--out", type=command.path, metavar="DIR", help="where to write (default: RUN/plan)")
    answer = parser.add_argument_group("the answer")
    video.add_argument("--so-far", action="append", metavar="READING", help='read since: "6h: view_count=1200, like_count=80" (repeatable)')
    answer.add_argument("--horizon", metavar="A,B", help="ages to forecast (default: 1h,1d,7d,30d; of a table one, 7d)")
    answer.add_argument("--samples", type=command.whole(40, 100_000), metavar="S", default=1000, help="draws (default: %(default)s)")
    answer.add_argument("--json", action="store_true", help="print JSON, with the joint draws")
    answer.add_argument("--plot", type=command.path, metavar="FILE", help="also draw a fan chart over time (png, svg or pdf)")
    answer.add_argument(
        "--compare", type=command.path, nargs=2, metavar=("A", "B"), help="two files written with --json, of drafts or of tables"
    )
    answer.add_argument(
        "--visual-weights", default="", metavar="FILE", help="weights of the image network (default: those extract.py used)"
    )
    command.common_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; see `--help`."""
    options = _parser().parse_args(arguments)
    if options.compare:
        if given := [*_given(options), *(["--data"] if options.data is not None else []), *(["--goal"] if options.goal else [])]:
            raise InputError(f"{given[0]}: has no effect beside --compare, which reads two forecasts")
        _compare(*options.compare, as_json=options.json)
        return
    if options.data is not None:
        _plan(options)
        return
    from forecast.notation import duration, parse_horizon

    if options.goal or options.out is not None or options.seen != "0":
        raise InputError("--goal, --seen and --out are of a table: name it with --data")
    horizons = [parse_horizon(text) for text in (options.horizon or "1h,1d,7d,30d").split(",")]
    if options.plot and options.plot.suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot {options.plot}: choose a name that ends in .png, .svg or .pdf")
    from forecast.draft.outlook import outlook, parts_table, table
    from forecast.draft.video import fan_horizons
    from forecast.run.directory import newest_run
    from forecast.saved import load
    from program import read_program

    path = options.run or newest_run(Path("runs"))
    with command.one_thread():  # one video is too little to share: threads would wait for each other
        forecaster = load(path, program=read_program(options.program), device=command.device(options.device))
        draft = _draft(options, forecaster, path)
        if options.past is not None:
            forecaster, draft = _with_past(options.past, forecaster, draft)
        ages = fan_horizons(horizons) if options.plot else ()
        fan = outlook(forecaster, draft, horizons, fan=ages, samples=options.samples, seed=options.seed)
    if options.plot:
        _plot(fan, options.plot)
    found = fan.at(horizons)
    for warning in found.warnings:
        print(f"warning: the draft: {warning}", file=sys.stderr)
    if options.json:
        print(found.to_json())
        return
    print(f"{table(found)}\n\n{parts_table(found)}")
    for age in horizons:
        if options.horizon and age not in found.horizons:
            print(f"note         {duration(age)} is not later than the last reading")
    for note in found.notes:
        print(f"note         {note}")
    print(f"published    {time.strftime('%Y-%m-%d %H:%M', time.gmtime(draft.publish))} UTC, by the run {path}")
    if options.plot:
        print(f"written      {options.plot}")


def _given(options: argparse.Namespace) -> list[str]:
    """The options of one video that were given."""
    names = {column.name: column.name.replace("_", "-") for column in COLUMNS.values()} | {"video_description": "description"}
    names |= {"video": "video", "plot": "plot", "so_far": "so-far"}
    return [f"--{shown}" for name, shown in names.items() if getattr(options, name, None) is not None]


def _plan(options: argparse.Namespace) -> None:
    """Forecast a table of drafts, and their total."""
    from tqdm import tqdm

    from extraction.drafts.table import read_drafts
    from extraction.sources.past import read_past
    from forecast.draft.past import added, completed_table, knowing
    from forecast.notation import parse_goal, parse_horizon
    from forecast.plan.drafts import readings_of
    from forecast.plan.figure import plan_figure
    from forecast.plan.plan import plan
    from forecast.plan.written import table, to_json, write_plan
    from forecast.run.directory import newest_run
    from forecast.saved import load
    from forecast.scoring.subsets.lead import days
    from machine.files import inside, writing
    from program import read_program

    if given := _given(options):
        raise InputError(f"{given[0]}: is of one video, and --data names a table of them")
    if "," in (options.horizon or ""):
        raise InputError(f"--horizon {options.horizon}: a table is forecast at one age")
    if len({goal.partition("=")[0].strip() for goal in options.goal}) < len(options.goal):
        raise InputError("--goal: name each target once")
    horizon, path = parse_horizon(options.horizon or "7d"), options.run or newest_run(Path("runs"))
    out, seen = options.out or path / "plan", days(options.seen, "first", "last", option="--seen")
    if options.out is None:
        inside(path, out.name)  # not through a link that leaves the run directory
    forecaster = load(path, program=read_program(options.program), device=command.device(options.device))
    drafts, problems = read_drafts(options.data, forecaster.featurizer, path, options.visual_weights, forecaster.device.type)
    publish = time.time() if options.publish is None else options.publish
    read = readings_of(drafts, forecaster.targets)["id"].nunique() if forecaster.featurizer.follows else 0
    if read and seen == 0.0:
        print(f"note: {read:,} of them were read since publication; --seen last begins their forecasts there", file=sys.stderr)
    if options.past is not None:
        past = read_past(options.past, **forecaster.configuration.columns)
        forecaster, told = knowing(forecaster, past), completed_table(drafts, past, publish)
        if new := added(drafts, told):
            print(f"note: of {options.past}: {new}", file=sys.stderr)
        drafts = told
    with tqdm(total=len(drafts), unit="video", desc="forecasting", disable=None) as bar:
        found = plan(
            forecaster,
            drafts,
            publish=publish,
            horizon=horizon,
            seen=seen,
            goals=dict(map(parse_goal, options.goal)),
            samples=options.samples,
            seed=options.seed,
            keep=options.json,
            report=bar.update,
        )
    for sentence in (*problems, *found.warnings):
        print(f"warning: {options.data}: {sentence}", file=sys.stderr)
    if not options.json or options.out is not None:
        write_plan(found, out)
        with writing(out / "forecasts.png") as temporary:
            plan_figure(found).savefig(temporary, dpi=150)
    if options.json:
        sys.stdout.writelines(to_json(found))
        return
    print(f"written      {out}/forecasts.csv, total.json, forecasts.png, by the run {path}\n")
    print(table(found))


def _draft(options: argparse.Namespace, forecaster: Forecaster, path: Path) -> Draft:
    """What the options say of the video; the clip is measured like the run's own."""
    from extraction.drafts.clip import clip_features
    from forecast.draft.so_far import check_moments, parse_reading
    from forecast.draft.video import Draft

    known = {column.name: getattr(options, column.name) for column in GIVEN if getattr(options, column.name) is not None}
    read = tuple(parse_reading(text) for text in options.so_far or ())
    publish = time.time() - max((one.age for one in read), default=0.0) if options.publish is None else options.publish
    check_moments(read, publish, time.time())
    if options.video is None:
        return Draft(publish, known, read=read)
    clip, problems = clip_features(options.video, forecaster.featurizer, path, options.visual_weights, forecaster.device.type)
    for problem in problems:
        print(f"warning: {options.video}: {problem}", file=sys.stderr)
    return Draft(publish, known, clip, read)


def _with_past(source: Path, forecaster: Forecaster, draft: Draft) -> tuple[Forecaster, Draft]:
    """What the author's other videos reached, and what their newest row says of the author."""
    from extraction.sources.past import read_past
    from forecast.draft.past import told

    past = read_past(source, **forecaster.configuration.columns)
    forecaster, whole, itself = told(forecaster, draft, past)
    if itself:
        print(f"note: of {source}: what was read of the video itself does not count as another of its author's", file=sys.stderr)
    added = {name: value for name, value in whole.known.items() if name not in draft.known}
    if added:
        named = ", ".join(f"{name} {value:,.0f}" if isinstance(value, float) else f"{name} {value}" for name, value in added.items())
        print(f"note: of {source}: {named}", file=sys.stderr)
    return forecaster, whole


def _plot(fan: Outlook, path: Path) -> None:
    from forecast.draft.growth import growth_figure
    from machine.files import writing

    with writing(path) as temporary:
        growth_figure(fan).savefig(temporary, dpi=150)


def _compare(first: Path, second: Path, *, as_json: bool) -> None:
    from forecast.draft.compare import compare, comparison_table
    from forecast.draft.outlook import Outlook
    from forecast.plan.compare import is_plan

    kinds = [is_plan(path) for path in (first, second)]
    if any(kinds):
        if not all(kinds):
            raise InputError("--compare: one file is of a table of drafts, the other of one draft")
        _compare_plans(first, second, as_json=as_json)
        return
    one, two = Outlook.from_json(first), Outlook.from_json(second)
    found = compare(one, two)
    if as_json:
        rows = [
            {
                "target": target,
                "horizon_seconds": horizon,
                "probability": float(found.probability[h, k]),
                "median_difference": float(found.ratio[h, k]),
            }
            for k, target in enumerate(found.targets)
            for h, horizon in enumerate(found.horizons)
        ]
        print(json.dumps({"first": str(first), "second": str(second), "scale": one.scale, "comparison": rows}, indent=2))
        return
    print(comparison_table(found, one.scale))
    print(f"first        {first}\nsecond       {second}\n(in brackets: the first one's median relative to the second one's)")


def _compare_plans(first: Path, second: Path, *, as_json: bool) -> None:
    from forecast.plan.compare import compare_totals, comparison, read_total

    one, two = read_total(first), read_total(second)
    rows = compare_totals(one, two)
    if as_json:
        print(json.dumps({"first": str(first), "second": str(second), "comparison": rows}, indent=2))
        return
    print(comparison(rows, one, two))
    print(f"first        {first}\nsecond       {second}")


def _read(how: Callable[[str], Any]) -> Callable[[str], Any]:
    """An argument type, of what reads a value."""

    def parse(text: str) -> Any:
        try:
            return how(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


if __name__ == "__main__":
    sys.exit(command.run(main))
