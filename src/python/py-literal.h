/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends a string as a literal of Python, in ASCII without line breaks. @text: UTF-8 */
void py_literal_append_string (GString *literal, const char *text);

/* Appends b, i, u, x, t, d, s, as or a{sv}. */
void py_literal_append (GString *literal, GVariant *value);

G_END_DECLS
