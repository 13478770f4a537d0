"""Opens thousands of damaged pictures and models: `python tests/fuzz/run.py --cases 10000 --seed 1`.

Prints one line for each finding and a table at the end; exit code 1 if there is a finding: a process that died, a hang,
or an error that is not a PortraitLiteError. `--case N` repeats one case of a seed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from functools import partial

import numpy as np
import seeds
from model_mutations import mutate_model
from mutations import mutate
from opening import FINE, REFUSED, open_file
from sandbox import Sandbox


def damaged(name: str, data: bytes, seed: int, case: int) -> bytes:
    """The data of one case; three of four models stay valid flatbuffers, as the runtimes refuse others at once."""
    generator = np.random.default_rng((seed, case))
    inside = name.endswith(".tflite") and generator.random() < 0.75
    return (mutate_model if inside else mutate)(data, generator)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="only this one")
    parser.add_argument("--kind", choices=("all", "images", "models"), default="all")
    parser.add_argument("--bare", action="store_true", help="no trial: how often models crash the runtime itself")
    options = parser.parse_args()
    files: dict[str, bytes] = {}
    if options.kind != "models":
        files |= seeds.images()
    if options.kind != "images":
        files |= seeds.models()
    names = sorted(files)
    counts: Counter[tuple[str, str]] = Counter()
    begin = time.monotonic()
    with Sandbox(partial(open_file, trial=not options.bare)) as sandbox:
        for name in names:
            if (outcome := sandbox.run(name, files[name])) != FINE:
                raise SystemExit(f"{name} does not work undamaged: {outcome}")
        for case in range(options.cases) if options.case is None else [options.case]:
            name = names[case % len(names)]
            outcome = sandbox.run(name, damaged(name, files[name], options.seed, case))
            if outcome not in (FINE, REFUSED):
                print(f"case {case} of seed {options.seed}, {name}: {outcome}", flush=True)
                outcome = "finding"
            counts[name, outcome] += 1
    print(f"{'file':<18} {'fine':>6} {'refused':>8} {'findings':>9}")
    for name in names:
        row = [counts[name, outcome] for outcome in (FINE, REFUSED, "finding")]
        print(f"{name:<18} {row[0]:>6} {row[1]:>8} {row[2]:>9}")
    fine, refused, findings = (
        sum(n for (_, outcome), n in counts.items() if outcome == kind) for kind in (FINE, REFUSED, "finding")
    )
    print(f"{fine + refused + findings} cases, {fine} fine, {refused} refused, {findings} findings")
    print(f"{time.monotonic() - begin:.0f} s")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
