"""How a trained forecaster is written to and read from a run directory."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from features.featurizer import Featurizer
from features.saved import BLANK, from_state, to_state
from features.videos import EARLY, Videos
from forecast.adjustments.calibration import Calibration
from forecast.adjustments.moved import FILE as MOVED
from forecast.adjustments.moved import FILE_OF_GROWTH, load_moved, load_moved_growth
from forecast.draws import draw
from forecast.forecaster import Forecaster
from forecast.joint.dependence import FILE as DEPENDENCE
from forecast.joint.dependence import load_dependence
from forecast.member import Member
from forecast.pair import ForecasterPair
from forecast.run.configuration import Configuration
from forecast.run.directory import MANIFEST, RunDirectory
from forecast.run.shapes import shapes_only
from machine.errors import InputError
from machine.randomness import own_randomness
from program import SHIPPED, Networks, Program
from program.linear import Linear

TYPES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.bool: "BOOL"}  # as safetensors calls them
OWN = "own"  # run inside of a moved one, of the same data alone
SHARE = "share.json"  # of that run in the forecast
OPTIONAL = ("read", "met", "hardly_known", "coming")  # stretches of a calibration that not every run has
BY_PART = ("lacking", "bare", "widening")  # stretches of a calibration that belong to a part


def load(
    path: Path | str,
    *,
    build: Callable = SHIPPED.build,
    model: Callable = SHIPPED.model,
    guide: Callable = SHIPPED.guide,
    program: Program | None = None,
    device: torch.device | str = "cpu",
) -> Forecaster:
    """Read a finished run.

    Args:
        path: the run directory.
        build: `build(shapes, targets, configuration)` returns networks with `experts` and `decoder`; code comes from the caller,
            never from the run directory.
        model: the model that was trained, `model(videos, decoder)`.
        guide: the guide that was trained, `guide(videos, experts)`.
        program: the three together, as `program.read_program` reads them from a file.
        device: where to put the networks.

    Raises:
        InputError: the run is unfinished, damaged, of another version, or was trained with another model or guide.
    """
    run, program = RunDirectory(Path(path)), Program.of(program, model, guide, build)
    about = run.manifest("configuration.json", "features.json", "features.safetensors", "calibration.json", "source.json", DEPENDENCE)
    configuration = Configuration.from_json(run.read_text("configuration.json"), str(run.path / "configuration.json"))
    run.listed(about, *(member_file(member) for member in range(configuration.members)))
    _check_program(run, about.get("program"), program)
    featurizer, marginal = load_features(run)
    known = [name for name in configuration.targets if name in featurizer.targets.names]
    if list(featurizer.targets.names) != known or featurizer.targets.scale != configuration.target_scale:
        raise InputError(f"{run.path}: its features were made for other targets than configuration.json names")
    _check_size(run, configuration, featurizer, program.build)
    members = []
    with own_randomness():
        networks = program.build(featurizer.shapes, featurizer.targets, configuration)  # drawing weights takes longer than copying them
    blank = featurizer.transform(BLANK)
    for number in range(configuration.members):
        member = blank_member(program, lambda: copy.deepcopy(networks), featurizer, configuration, blank)
        members.append(load_member(run, number, member).to(device))
    calibration = load_calibration(run, len(featurizer.targets.names), list(featurizer.shapes))
    dependence = load_dependence(run, len(featurizer.targets.names))
    widths = [shape.numbers for shape in featurizer.shapes.values()]
    moved = load_moved(run, len(featurizer.targets.names), widths) if MOVED in about["files"] else None
    growth = load_moved_growth(run, len(featurizer.targets.names)) if FILE_OF_GROWTH in about["files"] else None
    forecaster = Forecaster(configuration, featurizer, tuple(members), calibration, marginal, about, dependence, moved, growth)
    if SHARE not in about["files"]:
        return forecaster
    own = load(run.path / OWN, program=program, device=device)
    return ForecasterPair.of(forecaster, own, *_load_shares(run, forecaster, own))


def save_shares(run: RunDirectory, share: float, read: float) -> list[str]:
    """Write the shares of the run inside of `run` in the forecast; the names of the files that vouch for both."""
    run.write_text(SHARE, json.dumps({"own": share, "read": read}) + "\n")
    return [SHARE, f"{OWN}/{MANIFEST}"]


def _load_shares(run: RunDirectory, moved: Forecaster, own: Forecaster) -> tuple[float, float]:
    """Read them.

    Raises:
        InputError: one is no share, or the two runs do not go together.
    """
    found, stored = [], run.read_json(SHARE)
    for name in ("own", "read"):
        share = stored.get(name)
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise InputError(f"{run.path / SHARE}: {name} is no number from 0 to 1")
        found.append(float(share))
    if not {*own.targets} <= {*moved.targets} or own.featurizer.targets.scale != moved.featurizer.targets.scale:
        raise InputError(f"{run.path / OWN}: forecasts other targets than {run.path}")
    return found[0], found[1]


def save_features(run: RunDirectory, featurizer: Featurizer, marginal: np.ndarray) -> None:
    """Write what was fitted before the networks."""
    text, arrays = to_state(featurizer)
    run.write_text("features.json", text)
    run.write_arrays("features.safetensors", arrays | {"marginal": marginal})


def load_features(run: RunDirectory) -> tuple[Featurizer, np.ndarray]:
    """Read what `save_features` wrote."""
    arrays = run.read_arrays("features.safetensors")
    marginal = arrays.pop("marginal", np.zeros((0, 0)))
    with own_randomness():  # an encoder draws its weights before they are read
        featurizer = from_state(run.read_text("features.json"), arrays, str(run.path))
    if marginal.ndim != 2 or marginal.shape[1] != len(featurizer.targets.names) or len(marginal) == 0:
        raise InputError(f"{run.path}: the marginal distribution is damaged")
    return featurizer, marginal


def member_file(member: int) -> str:
    """Name of the file with the weights of one member."""
    return f"member-{member}.safetensors"


def save_member(run: RunDirectory, number: int, member: Member) -> None:
    """Write the weights of one member."""
    run.write_arrays(member_file(number), {name: value.detach().cpu().numpy() for name, value in member.state_dict().items()})


def blank_member(
    program: Program, networks: Callable[[], Networks], featurizer: Featurizer, configuration: Configuration, videos: Videos
) -> Member:
    """A member with everything that those of a run have, before its weights are read.

    Args:
        program: what is trained.
        networks: makes them.
        featurizer: of the run.
        configuration: of the run.
        videos: some, see `Member.setup`.
    """
    member = Member(program, networks()).setup(videos)
    if configuration.linear:
        member.linear = Linear(featurizer.shapes, len(featurizer.targets.names)).to(videos.device)
    if featurizer.growth is not None:
        member.growth = blank_member(program, networks, replace(featurizer, growth=None), configuration, videos)
    return member.eval()


def load_member(run: RunDirectory, number: int, member: Member) -> Member:
    """Read the weights of one member into `member`, which must have exactly these names and shapes."""
    _compare_layout(run, member_file(number), {name: (value.dtype, value.shape) for name, value in member.state_dict().items()})
    arrays = {name: torch.from_numpy(array) for name, array in run.read_arrays(member_file(number)).items()}
    try:
        member.load_state_dict(arrays)
    except RuntimeError as error:
        raise InputError(f"{run.path / member_file(number)}: does not fit the networks ({' '.join(str(error).split())[:300]})") from error
    return member.eval()


def check_read_again(
    program: Program, featurizer: Featurizer, configuration: Configuration, member: Member, videos: Videos, blank: Videos
) -> None:
    """Compare the forecasts of a member with those of what `load` makes of its weights.

    Args:
        program: what is trained.
        featurizer: of the run.
        configuration: of the run.
        member: as it is trained, not in training mode.
        videos: to forecast.
        blank: one that nothing is known of.

    Raises:
        InputError: they are others, or it cannot be read.
    """
    with member.tried(videos, "when its run is read"):
        torch.manual_seed(configuration.seed + 1)  # other weights than those that are read
        networks = program.build(featurizer.shapes, featurizer.targets, configuration)
        read = blank_member(program, lambda: copy.deepcopy(networks), featurizer, configuration, blank)
        read.load_state_dict(member.state_dict())

        def forecast(of: Member) -> torch.Tensor:
            torch.manual_seed(configuration.seed)
            return draw([of], videos, 20)

        if not torch.allclose(forecast(member), forecast(read.to(videos.device)), rtol=1e-3, atol=1e-3, equal_nan=True):
            raise InputError(
                "the run forecasts otherwise than what is trained, because it lacks a tensor of the networks: make it an nn.Parameter, "
                "or register it with register_buffer"
            )


def _check_program(run: RunDirectory, trained: Any, program: Program) -> None:
    """Refuse another program than the run was trained with, also one of the same names that was edited since."""
    if not isinstance(trained, dict) or not {"name", "fingerprint", "file"} <= trained.keys():
        raise InputError(f"{run.path}: does not say which program it was trained with")
    if trained["fingerprint"] == program.fingerprint:
        return
    where = f" of {trained['file']}" if trained["file"] else ""
    if trained["file"] and program.file is None:
        raise InputError(f"{run.path}: was trained with {trained['name']}{where}; name that file with --program")
    edited = ", which was edited since" if trained["name"] == program.name else f", not with {program.name}"
    raise InputError(f"{run.path}: was trained with {trained['name']}{where}{edited}; pass the functions it was trained with")


def _check_size(run: RunDirectory, configuration: Configuration, featurizer: Featurizer, build: Callable) -> None:
    """Compare every member's file with networks that take no memory yet, so that an absurd configuration costs nothing."""
    wanted: dict[str, tuple[torch.dtype, torch.Size]] = {}
    try:
        with shapes_only():
            networks = build(featurizer.shapes, featurizer.targets, configuration)
        for kind in ("experts", "decoder"):
            wanted |= {f"{kind}.{name}": (value.dtype, value.shape) for name, value in getattr(networks, kind).state_dict().items()}
    except Exception:  # whatever the caller's own networks raise where there is no memory, or no shape yet
        if build is SHIPPED.build:
            raise
        return
    for member in range(configuration.members):
        _compare_layout(run, member_file(member), wanted, networks_alone=True)


def _compare_layout(
    run: RunDirectory, name: str, wanted: Mapping[str, tuple[torch.dtype, torch.Size]], *, networks_alone: bool = False
) -> None:
    layout = run.read_layout(name)
    if networks_alone:
        layout = {key: one for key, one in layout.items() if key.startswith(("experts.", "decoder."))}
    if layout.keys() != wanted.keys():
        raise InputError(f"{run.path / name}: does not fit the networks (missing or unknown: {sorted(layout.keys() ^ wanted.keys())[0]})")
    for key, (dtype, size) in wanted.items():
        kind, shape = TYPES.get(dtype), tuple(size)
        if layout[key] != (kind, shape):
            raise InputError(f"{run.path / name}: does not fit the networks ({key} is {layout[key]}, not {(kind, shape)})")


def load_calibration(run: RunDirectory, targets: int, parts: list[str]) -> Calibration:
    """Read the stretches, (2, targets) each, and the widening, (targets,)."""
    stored = run.read_json("calibration.json")
    try:
        known, strange = (np.array(stored[name], dtype=np.float64) for name in ("known", "strangers"))
        lacking, bare, widening = (
            {part: np.array(values, dtype=np.float64) for part, values in stored.get(name, {}).items()} for name in BY_PART
        )
        optional = {name: np.array(stored[name], dtype=np.float64) for name in OPTIONAL if name in stored}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{run.path / 'calibration.json'}: damaged ({error})") from error
    shapes = [
        ((2, targets), (known, strange, *lacking.values(), *bare.values(), *optional.values())),
        ((targets,), widening.values()),
    ]
    if any(one.shape != shape or not ((one > 0) & (one < 1e6)).all() for shape, found in shapes for one in found):
        raise InputError(f"{run.path / 'calibration.json'}: not two stretches above 0 for each target")
    if not {*lacking, *bare, *widening, *([EARLY] if "read" in optional else [])} <= {*parts}:
        raise InputError(f"{run.path / 'calibration.json'}: names a part that the run does not have")
    return Calibration(known, strange, lacking, bare, widening, **optional)


def save_calibration(run: RunDirectory, calibration: Calibration) -> None:
    """Write the stretches."""
    stretches = {"known": calibration.known.tolist(), "strangers": calibration.strangers.tolist()}
    by_part = {name: {part: values.tolist() for part, values in getattr(calibration, name).items()} for name in BY_PART}
    for name in OPTIONAL:
        if getattr(calibration, name) is not None:
            stretches[name] = getattr(calibration, name).tolist()
    run.write_text("calibration.json", json.dumps(stretches | by_part) + "\n")
