"""`python -m pytest_tmsreport` is `tmsreport`."""

from .cli import main

main()
