"""The one training loop; it takes any model and guide.

maximise  E over videos of  E_{q(z|x)}[log p(y|z)] - kl_weight * KL(q(z|x) || p(z))          (Wang and Li, Eq. 1)
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pyro
import torch
from torch import Tensor

from features.missing import leave_out
from features.videos import Videos
from features.whole_counts import dequantiser, whole_targets
from forecast.draws import try_draws
from forecast.member import TARGET, Member, ShareOfEpoch, trace
from forecast.run.configuration import Configuration
from machine.errors import InputError
from machine.randomness import own_randomness
from program import SHIPPED, Networks, Program
from training import data_parallel
from training.checkpoint import Checkpoint
from training.flat import flatten
from training.objective import Objective
from training.watch import Best, diagnosis, epoch_numbers

LOOKS = 30  # least number of looks at the validation rows, where there are as many epochs


def fit(
    model: Callable,
    guide: Callable,
    networks: Networks,
    train: Videos,
    validation: Videos,
    configuration: Configuration,
    *,
    build: Callable = SHIPPED.build,
    checkpoint: Checkpoint | None = None,
    report: Callable[[dict[str, Any]], None] = lambda entry: None,
) -> Member:
    """Fit `networks` in place by gradient ascent on Eq. 1; returns the pair bound to them, with the weights of the best epoch.

    Validation, report and checkpoint follow each epoch; from 60 epochs on only every second, third, ... one, so that there are 30 to 60.

    Args:
        model: `model(videos, decoder, kl_weight)`, with latent sites and `popularity`.
        guide: `guide(videos, experts, kl_weight)`, with the same latent sites.
        networks: what the two are given; any modules.
        train: rows to learn from.
        validation: rows that choose the best epoch, by the CRPS of 100 draws.
        configuration: the settings; its seed decides everything random from here on.
        build: what made the networks; mistakes of one's own are told in a sentence.
        checkpoint: where to keep the state, and to go on from.
        report: called with the numbers of an epoch, per video.

    Raises:
        InputError: the pair cannot be trained or forecast, see `Member.setup`; no training or no validation row; or the loss is not finite:
            the best weights so far are kept, and the parts and rows at fault are named.
    """
    for name, videos in (("training", train), ("validation", validation)):
        if len(videos) == 0:
            raise InputError(f"no {name} row has a known target")
    program = Program(model, guide, build)
    member = Member(program, networks).setup(train)
    if program != SHIPPED:
        _try_density(member, train, configuration)
        try_draws(member, train)
    with own_randomness(train.device):
        _ascend(member, train, validation, configuration.for_rows(len(train)), checkpoint, report)
    return member


def _try_density(member: Member, train: Videos, configuration: Configuration) -> None:
    """Ask for the density of the least and the greatest popularity that is learned from, and of an unknown one if there is any.

    Raises:
        InputError: it is not finite.
    """
    some = train.rows(slice(0, 2))
    with member.tried(some, "on popularity as it is learned"):
        popularity = dequantiser(whole_targets(train.popularity, configuration.target_scale), train.device)(train).relative().popularity
        assert popularity is not None  # noqa: S101  (labelled by contract)
        unknown = popularity.isnan()
        least, greatest = popularity.nan_to_num(torch.inf).amin(0), popularity.masked_fill(unknown, -torch.inf).amax(0)
        ends = torch.stack([least, greatest])[: len(some)].masked_fill(unknown.all(0), 0.0)

    def finite(popularity: Tensor) -> bool:
        with pyro.validation_enabled(True):
            site = trace(member.model, replace(some, popularity=popularity)).nodes[TARGET]
            return bool(site["fn"].log_prob(site["value"]).isfinite().all())

    told = f"popularity from {float(ends.min()):.3g} to {float(ends.max()):.3g}"
    with member.tried(some, f"on {told}"):
        if not finite(ends):
            raise InputError(f"the model's density of {told} is not finite")
    if unknown.any():
        try:
            able = finite(ends.masked_fill(unknown.any(0), torch.nan))
        except Exception:  # whatever the model's distribution raises
            able = False
        if not able:
            raise InputError("some popularity is unknown (NaN), which the model's distribution does not allow: wrap it in NanMasked")


def _ascend(
    member: Member,
    train: Videos,
    validation: Videos,
    configuration: Configuration,
    checkpoint: Checkpoint | None,
    report: Callable[[dict[str, Any]], None],
) -> None:
    """The loop of `fit`; changes `member` in place."""
    c, count = configuration, len(train)
    torch.manual_seed(c.seed)
    steps = math.ceil(count / c.batch_size)
    # few rows make many short epochs, each of which takes less time than a look at the validation rows
    look = max(1, c.epochs // LOOKS)
    parameters = flatten(member)
    optimizer = torch.optim.AdamW(parameters, lr=c.learning_rate, weight_decay=c.weight_decay, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, c.learning_rate, total_steps=steps * c.epochs + 1)
    elbo = Objective()
    weighted_model, weighted_guide = (partial(function, kl_weight=c.kl_weight) for function in (member.model, member.guide))
    spread = dequantiser(whole_targets(train.popularity, c.target_scale), train.device)
    validation = spread(validation).relative()
    best = Best(member)
    first = checkpoint.restore(member, optimizer, schedule, best) if checkpoint else 0
    for epoch in range(first, c.epochs):
        if epoch % look == 0:
            if epoch > best.epoch + c.patience:
                break
            total = torch.zeros((), device=train.device)
        member.train()
        try:
            with pyro.validation_enabled(epoch == first):  # Pyro's checks find mistakes of the program: one epoch is enough
                for rows in data_parallel.permutation(count, epoch, c.seed, train.device).split(c.batch_size):
                    own, whole = data_parallel.share(rows)
                    left_out = (c.part_left_out, c.author_left_out, c.author_hardly_known, c.others_left_out)
                    videos = leave_out(spread(train.rows(own)).relative(), *left_out)
                    with ShareOfEpoch(member.plates, whole / count):
                        loss = elbo.differentiable_loss(weighted_model, weighted_guide, videos) / whole
                    optimizer.zero_grad(set_to_none=False)
                    loss.backward()
                    data_parallel.add_gradients(parameters)
                    torch.nn.utils.clip_grad_norm_(parameters, 5.0)
                    optimizer.step()
                    schedule.step()
                    total += loss.detach() * len(rows)
            if (epoch + 1) % look and epoch + 1 < c.epochs:
                continue
            data_parallel.add(total)
            member.eval()
            numbers = epoch_numbers(member, validation, c)
        except ValueError as error:
            # Pyro refuses distributions whose parameters are not finite; any other error is the program's own
            if "support" in str(error) and not isinstance(error, InputError):
                raise InputError(
                    f"the model's distribution does not allow what is learned: {' '.join(str(error).split())[:300]}"
                ) from error
            if "constraint" not in str(error):
                raise
            raise best.diverged(epoch, diagnosis(train), member) from error
        if not math.isfinite(float(total) + numbers["validation_crps"]):
            raise best.diverged(epoch, diagnosis(train), member)
        best.update(epoch, numbers["validation_crps"])
        report({"epoch": epoch + 1, "train_loss": float(total) / (count * (epoch % look + 1)), "best": best.epoch == epoch} | numbers)
        if checkpoint and data_parallel.RANK == 0:
            checkpoint.save(epoch + 1, member, optimizer, schedule, best)
    best.restore(member)
    member.eval()  # a resumed member may have no epoch left, and would keep its dropout
