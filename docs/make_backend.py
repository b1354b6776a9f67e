"""Run ONNX's backend suite at every cut and write what came of it; `make campaigns` runs this."""

import sys
from pathlib import Path

from cutpoint.testing.backend_report import count_line, write_report
from cutpoint.testing.backend_suite import KINDS, backend_tests
from cutpoint.testing.backend_verdict import judge
from cutpoint.testing.uncut import development_opsets

REPORT = Path(__file__).parent / "reports/backend"


def main() -> None:
    """Write the report; fail if an answer is wrong."""
    with development_opsets():
        verdicts = [judge(test) for test in backend_tests(*KINDS)]
    write_report(verdicts, REPORT)
    print(count_line(verdicts))  # noqa: T201
    if any(verdict.wrong for verdict in verdicts):
        sys.exit(1)


if __name__ == "__main__":
    main()
