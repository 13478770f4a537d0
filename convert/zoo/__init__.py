"""The official DeepLab model zoo: what it lists, where its tarballs lie, and how one is fetched."""

from portraitlite.convert.zoo.catalogue import BACKBONES, MODELS, find_model, is_zoo_name
from portraitlite.convert.zoo.folder import default_zoo_dir, find_in_zoo
from portraitlite.convert.zoo.model import PublishedResult, ZooModel

__all__ = [
    "BACKBONES",
    "MODELS",
    "PublishedResult",
    "ZooModel",
    "default_zoo_dir",
    "find_in_zoo",
    "find_model",
    "is_zoo_name",
]
