"""Every setting of a run, with its default, its meaning and its limits. No heavy library is imported here."""

import argparse
import dataclasses
import json
import math
import numbers
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from features.tables.columns import COUNTS, nearest
from machine.errors import InputError
from machine.files import json_object

VERSION = 24  # of the run directory's format
AUTOMATIC = dict.fromkeys(("width", "depth", "members", "folds", "batch_size", "epochs", "growth_epochs", "patience"), 0)
AUTOMATIC["others_left_out"] = -1  # these values leave the settings to `Configuration.for_rows`
STEPS = 300  # below which networks have not learned what there is
GROWTH_STEPS = 1200  # the same for growth, whose errors are small
NARROW, WIDE = 128, 256  # widths, below and from `SEVERAL` training rows on
SHALLOW, DEEP = 1, 2  # depths, likewise
SEVERAL = 20_000  # training rows from which wider and more networks forecast better
FEW = 5_000  # training rows below which every member holds out rows of its own, because intervals need many to be calibrated on
MOST_EPOCHS = 300  # of growth: from a handful of videos no more can be learned
ALONE = 0.5  # share of looks at few videos that see nothing but what was read: else networks remember them
MANY = 200_000  # training rows from which one set of validation rows says all there is to say


def setting(default: Any, meaning: str, *, low: float = -math.inf, high: float = math.inf, choices: tuple[str, ...] = ()) -> Any:
    """A field of the configuration: default, meaning, and what is allowed."""
    return field(default=default, metadata={"meaning": meaning, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class Configuration:
    """One training run. An unknown or impossible setting raises InputError."""

    targets: tuple[str, ...] = setting(COUNTS, "columns to forecast")
    target_scale: str = setting("log1p", "log1p for counts, identity for ready-made scores", choices=("log1p", "identity"))
    split: str = setting("random", "rows held out: random, author, time, or COLUMN=VALUE")
    without: tuple[str, ...] = setting((), "parts to leave out altogether")
    test_share: float = setting(
        0.1, "share of the rows held out for tests (0: none; by author: whole authors; not for COLUMN=VALUE)", low=0.0, high=0.9
    )
    validation_share: float = setting(0.15, "share of the rows not held out for tests that stop and calibrate a member", low=1e-6, high=0.9)
    folds: int = setting(
        0,
        "disjoint sets of such rows, members take turns (0: as many as members, half as many from 5,000 training rows on, 1 above "
        "200,000); split at random, with 1,000 to 200,000 training rows, the last member holds out the newest rows instead, unless as many "
        "folds as members are asked for",
        low=0,
        high=64,
    )
    seed: int = setting(0, "seed of everything random", low=0, high=2**32 - 1)

    kl_weight: float = setting(1e-3, "lambda of Eq. 1, the weight of KL(q(z|x) || p(z))", low=1e-12, high=1e6)
    prior_expert: bool = setting(True, "whether the prior N(0, I) is one more expert of the product (Eq. 3)")
    likelihood: str = setting("mixture", "p(y|z): normal as published, or a mixture of Normals", choices=("normal", "mixture"))
    components: int = setting(3, "components of the mixture likelihood", low=1, high=64)

    latent: int = setting(64, "width of z", low=1, high=4096)
    width: int = setting(0, "width of the hidden layers (0: 128 below 20,000 training rows, else 256)", low=0, high=8192)
    depth: int = setting(0, "hidden layers (residual blocks) of an expert (0: 1 below 20,000 training rows, else 2)", low=0, high=64)
    decoder_depth: int = setting(1, "hidden layers (residual blocks) of the decoder", low=1, high=64)
    residual: bool = setting(True, "residual blocks with layer norm, or plain LeakyReLU layers")
    periodic: bool = setting(True, "periodic embeddings of numbers beside the numbers")
    author_code: bool = setting(False, "let the social expert read who the author is")
    history: bool = setting(True, "use what the author's other videos, and others with the sound or the words, reached")
    dropout: float = setting(0.2, "share of an expert's hidden units left out in training", low=0.0, high=0.95)

    members: int = setting(0, "networks trained and averaged (0: 4 below 20,000 training rows, else 6)", low=0, high=64)
    epochs: int = setting(0, "passes over the training rows (0: 5, or as many as 300 steps take)", low=0, high=100_000)
    growth_epochs: int = setting(
        0, "passes over looks at videos that were read, of their own networks (0: 5, or as many as 1,200 steps take)", low=0, high=100_000
    )
    batch_size: int = setting(
        0, "videos a step (0: a 30th of the training rows, from 32 to 64, or a 120th, from 64 to 256)", low=0, high=1_000_000
    )
    learning_rate: float = setting(2e-3, "peak of the one-cycle schedule", low=1e-8, high=10.0)
    weight_decay: float = setting(0.01, "of AdamW", low=0.0, high=10.0)
    patience: int = setting(0, "epochs without a better validation score before stopping (0: half of all, at least 6)", low=0, high=100_000)
    part_left_out: float = setting(0.05, "share of training rows without one part, drawn anew each time, for each part", low=0.0, high=0.9)
    columns_left_out: float = setting(0.05, "share of training rows that lose some of the author's counts or the length", low=0.0, high=0.9)
    author_left_out: float = setting(0.15, "share of training rows whose author is made a stranger", low=0.0, high=0.9)
    author_hardly_known: float = setting(
        0.25, "share of training rows of whose author only a few earlier videos are known", low=0.0, high=0.9
    )
    others_left_out: float = setting(
        -1.0,
        "share of training looks at videos that were read that see nothing but what was read (-1: 0.5 below 5,000 followed videos, else 0)",
        low=-1.0,
        high=0.9,
    )
    linear: bool = setting(
        True,
        "pool each network's forecast with a linear one, in the share that validation rows ask for; never done with a program of your own, "
        "so compare its scores with those of --no-linear",
    )
    calibrate: bool = setting(True, "widen or narrow intervals on validation rows (split conformal)")

    def __new__(cls, *_: Any, **settings: Any) -> "Configuration":
        """Say which setting there is not, which Python would call an argument."""
        known = [item.name for item in dataclasses.fields(cls)]
        for name in settings:
            if name not in known:
                near = nearest(name, known)
                raise InputError(f"setting {name}: there is none{f' (is it {near}?)' if near else ''}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.type in (int, float) and isinstance(value, numbers.Real) and not isinstance(value, (int, float)):  # as of numpy
                kind: Any = int if isinstance(value, numbers.Integral) else float
                object.__setattr__(self, item.name, kind(value))
            _check(item, getattr(self, item.name))
        if not self.targets or len(set(self.targets)) != len(self.targets):
            raise InputError(f"targets: {', '.join(self.targets) or 'none'} (at least one, each once)")
        if -1.0 < self.others_left_out < 0.0:
            raise InputError(f"setting others_left_out: {self.others_left_out:g} is neither -1 nor a share")
        if 0 < self.members < self.folds:  # 0 members: their number follows from the rows
            raise InputError(f"setting folds: {self.folds} is more than there are members ({self.members})")

    @classmethod
    def from_json(cls, text: str, where: str) -> "Configuration":
        """Read what `to_json` wrote; `where` is the file's name for messages."""
        values = json_object(text, where)
        if values.pop("version", None) != VERSION:
            raise InputError(f"{where}: written by another version of clipcast")
        known = {item.name for item in dataclasses.fields(cls)}
        if values.keys() != known:
            raise InputError(f"{where}: unknown or missing setting {sorted(values.keys() ^ known)[0]!r}")
        settings: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return cls(**settings)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of parts that are not used."""
        return self.without if self.history else (*self.without, "history", "sound", "words")

    @property
    def reading(self) -> dict[str, Any]:
        """How data are read: arguments of `features.simulated.world.read_or_simulate`."""
        return self.columns | {"seed": self.seed}

    @property
    def columns(self) -> dict[str, Any]:
        """Which columns hold targets, and in what scale: arguments of whatever reads a table."""
        return {"targets": self.targets, "target_scale": self.target_scale}

    @property
    def division(self) -> dict[str, Any]:
        """How rows are divided: arguments of `features.rows.splits.split`."""
        return {"how": self.split, "seed": self.seed, "test_share": self.test_share, "validation_share": self.validation_share}

    def for_rows(self, rows: int, looks: int = 1, followed: int | None = None) -> "Configuration":
        """The same, with each setting that has its value of `AUTOMATIC` replaced by a number that suits so many training rows.

        Args:
            rows: videos.
            looks: in an epoch, looks at each video before anything was read; there are as many after something was.
            followed: how many of them were read more than once (default: all).
        """
        width = self.width or (NARROW if rows < SEVERAL else WIDE)
        depth = self.depth or (SHALLOW if rows < SEVERAL else DEEP)
        members = self.members or (4 if rows < SEVERAL else 6)
        folds = self.folds or (1 if rows > MANY else members if rows < FEW else max(1, members // 2))
        batch_size = self.batch_size or max(32, min(64, rows * looks // 30), min(256, rows * looks // 120))
        followed = rows if followed is None else followed
        steps, growth_steps = (math.ceil(max(videos, 1) * looks / batch_size) for videos in (rows, followed))
        epochs = self.epochs or max(5, math.ceil(STEPS / steps))
        growth_epochs = self.growth_epochs or (min(MOST_EPOCHS, max(5, math.ceil(GROWTH_STEPS / growth_steps))) if looks > 1 else epochs)
        patience = self.patience or max(6, epochs // 2)
        others_left_out = self.others_left_out if self.others_left_out >= 0 else ALONE if looks > 1 and followed < FEW else 0.0
        found: dict[str, Any] = {"width": width, "depth": depth, "members": members, "folds": folds, "batch_size": batch_size}
        found |= {"epochs": epochs, "growth_epochs": growth_epochs, "patience": patience, "others_left_out": others_left_out}
        return dataclasses.replace(self, **found)

    def to_json(self) -> str:
        """All settings, as JSON."""
        return json.dumps({"version": VERSION} | dataclasses.asdict(self), indent=2) + "\n"


def _check(item: dataclasses.Field, value: Any) -> None:
    limits = item.metadata
    kind: Any = get_origin(item.type) or item.type
    if not isinstance(value, (int, float) if kind is float else kind) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"setting {item.name}: {repr(value)[:40]} is not of type {kind.__name__}")
    if isinstance(value, tuple) and not all(isinstance(part, get_args(item.type)[0]) for part in value):
        raise InputError(f"setting {item.name}: {value!r} is not a list of names")
    if limits["choices"] and value not in limits["choices"]:
        raise InputError(f"setting {item.name}: {value!r} is not one of {', '.join(limits['choices'])}")
    if kind in (int, float) and not limits["low"] <= value <= limits["high"]:
        raise InputError(f"setting {item.name}: {str(value)[:40]} is not between {limits['low']:g} and {limits['high']:g}")


def add_options(parser: argparse.ArgumentParser) -> None:
    """One option for each setting, absent from the result unless given."""
    group = parser.add_argument_group("settings", "defaults are those of --preset default")
    for item in dataclasses.fields(Configuration):
        if item.name == "seed":
            continue
        name, meaning = f"--{item.name.replace('_', '-')}", item.metadata["meaning"].replace("%", "%%")
        shown = ",".join(item.default) if isinstance(item.default, tuple) else item.default
        options: dict[str, Any] = {
            "dest": item.name,
            "default": argparse.SUPPRESS,
            "help": f"{meaning} (default: {'none' if shown == '' else shown})",
        }
        if item.type is bool:
            group.add_argument(name, action=argparse.BooleanOptionalAction, **options)
        elif item.type in (int, float):
            group.add_argument(name, type=item.type, metavar="N" if item.type is int else "X", **options)
        elif item.type is str:
            group.add_argument(
                name, choices=item.metadata["choices"] or None, metavar=None if item.metadata["choices"] else "NAME", **options
            )
        else:
            group.add_argument(name, type=_names, metavar="A,B", **options)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    # Wang and Li: seven hidden LeakyReLU layers, Eq. 3 as printed, Normal likelihood, the four parts and nothing else
    "paper": {
        "prior_expert": False,
        "likelihood": "normal",
        "width": 256,
        "depth": 7,
        "decoder_depth": 7,
        "residual": False,
        "periodic": False,
        "author_code": True,
        "history": False,
        "dropout": 0.1,
        "learning_rate": 1e-3,
        "epochs": 8,
        "growth_epochs": 8,
        "members": 1,
        "part_left_out": 0.0,
        "columns_left_out": 0.0,
        "author_hardly_known": 0.0,
        "linear": False,
        "calibrate": False,
    },
}
