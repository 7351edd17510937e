"""A fitted `Featurizer` as JSON and tensors, and back. Nothing is pickled."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from features.featurizer import CATEGORIES, Featurizer
from features.followed.growth import FEATURES, Growth
from features.parts.same_author import History
from features.parts.same_author_followed import FollowedHistory
from features.parts.text import CaptionEncoder, Text, rebuild_tokenizer
from features.parts.wording import Wording
from features.scale import Scale
from features.scaler import Scaler
from features.tables.columns import COLUMNS
from features.tables.dataset import Dataset
from features.targets import Targets
from machine.errors import InputError

HISTORY = ("group", "time", "video", "reached")
READINGS = ("start", "moment", "counts", "told")
GROWTH = ("low", "high", "loc", "log_scatter")
COUNTED = ("usual", "grown", "fell", "most", "least")  # what else a law of growth has, for each target
WORDING = ("word", "rarity", "direction")
SCALER = ("loc", "scale", "gaps")
# a featurizer that was just read must be able to transform this video, which has a value in every column
BLANK = Dataset(
    pd.DataFrame(
        {
            name: pd.Series(["a"] if column.kind == "text" else [1.0], dtype=object if column.kind == "text" else float)
            for name, column in COLUMNS.items()
        }
    )
)


def to_state(featurizer: Featurizer) -> tuple[str, dict[str, np.ndarray]]:
    """JSON text and named arrays."""
    targets = featurizer.targets
    arrays: dict[str, np.ndarray] = {"targets.loc": targets.loc, "targets.spread": targets.spread, "targets.whole": targets.whole}
    for part, scaler in featurizer.scalers.items():
        arrays |= {f"scaler.{part}.{name}": getattr(scaler, name) for name in SCALER}
    for column, keys in featurizer.categories.items():
        arrays[f"category.{column}"] = keys
    for name, history in featurizer.histories.items():
        arrays |= {f"history.{name}.{kind}": getattr(history, kind) for kind in HISTORY}
        if isinstance(history, FollowedHistory):  # files hold finite numbers only: `told` says which counts are unknown
            arrays |= {f"history.{name}.{kind}": np.nan_to_num(getattr(history, kind)) for kind in READINGS}
        elif history.read is not None:
            arrays[f"history.{name}.read"] = history.read
    if featurizer.growth is not None:
        arrays |= {f"growth.{name}": getattr(featurizer.growth, name) for name in (*GROWTH, *COUNTED)}
    for part, wording in featurizer.wording.items():
        arrays |= {f"wording.{part}.{name}": getattr(wording, name) for name in WORDING}
    tokenizer = None
    if featurizer.text is not None:
        stored = json.loads(featurizer.text.tokenizer.to_str())["model"]
        tokenizer = {"vocabulary": sorted(stored["vocab"], key=stored["vocab"].get), "merges": stored["merges"]}
        arrays |= {f"text.{name}": value.numpy() for name, value in featurizer.text.encoder.state_dict().items()}
    description = {
        "targets": list(targets.names),
        "target_scale": targets.scale,
        "salt": featurizer.salt,
        "seed": featurizer.seed,
        "past_only": featurizer.past_only,
        "ages_seen": featurizer.ages_seen,
        "columns": featurizer.columns,
        "categories": list(featurizer.categories),
        "histories": list(featurizer.histories),
        "wording": list(featurizer.wording),
        "tokenizer": tokenizer,
        "followed": featurizer.follows,
    }
    return json.dumps(description, ensure_ascii=False) + "\n", {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def from_state(text: str, arrays: dict[str, np.ndarray], where: str) -> Featurizer:
    """Rebuild what `to_state` took apart; `where` names the run directory in messages.

    Raises:
        InputError: anything missing, of the wrong type or of the wrong shape.
    """
    try:
        with np.errstate(all="ignore"):
            featurizer = _rebuild(json.loads(text), arrays)
            _check(featurizer)
            featurizer.transform(BLANK)
        return featurizer
    except Exception as error:
        raise InputError(f"{where}: its features are damaged ({type(error).__name__}: {' '.join(str(error).split())[:200]})") from error


def _check(featurizer: Featurizer) -> None:
    """Refuse what would fit by shape and still make no sense."""
    targets = featurizer.targets
    if not targets.names or not (targets.spread > 0).all():
        raise InputError("no usable targets")
    if targets.whole.dtype != bool or (targets.whole.any() and not targets.scale.counts):
        raise InputError("which targets are whole counts")
    if not 0 <= featurizer.ages_seen[0] <= featurizer.ages_seen[1] < np.inf:
        raise InputError("ages_seen is not a range of days")
    for part, scaler in featurizer.scalers.items():
        if not part.isidentifier() or scaler.gaps.dtype != bool or not (scaler.scale > 0).all():
            raise InputError(f"scaler of {part!r}")
    found = set(featurizer.histories)
    pairs = all((name in found) == (f"own_{name}" in found) for name in ("sound", "words"))
    known = found <= {"history", "sound", "own_sound", "words", "own_words"} and pairs
    if not featurizer.scalers or not set(featurizer.categories) <= set(CATEGORIES) or not known:
        raise InputError("unknown parts or categories")
    sorted_keys = [*featurizer.categories.values(), *(history.group for history in featurizer.histories.values())]
    for keys in (*sorted_keys, *(history.video for history in featurizer.histories.values())):
        if keys.dtype != np.int64 or keys.ndim != 1:
            raise InputError("keys are not whole numbers")
    if any((keys[1:] < keys[:-1]).any() for keys in sorted_keys):
        raise InputError("keys are not sorted")


def _rebuild(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> Featurizer:
    names = tuple(description["targets"])
    targets = Targets(
        names, Scale(description["target_scale"]), *(_shaped(arrays, f"targets.{kind}", len(names)) for kind in ("loc", "spread", "whole"))
    )
    columns = {part: list(found) for part, found in description["columns"].items()}
    scalers = {part: Scaler(*(_shaped(arrays, f"scaler.{part}.{name}", len(found)) for name in SCALER)) for part, found in columns.items()}
    followed = bool(description["followed"])
    histories = {
        name: replace(History(*(arrays[f"history.{name}.{kind}"] for kind in HISTORY)), read=arrays.get(f"history.{name}.read"))
        for name in description["histories"]
    }
    if followed and "history" in histories:
        histories["history"] = _with_readings(histories["history"], *(arrays[f"history.history.{kind}"] for kind in READINGS))
    for name, history in histories.items():
        width = len(names) * (2 if name == "own_sound" else 1)
        if {len(getattr(history, kind)) for kind in HISTORY} != {len(history.group)} or history.reached.shape[1:] != (width,):
            raise InputError(f"history.{name}: arrays of different lengths")
        if history.read is not None and (history.read.dtype != bool or history.read.shape != history.reached.shape):
            raise InputError(f"history.{name}.read: not which targets were read")
    text = None
    if description["tokenizer"] is not None:
        tokenizer = rebuild_tokenizer(description["tokenizer"]["vocabulary"], description["tokenizer"]["merges"])
        if arrays["text.embedding.weight"].shape[0] != tokenizer.get_vocab_size():
            raise InputError("text.embedding.weight: not one row a token")
        encoder = CaptionEncoder(tokenizer.get_vocab_size())
        encoder.load_state_dict(
            {name.removeprefix("text."): torch.from_numpy(array) for name, array in arrays.items() if name.startswith("text.")}
        )
        text = Text(tokenizer, encoder.eval())
    categories = {column: arrays[f"category.{column}"] for column in description["categories"]}
    youngest, oldest = description["ages_seen"]
    return Featurizer(
        targets,
        description["salt"],
        bool(description["past_only"]),
        (float(youngest), float(oldest)),
        scalers,
        columns,
        categories,
        text,
        {part: _wording(arrays, part) for part in description["wording"]},
        histories,
        _growth(arrays, len(names)) if followed else None,
        int(description["seed"]),
    )


def _growth(arrays: dict[str, np.ndarray], targets: int) -> Growth:
    law = (_shaped(arrays, f"growth.{name}", FEATURES, targets) for name in GROWTH)
    return Growth(*law, *(_shaped(arrays, f"growth.{name}", targets) for name in COUNTED))


def _wording(arrays: dict[str, np.ndarray], part: str) -> Wording:
    word, rarity, direction = (arrays[f"wording.{part}.{name}"] for name in WORDING)
    if word.dtype != np.int64 or not (len(word) and word.shape == rarity.shape == direction.shape[:1]) or (np.diff(word) <= 0).any():
        raise InputError(f"wording.{part}: its arrays do not fit each other")
    return Wording(word, rarity, direction)


def _with_readings(history: History, start: np.ndarray, moment: np.ndarray, counts: np.ndarray, told: np.ndarray) -> FollowedHistory:
    whole = start.dtype == np.int64 and start.shape == (len(history.video) + 1,) and (np.diff(start) >= 0).all()
    shaped = counts.shape == told.shape == (len(moment), history.reached.shape[1]) and told.dtype == bool
    if not whole or start[0] != 0 or start[-1] != len(moment) or not shaped:
        raise InputError("history.history: its readings do not fit its videos")
    counts = np.where(told, counts, np.nan)
    return FollowedHistory(history.group, history.time, history.video, history.reached, start=start, moment=moment, counts=counts)


def _shaped(arrays: dict[str, np.ndarray], name: str, *shape: int) -> np.ndarray:
    if arrays[name].shape != shape:
        raise InputError(f"{name}: shape {arrays[name].shape}, not {shape}")
    return arrays[name]
