from __future__ import annotations

import pytest

from portraitlite.benchmarks.child import ChildError, run_child


def test_the_last_line_counts() -> None:
    assert run_child(["-c", "print('loading'); print('{\"a\": [1]}')"], limit_s=60) == {"a": [1]}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('no way')", "exit code 1: ValueError: no way"),
        ("import sys; sys.stderr.buffer.write(b'caf\\xe9'); sys.exit(3)", "exit code 3: caf\ufffd"),
        ("import os; os.abort()", "SIGABRT: "),
        ("import time; time.sleep(60)", "it takes more than 2 s"),
    ],
)
def test_no_answer_says_why(code: str, reason: str) -> None:
    with pytest.raises(ChildError) as caught:
        run_child(["-c", code], limit_s=2 if "sleep" in code else 60)
    assert str(caught.value) == reason
