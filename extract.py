"""From raw videos and their metadata to a dataset directory."""

import contextlib
import sys
import time
from collections.abc import Sequence
from typing import Any

from machine.command import Parser, common_options, lenient_option, number, path, run, whole

EXAMPLES = """examples:
  python extract.py --videos downloads --out data                  a folder of yt-dlp, or one with a table videos.csv
  python extract.py --videos downloads --out data --check          only list what is there
  python extract.py --videos videos.csv --out data --visual-weights resnet50-11ad3fa6.pth --workers 2
  python extract.py --videos videos.csv --out data --backbone efficientnet_lite0 --combine mean-std

Run the same command again to go on after an interruption, or to add what is new."""


def parser() -> Parser:
    """The command's arguments."""
    result = Parser(prog="extract.py", description=__doc__, epilog=EXAMPLES)
    data = result.add_argument_group("data")
    data.add_argument(
        "--videos", type=path, required=True, metavar="SOURCE", help="a videos table, JSON of a collector, or a folder with one"
    )
    data.add_argument("--out", type=path, required=True, metavar="DATA", help="dataset directory to write")
    data.add_argument("--check", action="store_true", help="list what was found, what is missing and what is unusable; write nothing")
    lenient_option(data)
    visual = result.add_argument_group("features")
    visual.add_argument(
        "--backbone", choices=["resnet50", "efficientnet_lite0"], default="resnet50", help="image network (default: %(default)s)"
    )
    visual.add_argument(
        "--visual-weights", default="", metavar="FILE", help="its weights, a state dict (default: the published ImageNet weights)"
    )
    visual.add_argument(
        "--combine", choices=["mean", "mean-std", "all"], default="mean", help="what becomes of ten frames (default: %(default)s)"
    )
    visual.add_argument("--precision", choices=["float32", "bfloat16"], default="float32", help="of the network (default: %(default)s)")
    limits = result.add_argument_group("limits of one clip")
    limits.add_argument(
        "--clip-seconds", type=number(0.1, 600), default=8.0, metavar="S", help="of decoding, more for long clips (default: %(default)s)"
    )
    limits.add_argument("--clip-memory", type=whole(100), default=500, metavar="MB", help="of decoding (default: %(default)s)")
    limits.add_argument("--clip-megabytes", type=whole(1), default=500, metavar="MB", help="size of the file (default: %(default)s)")
    common_options(result)
    result.add_argument(
        "--workers", type=whole(1, 256), default=1, metavar="N", help="clips in work at the same time (default: %(default)s)"
    )
    result.add_argument(
        "--ray", nargs="?", const="local", metavar="ADDRESS", help="work on a Ray cluster (without an address: on --workers cores here)"
    )
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Extract, or check."""
    options = parser().parse_args(arguments)
    from extraction.settings import Limits, Settings
    from extraction.sources.read import read_source

    limits = Limits(megabytes=options.clip_megabytes, seconds=options.clip_seconds, memory=options.clip_memory)
    source = read_source(options.videos, checking=options.check, lenient=options.lenient)
    if options.check:
        check(source, limits)
        return
    for note in _notes(source):
        print(f"note: {note}", file=sys.stderr)
    from extraction.extract import extract

    settings = Settings(options.backbone, options.visual_weights, "", options.combine, options.precision, options.device)
    with contextlib.ExitStack() as stack:
        bar = stack.enter_context(Bar())
        if options.ray is None:
            summary = extract(source, options.out, settings, limits, options.workers, bar.show)
        else:
            from extraction.ray_readers import RayReaders
            from machine.cluster import Cluster

            cluster = stack.enter_context(Cluster(options.ray, options.workers))
            summary = extract(source, options.out, settings, limits, cluster.cores, bar.show, RayReaders)
    counts = summary["counts"]
    for name in ("videos", "clips", "visual", "acoustic", "problems"):
        print(f"{name:10} {counts[name]:8}")
    print("\n".join(source.account.lines()))
    if counts["problems"]:
        print(f"reasons are in {options.out / 'problems.csv'}")
    print(f"next: python train.py --data {options.out}")


def check(source, limits) -> None:
    """Print what a source holds."""
    from extraction.sources.check import column_lines, media_lines

    print(f"{source.name}: {source.kind}, {len(source.videos)} videos\n")
    print("\n".join(column_lines(source)))
    lines, usable = media_lines(source, limits)
    print(f"\nmedia files: {usable} usable of {len(lines)}")
    print("\n".join(f"  {line}" for line in lines))
    print("\n".join(source.account.lines()))
    for note in _notes(source):
        print(f"note: {note}")


def _notes(source) -> list[str]:
    unusable = [f"column {name}: {count} values could not be understood and were left out" for name, count in source.unusable.items()]
    return [*source.notes, *unusable]


class Bar:
    """A progress bar with clips a minute, time left and problems so far, from the first clip on; its clock starts when it is entered."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._began = 0.0

    def __enter__(self) -> "Bar":
        self._began = time.time()
        return self

    def __exit__(self, *exception) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, progress) -> None:
        """Draw where the extraction stands (a `extraction.extract.Progress`)."""
        if self._bar is None:
            from tqdm import tqdm

            layout = "{percentage:3.0f} %|{bar}| {n_fmt}/{total_fmt} clips, {remaining} left{postfix}"
            self._bar = tqdm(total=progress.clips, bar_format=layout, mininterval=0.5 if sys.stderr.isatty() else 10.0)
            self._bar.start_t = self._began
        fresh = progress.done - progress.known
        minutes = self._bar.format_dict["elapsed"] / 60
        rate = f"{fresh / minutes:.0f} clips a minute, " if minutes > 0 and fresh else ""
        self._bar.set_postfix_str(f"{rate}{progress.known} known, {progress.problems} with problems", refresh=False)
        self._bar.update(progress.done - self._bar.n)


if __name__ == "__main__":
    sys.exit(run(main))
