# SPDX-License-Identifier: LGPL-2.1-or-later
# Reads a .cprof from stdin with the pstats of the Python that runs it (2.7 and 3), and prints what it found as JSON.
import json
import os
import pstats
import sys
import tempfile

handle, path = tempfile.mkstemp()
try:
    with os.fdopen(handle, "wb") as copy:
        copy.write(getattr(sys.stdin, "buffer", sys.stdin).read())
    with open(os.devnull, "w") as nowhere:
        stats = pstats.Stats(path, stream=nowhere)
        found = {"functions": len(stats.stats), "tt": stats.total_tt}
        stats.add(path)
        stats.sort_stats("cumulative")
        if sys.version_info >= (3,):
            stats.print_stats()
            stats.print_callers()
            stats.print_callees()
        stats.strip_dirs()
        stats.calc_callees()
        if hasattr(stats, "get_stats_profile"):
            stats.get_stats_profile()
    print(json.dumps(found))
finally:
    os.unlink(path)
