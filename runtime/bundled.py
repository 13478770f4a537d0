"""The models that come with portraitlite, by name."""

from __future__ import annotations

from pathlib import Path

from portraitlite.runtime.errors import InputError

__all__ = ["BUNDLED", "DEFAULT_MODEL", "MODELS_FOLDER", "SCENE_MODEL", "model_for", "resolve_model"]

MODELS_FOLDER = Path(__file__).parent / "models"
BUNDLED = {
    "portrait": "portrait_int8.tflite",
    "portrait_fp16": "portrait_fp16.tflite",
    "scene": "scene_int8.tflite",
    "scene_fp16": "scene_fp16.tflite",
}
DEFAULT_MODEL = "portrait"  # the person against the rest
SCENE_MODEL = "scene"  # 21 classes and sky
MAX_MODEL_BYTES = 1 << 30


def model_for(subject: str, held: tuple[str, ...] | None) -> str:
    """The bundled model that knows what shall stay sharp; for people alone the one with the better person masks."""
    return DEFAULT_MODEL if subject == "person" and not held else SCENE_MODEL


def resolve_model(model: str | Path) -> Path:
    """A bundled model's name or a path -> the path of an existing file.

    Raises:
        InputError: no such file, a folder, or larger than 1 GiB.
    """
    path = MODELS_FOLDER / BUNDLED[str(model)] if str(model) in BUNDLED else Path(model)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a .tflite file")
    if not path.is_file():
        raise InputError(
            f"{path} does not exist; give a .tflite file or one of the bundled models: {', '.join(BUNDLED)}"
        )
    if path.stat().st_size > MAX_MODEL_BYTES:
        raise InputError(
            f"{path.name} has {path.stat().st_size} bytes; models up to {MAX_MODEL_BYTES >> 20} MiB are read"
        )
    return path
