"""Tabular networks with quantile heads: TabM (the authors' package) and RealMLP (pytabkit).

They find on the held rows how many epochs are best, and learn again from all rows, so many; columns stay those that the other rows make.
"""

import contextlib
import io
import warnings

import numpy as np
import pandas as pd
import torch
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import QuantileTransformer

from benchmarks.peers.columns import Task
from benchmarks.peers.forecasts import LEVELS, Forecast, Quantiles

PATIENCE = 6
EPOCHS = 14  # of a one-cycle schedule: better and sooner than a constant rate here


def tabm(task: Task) -> dict[str, Forecast]:
    """TabM with piecewise-linear embeddings; one network for the quantiles of all targets, averaged over its members."""
    torch.manual_seed(task.seed)
    torch.set_num_threads(task.threads)
    columns = _columns(task.train.encoded, task.seed)
    x, x_held, x_test = (_tensor(columns.transform(share.encoded)) for share in (task.train, task.held, task.test))
    centre, spread = task.train.targets.mean(), task.train.targets.std()
    y, y_held = (_tensor((share.targets - centre) / spread) for share in (task.train, task.held))
    epochs = _fit_tabm(x, y, (x_held, y_held))[1]
    network, _ = _fit_tabm(torch.cat([x, x_held]), torch.cat([y, y_held]), last=epochs)
    quantiles = _predict(network, x_test)
    names = list(task.train.targets)
    return {name: Quantiles(quantiles[:, k] * spread[name] + centre[name]) for k, name in enumerate(names)}


def realmlp(task: Task) -> dict[str, Forecast]:
    """RealMLP with its tuned defaults, fewer and larger steps, and a quantile loss; one network a target."""
    from pytabkit import RealMLP_TD_Regressor

    torch.set_num_threads(task.threads)
    loss = f"multi_pinball({','.join(map(str, LEVELS))})"
    columns = make_pipeline(SimpleImputer(strategy="median", add_indicator=True)).fit(task.train.encoded)
    x, x_held, x_test = (columns.transform(share.encoded).astype(np.float32) for share in (task.train, task.held, task.test))
    forecasts: dict[str, Forecast] = {}
    for name in task.train.targets:
        y, y_held = (share.targets[name].to_numpy(np.float32) for share in (task.train, task.held))
        known, known_held = np.isfinite(y), np.isfinite(y_held)
        model = RealMLP_TD_Regressor(
            device="cpu",
            random_state=task.seed,
            n_threads=task.threads,
            n_epochs=48,
            batch_size=min(512, max(64, len(x) // 64)),
            n_refit=1,
            train_metric_name=loss,
            val_metric_name=loss,
        )
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            model.fit(x[known], y[known], x_held[known_held], y_held[known_held])
            forecasts[name] = Quantiles(model.predict(x_test).astype(np.float64))
    return forecasts


def _columns(train: pd.DataFrame, seed: int) -> Pipeline:
    """Fill gaps and give every column a Normal shape."""
    normal = QuantileTransformer(output_distribution="normal", n_quantiles=min(1000, len(train)), random_state=seed)
    return make_pipeline(SimpleImputer(strategy="median", add_indicator=True), normal).fit(train)


def _tabm(x: torch.Tensor, targets: int) -> torch.nn.Module:
    from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins
    from tabm import TabM

    # an indicator that is constant in training has no bins
    embeddings = PiecewiseLinearEmbeddings(compute_bins(x, n_bins=24), d_embedding=8, activation=False, version="B")
    return TabM.make(n_num_features=x.shape[1], d_out=targets * len(LEVELS), num_embeddings=embeddings, k=16, d_block=256, dropout=0.25)


def _fit_tabm(
    x: torch.Tensor, y: torch.Tensor, held: tuple[torch.Tensor, torch.Tensor] | None = None, *, last: int = EPOCHS
) -> tuple[torch.nn.Module, int]:
    """Train every member on its own loss; a network after `last` epochs, and after how many its average forecasts the held rows best."""
    network = _tabm(x, y.shape[1])
    batch = min(512, max(32, len(x) // 64))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, epochs=EPOCHS, steps_per_epoch=-(-len(x) // batch))
    best, found = np.inf, last
    for epoch in range(1, last + 1):
        network.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            _pinball(_shaped(network(x[rows]), y), y[rows, None]).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        if held is not None:
            loss = float(_pinball(_tensor(_predict(network, held[0]))[:, None], held[1][:, None]))
            best, found = min((best, found), (loss, epoch))
            if epoch - found >= PATIENCE:
                break
    return network, found


@torch.inference_mode()
def _predict(network: torch.nn.Module, x: torch.Tensor) -> np.ndarray:
    """Quantiles (N, K, Q), averaged over the members."""
    network.eval()
    parts = [network(rows).mean(dim=1).unflatten(-1, (-1, len(LEVELS))) for rows in x.split(1024)]
    return torch.cat(parts).sort(dim=-1).values.double().numpy()


def _shaped(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """(B, members, K * Q) -> (B, members, K, Q)."""
    return out.unflatten(-1, (y.shape[1], len(LEVELS)))


def _pinball(quantiles: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Pinball loss of quantiles (B, members, K, Q) at truths (B, 1, K); unknown ones do not count."""
    error = y[..., None] - quantiles
    levels = torch.tensor(LEVELS)
    loss = torch.maximum(levels * error, (levels - 1) * error)
    return loss[(y.isfinite())[..., None].expand_as(loss)].mean()


def _tensor(values: np.ndarray | pd.DataFrame) -> torch.Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float32)
