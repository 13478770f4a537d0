"""Adam with a learning rate per variable, and its schedule."""

from __future__ import annotations

import functools
import math
from typing import Any

from portraitlite.convert.networks.layers import Network, layer_name
from portraitlite.convert.training.config import ScheduleConfig
from portraitlite.runtime.errors import InputError

__all__ = ["make_optimizer", "rate_factor", "rates_by_layer"]


def rates_by_layer(network: Network, rates: dict[str, float]) -> dict[str, float]:
    """Keras layer name -> peak learning rate, from prefixes of the official scopes; the longest that fits counts.

    Raises:
        InputError: a scope that no prefix fits, or a prefix that fits no scope.
    """
    result, used = {}, set()
    for row in network.rows:
        fitting = [prefix for prefix in rates if row.scope.startswith(prefix)]
        if not fitting:
            raise InputError(f"schedule.rates has no prefix for {row.scope}; add one, or '' for all others")
        used.add(longest := max(fitting, key=len))
        result[layer_name(row.scope)] = rates[longest]
    if unused := sorted(rates.keys() - used):
        raise InputError(f"schedule.rates: no variable begins with {unused[0]!r}")
    return result


def rate_factor(step: int, schedule: ScheduleConfig) -> float:
    """Factor of all rates at a step (0-based): linear warm-up, then a cosine down to `final_fraction`."""
    warm = min(1.0, (step + 1) / max(1, schedule.warmup_steps))
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / schedule.steps)))
    return warm * (schedule.final_fraction + (1 - schedule.final_fraction) * cosine)


def make_optimizer(schedule: ScheduleConfig, rates: dict[str, float]) -> Any:
    """Adam, clipped by the norm of all gradients, with averaged weights; its learning rate is a factor of `rates`."""
    return _adam_class()(
        rates=rates,
        learning_rate=1.0,
        global_clipnorm=schedule.clip_norm,
        use_ema=True,
        ema_momentum=schedule.ema,
        ema_overwrite_frequency=None,
    )


@functools.cache
def _adam_class() -> Any:
    import keras

    class AdamByLayer(keras.optimizers.Adam):  # type: ignore[misc]
        def __init__(self, *, rates: dict[str, float], **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.rates = rates

        def build(self, variables: list[Any]) -> None:
            super().build(variables)
            self.rate_of = [self.rates[variable.path.split("/")[-2]] for variable in variables]

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            # TensorFlow hands its own variables in here; the index is what every backend knows.
            rate = self.rate_of[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * rate)

    return AdamByLayer
