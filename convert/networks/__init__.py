"""The official networks in Keras: one module per backbone, one per head, and `build_network` over them."""

from portraitlite.convert.networks.build import build_network
from portraitlite.convert.networks.layers import Network, VariableRow

__all__ = ["Network", "VariableRow", "build_network"]
