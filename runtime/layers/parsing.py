"""`LABEL:EFFECT[=VALUE]` on the command line -> effects by label."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from portraitlite.runtime.blur.renderer import BlurRenderer
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.layers.effects import MAX_BRIGHTNESS, Blur, Brightness, Desaturate, Replace
from portraitlite.runtime.layers.paint import Effect
from portraitlite.runtime.photo import load_photo

__all__ = ["EFFECT_FORMS", "EffectRequest", "Effects", "make_effects", "parse_effect"]

EFFECT_FORMS = {
    "blur": "blur=STRENGTH (0 to 1)",
    "desaturate": "desaturate or desaturate=AMOUNT (0 to 1)",
    "brightness": f"brightness=FACTOR (0 to {MAX_BRIGHTNESS:g}, 1 changes nothing)",
    "replace": "replace=PICTURE",
    "hide": "hide",
}


@dataclasses.dataclass(frozen=True)
class EffectRequest:
    """One `--effect`, its form checked.

    Attributes:
        label: the layer.
        name: of `EFFECT_FORMS`.
        value: what stood behind `=`, or None.
    """

    label: str
    name: str
    value: str | None


@dataclasses.dataclass(frozen=True)
class Effects:
    """Effects ready to be applied.

    Attributes:
        by_label: in the order in which they are applied.
        hidden: labels that are not to be shown.
    """

    by_label: Mapping[str, tuple[Effect, ...]]
    hidden: frozenset[str]


def parse_effect(text: str) -> EffectRequest:
    """Read `sky:replace=sunset.jpg`.

    Raises:
        InputError: another form, or an effect that does not exist.
    """
    label, colon, rest = text.partition(":")
    name, equals, value = rest.partition("=")
    if not colon or not label or not name:
        raise InputError(f"--effect {text!r} has not the form LABEL:EFFECT; expected, say, background:blur=0.6")
    if name not in EFFECT_FORMS:
        raise InputError(f"--effect {text!r}: no effect {name!r}; there are {'; '.join(EFFECT_FORMS.values())}")
    needs_value, takes_value = name in ("blur", "brightness", "replace"), name != "hide"
    if (needs_value and not value) or (equals and not (takes_value and value)):
        raise InputError(f"--effect {text!r} has another form; expected {label}:{EFFECT_FORMS[name]}")
    return EffectRequest(label, name, value if equals else None)


def make_effects(requests: Sequence[EffectRequest], labels: Sequence[str], renderer: BlurRenderer) -> Effects:
    """Load the pictures and check the numbers.

    Args:
        labels: what the model knows.
        renderer: for blurs.

    Raises:
        InputError: a label that the model does not know, a number out of range, or a picture that cannot be read.
    """
    chosen: dict[str, list[Effect]] = {}
    for request in requests:
        if request.label not in labels:
            known = ", ".join(dict.fromkeys(labels))
            raise InputError(f"--effect {request.label}:{request.name}: no label {request.label!r}; there are {known}")
        if request.name != "hide":
            chosen.setdefault(request.label, []).append(_effect(request, renderer))
    hidden = frozenset(request.label for request in requests if request.name == "hide")
    return Effects({label: tuple(effects) for label, effects in chosen.items()}, hidden)


def _effect(request: EffectRequest, renderer: BlurRenderer) -> Effect:
    if request.name == "replace":
        return Replace(load_photo(Path(request.value or "")))
    value = 1.0 if request.value is None else _number(request)
    if request.name == "blur":
        return Blur(value, renderer)
    return Desaturate(value) if request.name == "desaturate" else Brightness(value)


def _number(request: EffectRequest) -> float:
    try:
        return float(request.value or "")
    except ValueError:
        raise InputError(
            f"--effect {request.label}:{request.name}={request.value}: {request.value!r} is no number; "
            f"expected {EFFECT_FORMS[request.name]}"
        ) from None
