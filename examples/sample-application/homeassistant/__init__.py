# SPDX-License-Identifier: LGPL-2.1-or-later
"""The core of the sample application."""
