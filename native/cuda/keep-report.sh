#!/bin/sh
# keep-report.sh FILE COMMAND…: runs a compiler, and keeps a copy of what it says in FILE.
report="$1"
shift
"$@" >"$report" 2>&1
status=$?
# The resource report is long, and only the test wants it.
grep -v -e '^ptxas info' -e '^ *[0-9]* bytes stack frame' "$report" >&2
exit $status
