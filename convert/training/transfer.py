"""Surgery on starting weights, by named rules: what a network of other heads knows is carried over, nothing is guessed.

A rule is `NAME:ARGUMENT`:

    residual:decoder/person   a one-channel decoder logit becomes the subject's column of `decoder/residual`
    residual                  `decoder/residual` starts at zero
    append:CLASS              classes that the start lacks begin as copies of class number CLASS, 3 lower in logit
    fresh:SCOPE/              variables of SCOPE that are absent start as the network initialised them

With r the residual of the subject alone, softmax(l + r e_s)[s] = sigmoid(l_s - logsumexp(l_others) + r): the first rule
keeps a two-class decoder's answer exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from portraitlite.convert.networks.build import LOGITS_SCOPE, RESIDUAL_SCOPE
from portraitlite.runtime.errors import InputError

__all__ = ["transfer"]

Variables = dict[str, npt.NDArray[np.float32]]
NEW_CLASS_OFFSET = -3.0  # a twentieth of the copied class: small enough to change nothing, large enough to learn from


def transfer(
    rules: tuple[str, ...], start: Mapping[str, npt.NDArray[np.float32]], fresh: Variables, subject: int
) -> Variables:
    """Apply `rules` in order.

    Args:
        rules: see the module.
        start: official variables to start from.
        fresh: official variables of the new network as initialised; gives names and shapes.
        subject: class index of the subject.

    Raises:
        InputError: unknown rule, or its variables are absent.
    """
    variables = dict(start)
    for rule in rules:
        name, _, argument = rule.partition(":")
        if name not in RULES:
            raise InputError(f"unknown transfer rule {rule!r}; known are {', '.join(RULES)}")
        RULES[name](variables, fresh, subject, argument)
    return variables


def _residual(variables: Variables, fresh: Variables, subject: int, scope: str) -> None:
    for part in ("weights", "biases"):
        column = np.zeros_like(_wanted(fresh, f"{RESIDUAL_SCOPE}/{part}"))
        if scope:
            single = _wanted(variables, f"{scope}/{part}", remove=True)
            if single.shape != (*column.shape[:-1], 1):
                raise InputError(f"{scope}/{part} is {list(single.shape)}, expected {[*column.shape[:-1], 1]}")
            column[..., subject] = single[..., 0]
        variables[f"{RESIDUAL_SCOPE}/{part}"] = column


def _append(variables: Variables, fresh: Variables, subject: int, copied: str) -> None:
    for part, offset in (("weights", 0.0), ("biases", NEW_CLASS_OFFSET)):
        name = f"{LOGITS_SCOPE}/{part}"
        old, wanted = _wanted(variables, name), _wanted(fresh, name).shape
        if old.shape[:-1] != wanted[:-1] or old.shape[-1] > wanted[-1]:
            raise InputError(f"{name} is {list(old.shape)}; it cannot grow to {list(wanted)}")
        if not copied.isdecimal() or int(copied) >= old.shape[-1]:
            raise InputError(f"append:{copied} must name a class number of the start, 0..{old.shape[-1] - 1}")
        new = np.repeat(old[..., int(copied), None] + np.float32(offset), wanted[-1] - old.shape[-1], axis=-1)
        variables[name] = np.concatenate([old, new], axis=-1)


def _fresh(variables: Variables, fresh: Variables, subject: int, scope: str) -> None:
    for name in fresh.keys() - variables.keys():
        if name.startswith(scope):
            variables[name] = fresh[name]


def _wanted(variables: Variables, name: str, *, remove: bool = False) -> npt.NDArray[np.float32]:
    if name not in variables:
        raise InputError(f"a transfer rule needs the variable {name}, which is absent; check start.transfer")
    return variables.pop(name) if remove else variables[name]


RULES: dict[str, Callable[[Variables, Variables, int, str], None]] = {
    "residual": _residual,
    "append": _append,
    "fresh": _fresh,
}
