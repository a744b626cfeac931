/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* A data attribute: a GParamSpec seen from D-Bus. Internal to the action room. */

/* The key of the attribute in a caller's data: the property's name with '_' for '-'. (transfer full) */
char *hap_attribute_get_key (GParamSpec *pspec);

/* The D-Bus signature of the attribute; NULL for a property type that has none. */
const char *hap_attribute_get_signature (GParamSpec *pspec);

/* Returns: (transfer floating): `a{sv}`: name, type, help, required, default, minimum, maximum, choices, as
 * they apply */
GVariant *hap_attribute_describe (GParamSpec *pspec);

/**
 * hap_attribute_parse:
 * @value: (out): an unset GValue, initialised on success
 *
 * Errors: HAP_ERROR_INVALID_DATA, naming the key and what would be right
 */
gboolean hap_attribute_parse (GParamSpec *pspec, GVariant *variant, GValue *value, GError **error);

/* Returns: (transfer floating): the value as D-Bus has it */
GVariant *hap_attribute_serialize (GParamSpec *pspec, const GValue *value);

G_END_DECLS
