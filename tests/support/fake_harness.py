#!/usr/bin/env python3
"""Stands in for the native harness on the double of a phone: the same command line and document, made-up times.

A file `behaviour` beside the phone's file system (its path is put in here) says what shall go wrong.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

BEHAVIOUR = Path("@BEHAVIOUR@")


def main() -> int:
    mode, words = sys.argv[1], sys.argv[2:]
    pairs = [(name.removeprefix("--"), value) for name, value in zip(words[::2], words[1::2], strict=True)]
    options = dict(pairs)
    calls = BEHAVIOUR.with_name("calls.jsonl")
    with calls.open("a") as log:
        log.write(json.dumps({"mode": mode, "options": options}) + "\n")
    turn = len(calls.read_text().splitlines())
    what, _, since = (BEHAVIOUR.read_text().strip() if BEHAVIOUR.exists() else "").partition(" from ")
    if what and turn >= int(since or 1):
        return misbehave(what, mode, options)
    for name, value in pairs:
        if name == "output":
            tensor, _, path = value.partition("=")
            Path(path).write_bytes(BEHAVIOUR.with_name(tensor).read_bytes())
        if name == "dump":
            Path(value, "plan.bin").write_bytes(b"plan")
    return answer(document(mode, options), 0)


def misbehave(what: str, mode: str, options: dict[str, str]) -> int:
    if what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if what in ("hang", "slow"):
        BEHAVIOUR.with_name("hanging").touch()
        time.sleep(60 if what == "hang" else 1.5)
        return answer(document(mode, options), 0)
    if what == "garbage":
        sys.stdout.buffer.write(bytes(range(256)) * 20)
        return 0
    if what == "cut":
        print('{"schema": "portraitlite-harness/1", "mode": "run", "exit_code": 0, "timing": {"total_')
        return 0
    if what == "no end":
        print(json.dumps(document(mode, {})))
        return 0
    if what == "no times":
        return answer(document(mode, {}) | {"timing": {"total_ms": ["x"]}}, 0)
    if what == "linker":
        print('CANNOT LINK EXECUTABLE: library "libc.so.6" not found\x1b[31m', file=sys.stderr)
        return 1
    kind, code = {"old library": ("litert", 3), "bad model": ("input", 2)}[what]
    found: dict[str, object] = {"schema": "portraitlite-harness/1", "mode": mode, "exit_code": code}
    return answer(found | {"error": {"kind": kind, "message": f"{what}: status 500"}}, code)


def document(mode: str, options: dict[str, str]) -> dict[str, object]:
    runs, warm_up = int(options.get("runs", 1)), int(options.get("warm-up", 1))
    model = Path(options["model"]).read_bytes() if "model" in options else b""
    base = 1.0 + len(model) / 1e6 / int(options.get("threads", 1))
    total = [round(base * (1 + 0.01 * (i % 3)), 4) for i in range(runs)]
    return {
        "schema": "portraitlite-harness/1",
        "mode": mode,
        "exit_code": 0,
        "error": None,
        "cpus": {"asked": options.get("cpus"), "allowed": options.get("cpus", "3f"), "at_start": 0, "at_end": 0},
        "library": {"sha256": hashlib.sha256(Path(options["library"]).read_bytes()).hexdigest()} if options else {},
        "models": [{"role": "model", "load_ms": 2.0, "compile_ms": 3.0, "delegation": "partial_or_none"}],
        "timing": {
            "warm_up_ms": [2 * base] * warm_up,
            "total_ms": total,
            "stages_ms": {"invoke": [round(0.9 * value, 4) for value in total], "read": [0.1] * runs},
            "stopped_early": False,
        },
        "memory": dict.fromkeys(
            ("peak_before_load_bytes", "peak_before_compile_bytes", "peak_after_compile_bytes", "peak_bytes"), 9_000_000
        ),
        "result": {},
    }


def answer(found: dict[str, object], code: int) -> int:
    print("INFO: a line of somebody's log", file=sys.stderr)
    print(json.dumps(found))
    print(f"portraitlite_harness end {code}")
    return code


sys.exit(main())
