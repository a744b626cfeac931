# SPDX-License-Identifier: LGPL-2.1-or-later
"""Never leaves the CPU."""
number = 0
print("ready", flush=True)
while True:
    number = (number + 1) % 1000000
