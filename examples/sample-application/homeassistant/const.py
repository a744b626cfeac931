# SPDX-License-Identifier: LGPL-2.1-or-later
"""Constants."""

__version__ = "0.0.0.sample"
