"""A fitted `Featurizer` as JSON and tensors, and back. Nothing is pickled."""

import json
from typing import Any

import numpy as np
import torch

from features.errors import InputError
from features.featurizer import Featurizer, Targets
from features.history import History
from features.scaling import Scaler
from features.text import CaptionEncoder, Text

HISTORY = ("group", "time", "video", "reached")
SCALER = ("loc", "scale", "gaps")


def to_state(featurizer: Featurizer) -> tuple[str, dict[str, np.ndarray]]:
    """JSON text and named arrays."""
    targets = featurizer.targets
    arrays: dict[str, np.ndarray] = {"targets.loc": targets.loc, "targets.spread": targets.spread}
    for part, scaler in featurizer.scalers.items():
        arrays |= {f"scaler.{part}.{name}": getattr(scaler, name) for name in SCALER}
    for column, keys in featurizer.categories.items():
        arrays[f"category.{column}"] = keys
    for name, history in featurizer.histories.items():
        arrays |= {f"history.{name}.{kind}": getattr(history, kind) for kind in HISTORY}
    tokenizer = None
    if featurizer.text is not None:
        tokenizer = json.loads(featurizer.text.tokenizer.to_str())
        arrays |= {f"text.{name}": value.numpy() for name, value in featurizer.text.encoder.state_dict().items()}
    description = {
        "targets": list(targets.names),
        "target_scale": targets.scale,
        "salt": featurizer.salt,
        "past_only": featurizer.past_only,
        "tokens": featurizer.tokens,
        "columns": featurizer.columns,
        "categories": list(featurizer.categories),
        "histories": list(featurizer.histories),
        "tokenizer": tokenizer,
    }
    return json.dumps(description, ensure_ascii=False) + "\n", {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def from_state(text: str, arrays: dict[str, np.ndarray], where: str) -> Featurizer:
    """Rebuild what `to_state` took apart; `where` names the run directory in messages.

    Raises:
        InputError: anything missing, of the wrong type or of the wrong shape.
    """
    try:
        return _rebuild(json.loads(text), arrays)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{where}: its features are damaged ({type(error).__name__}: {error})") from error


def _rebuild(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> Featurizer:
    names = tuple(description["targets"])
    targets = Targets(
        names, description["target_scale"], _shaped(arrays, "targets.loc", len(names)), _shaped(arrays, "targets.spread", len(names))
    )
    columns = {part: list(found) for part, found in description["columns"].items()}
    scalers = {part: Scaler(*(_shaped(arrays, f"scaler.{part}.{name}", len(found)) for name in SCALER)) for part, found in columns.items()}
    histories = {name: History(*(arrays[f"history.{name}.{kind}"] for kind in HISTORY)) for name in description["histories"]}
    for name, history in histories.items():
        if {len(getattr(history, kind)) for kind in HISTORY} != {len(history.group)} or history.reached.shape[1:] != (len(names),):
            raise InputError(f"history.{name}: arrays of different lengths")
    text = None
    if description["tokenizer"] is not None:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(json.dumps(description["tokenizer"]))
        encoder = CaptionEncoder(tokenizer.get_vocab_size())
        encoder.load_state_dict(
            {name.removeprefix("text."): torch.from_numpy(array) for name, array in arrays.items() if name.startswith("text.")}
        )
        text = Text(tokenizer, encoder.eval())
    categories = {column: arrays[f"category.{column}"] for column in description["categories"]}
    return Featurizer(
        targets,
        description["salt"],
        bool(description["past_only"]),
        bool(description["tokens"]),
        scalers,
        columns,
        categories,
        text,
        histories,
    )


def _shaped(arrays: dict[str, np.ndarray], name: str, length: int) -> np.ndarray:
    if arrays[name].shape != (length,):
        raise InputError(f"{name}: shape {arrays[name].shape}, not ({length},)")
    return arrays[name]
