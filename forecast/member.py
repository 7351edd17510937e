"""One trained network of an ensemble: a program and the networks that it was given, as functions of videos alone."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import pyro
import torch
from pyro import poutine
from pyro.infer.autoguide import AutoGuide
from torch import Tensor, nn

from features.videos import EARLY, Videos
from machine.errors import InputError
from machine.randomness import own_randomness
from program import SHIPPED, Networks, Program
from program.linear import Beside, Linear

WEIGHT = 0.5  # any KL weight but 1, so that what it scales can be seen
TARGET = "popularity"  # the model's observed site
INSTEAD = "use .to_event(1) instead of a second plate"


class Member(nn.Module):
    """Model and guide of a program, with everything of theirs that is trained.

    Parameters lie in this module and nowhere else: those of the networks, of a model or guide that is a module itself (an AutoGuide, a
    PyroModule), and those that `pyro.param` and `pyro.module` make inside the functions. Pyro's global store is as before after each call.

    Args:
        program: model, guide and build.
        networks: `experts` and `decoder`, modules of torch.

    Attributes:
        linear: a linear forecast that the model's is pooled with, None while the networks are trained.
        growth: the member that forecasts videos which were read before: these grow by other laws; None: this one does.
        parameters_by_name: what `pyro.param` and `pyro.module` made, unconstrained; filled by `setup`.
        plates: names of the plates that the target lies in; a latent site outside of them is shared by all videos.
    """

    def __init__(self, program: Program, networks: Networks) -> None:
        super().__init__()
        self.experts, self.decoder = networks.experts, networks.decoder
        self._model, self._guide = own(program.model), own(program.guide)
        self.linear: Linear | None = None
        self.growth: Member | None = None
        self.parameters_by_name = nn.ParameterDict()
        self.plates: frozenset[str] = frozenset({"videos"})
        self._shipped = program == SHIPPED
        self._names: dict[str, str] = {}
        self._constraints: dict[str, Any] = {}

    def model(self, videos: Videos, kl_weight: float = 1.0) -> None:
        """The model of N videos: all its latent sites, and `popularity`."""
        pooled = nullcontext() if self.linear is None else Beside(TARGET, self.linear, videos)
        with self._parameters_in_store(), pooled:
            self._model(videos, decoder=self.decoder, kl_weight=kl_weight)

    def guide(self, videos: Videos, kl_weight: float = 1.0) -> None:
        """The guide of N videos: all its latent sites."""
        with self._parameters_in_store():
            self._guided(videos, kl_weight)

    def _guided(self, videos: Videos, kl_weight: float) -> None:
        if isinstance(self._guide, AutoGuide):  # it runs the model to learn its sites, and knows no weight
            with poutine.scale(scale=kl_weight):
                self._guide(videos, decoder=self.decoder, kl_weight=kl_weight)
        else:
            self._guide(videos, experts=self.experts, kl_weight=kl_weight)

    @contextmanager
    def _parameters_in_store(self) -> Iterator[None]:
        """Pyro's store holds the parameters of this member inside, and what it held before afterwards."""
        held = {name: self.parameters_by_name[key] for name, key in self._names.items()}
        with pyro.get_param_store().scope({"params": held, "constraints": dict(self._constraints)}):
            yield

    def setup(self, videos: Videos) -> "Member":
        """Find out, on some videos, which parameters and sites the functions have; no random number outside is used up.

        Raises:
            InputError: a pair that cannot be trained or forecast, with the reason.
        """
        some = videos.rows(slice(0, 3))
        self.eval()  # so few videos have no statistics
        with self.tried(some, f"on {len(some)} videos"):
            with pyro.get_param_store().scope() as state:
                self._guided(some, WEIGHT)
                self._model(some, decoder=self.decoder, kl_weight=WEIGHT)
            self._adopt(state)
            self._check_sites(some)
        return self

    @contextmanager
    def tried(self, videos: Videos, how: str) -> Iterator[None]:
        """Whatever a user's functions raise inside is one sentence; no random number outside is used up.

        Raises:
            InputError: that the functions fail `how`, with the reason.
        """
        with own_randomness(videos.device), pyro.validation_enabled(False), torch.no_grad():
            try:
                yield
            except InputError:
                raise
            except Exception as error:  # whatever a user's functions raise
                if self._shipped:
                    raise
                said = " ".join(str(error).partition("Trace Shapes:")[0].split())[:200]  # what Pyro adds names sites by the hundred
                what, collide, _ = said.partition(" Try moving the dim")
                said = f"{what}, which is for draws: {INSTEAD}" if collide and '"draws"' in what else said
                raise InputError(f"the model or the guide fails {how}: {type(error).__name__}: {said}") from error

    def _adopt(self, state: Any) -> None:
        """Keep what the functions made in Pyro's store, but for what belongs to the networks already."""
        own = {id(parameter) for parameter in self.parameters()}
        for name, value in sorted(state["params"].items()):
            if id(value) not in own:
                key = name.replace(".", "/")
                if other := [one for one, of_it in self._names.items() if of_it == key]:
                    raise InputError(f"pyro.param: {other[0]!r} and {name!r} cannot be told apart in a run; rename one of them")
                self.parameters_by_name[key] = nn.Parameter(value.detach().clone())
                self._names[name], self._constraints[name] = key, state["constraints"][name]

    def _check_sites(self, videos: Videos) -> None:
        guided, modelled = (trace(function, videos, WEIGHT) for function in (self.guide, self.model))
        target = modelled.nodes.get(TARGET)
        if target is None or (videos.popularity is not None and not target["is_observed"]):
            raise InputError(f"the model has no site {TARGET!r} that observes videos.popularity")
        if videos.popularity is not None and not _agree(target["value"], videos.popularity):
            raise InputError(f"the site {TARGET!r} observes something else than videos.popularity, which is what is forecast and scored")
        self.plates = frozenset(frame.name for frame in target["cond_indep_stack"])
        latent = {name for name, site in modelled.nodes.items() if is_latent(site) and name != TARGET}
        inferred = set(latent_sites(guided))
        if not inferred:
            raise InputError("the guide has no latent site")
        if inferred != latent:
            name = sorted(inferred ^ latent)[0]
            there, lacking = ("guide", "model") if name in inferred else ("model", "guide")
            raise InputError(f"the latent site {name!r} of the {there} is not in the {lacking}")
        fewer = latent_sites(trace(self.guide, videos.rows(slice(0, 1))))
        for name, site in fewer.items():
            if not shared(site, self.plates) and site["fn"].batch_shape[-1:] != (1,):
                raise InputError(f"the guide's site {name!r} has parameters for each single video, so it cannot forecast others")
            if not shared(site, self.plates) and any(size > 1 for size in site["fn"].batch_shape[:-1]):
                raise InputError(f"the guide's site {name!r} lies in a second plate, whose dimension is for draws: {INSTEAD}")
        for name in sorted(inferred):
            if guided.nodes[name]["scale"] != modelled.nodes[name]["scale"]:
                raise InputError(f"the latent site {name!r} is weighed by kl_weight in the model or in the guide, but not in both")


Kinds = list[tuple[Tensor | slice, list[Member]]]  # rows, and the members that forecast them


def by_kind(members: Sequence[Member], videos: Videos) -> Kinds:
    """The videos that were not read before, those that were, and the members of each kind. Where all are of one kind, it is alone."""
    growth = [member.growth for member in members if member.growth is not None] if EARLY in videos else []
    if not growth:
        return [(slice(None), [*members])]
    read = videos[EARLY].present
    if not bool(read.any()) or bool(read.all()):
        return [(slice(None), growth if len(read) and bool(read[0]) else [*members])]
    return [((~read).nonzero().flatten(), [*members]), (read.nonzero().flatten(), growth)]


def in_order(pieces: Sequence[Tensor], kinds: Kinds, dim: int = 0) -> Tensor:
    """What was found for the videos of each kind, along `dim`, in the order of all videos."""
    if len(pieces) == 1:
        return pieces[0]
    rows = torch.cat([one for one, _ in kinds if isinstance(one, Tensor)])
    return torch.cat([*pieces], dim=dim).index_select(dim, rows.argsort())


def own(function: Callable) -> Callable:
    """A function as it is; a module as a copy, so that every member trains parameters of its own."""
    if not isinstance(function, nn.Module):
        return function
    model = function.model if isinstance(function, AutoGuide) else None
    copied = copy.deepcopy(function)
    if isinstance(function, AutoGuide):  # copying makes both forget their model
        function._model = copied._model = (model,)  # type: ignore[assignment]
    return copied


def trace(function: Callable, *arguments: Any) -> Any:
    """The trace of one run, see `pyro.poutine.trace`."""
    return poutine.trace(function).get_trace(*arguments)


def _agree(observed: Tensor, popularity: Tensor) -> bool:
    """Whether both are the same wherever popularity is known."""
    return observed.shape == popularity.shape and bool((popularity.isnan() | (observed == popularity)).all())


def is_latent(site: Any) -> bool:
    """Whether a site of a trace is drawn, and not observed, auxiliary or a plate's own."""
    observed = site["type"] != "sample" or site["is_observed"] or poutine.util.site_is_subsample(site)
    return not observed and not site["infer"].get("is_auxiliary", False)


def latent_sites(found: Any) -> dict[str, Any]:
    """The latent sites of a trace by name."""
    return {name: site for name, site in found.nodes.items() if is_latent(site)}


def shared(site: Any, plates: frozenset[str]) -> bool:
    """Whether a site lies outside `plates`, so that all videos share it."""
    return not any(frame.name in plates for frame in site["cond_indep_stack"])


class ShareOfEpoch(poutine.messenger.Messenger):
    """Scales the sites that all videos share by `share`, the batch's share of the training videos: over an epoch they count once."""

    def __init__(self, plates: frozenset[str], share: float) -> None:
        super().__init__()
        self.plates, self.share = plates, share

    def _pyro_sample(self, message: Any) -> None:
        if not message["is_observed"] and shared(message, self.plates):
            message["scale"] = message["scale"] * self.share
