/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * objects_mask:
 * @text: UTF-8
 *
 * Returns: (transfer full): the text with what looks like a secret in it masked: after the name of one
 * ("password": '…', token=…), of a form that only secrets have (Bearer …, JSON web tokens, user:password@ in
 * addresses)
 */
char *objects_mask (const char *text);

G_END_DECLS
