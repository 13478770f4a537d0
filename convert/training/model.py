"""The network with its loss as one Keras model: `train_on_batch` is then the same line on every backend."""

from __future__ import annotations

import functools
from typing import Any

from portraitlite.convert.networks.layers import Network
from portraitlite.convert.training.config import TrainingConfig
from portraitlite.convert.training.losses import loss_terms, total_loss

__all__ = ["training_model"]


def training_model(network: Network, config: TrainingConfig, optimizer: Any) -> Any:
    """uint8 RGB [B, H, W, 3] and the targets of `Batch` -> loss; logs `loss` and every term.

    Args:
        network: built with an open batch size.
        config: of the run.
        optimizer: from `make_optimizer`.
    """
    model = _model_class()(network, config)
    import keras

    # JAX is slow without its compiler; TensorFlow's XLA compiles for minutes on a CPU and gains nothing there.
    model.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
    return model


@functools.cache
def _model_class() -> Any:
    import keras

    class TrainingModel(keras.Model):  # type: ignore[misc]
        def __init__(self, network: Network, config: TrainingConfig) -> None:
            super().__init__()
            self.network = network.model
            self.losses_of = config.losses
            self.subject = config.subject_index
            names = ("classes", "subject", "subject_iou", "false_subject")
            self.means = {name: keras.metrics.Mean(name) for name in names if getattr(config.losses, name)}
            spec = config.network
            self.build((None, spec.crop_height, spec.crop_width, 3))

        def call(self, image: Any, training: bool = False) -> Any:
            return self.network(keras.ops.cast(image, "float32") / 127.5 - 1, training=training)

        # Keras looks at the names of the arguments.
        def compute_loss(
            self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
        ) -> Any:
            terms = loss_terms(y_pred, y, self.losses_of, self.subject)
            for name, value in terms.items():
                self.means[name].update_state(value)
            return total_loss(terms, self.losses_of)

    return TrainingModel
