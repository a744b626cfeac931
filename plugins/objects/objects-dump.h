/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/**
 * DumpLogObjects: what each object of a type says of itself.
 *
 * An entry has the message "TYPE object in memory: REPR", or "… Failed to serialize <class 'x'>", and the
 * fields class s, module s, integration s and kind s (where its class is an integration's or Home
 * Assistant's), cut t (characters that were left out), failed s (why there is no text). A last entry, if
 * anything was left out, has objects t, overflowed t (not among the entries), cut t, failed t, missing t (in
 * no list). The artifact object_dump.US.txt has a line for each object, where control characters are escaped.
 */
#define OBJECTS_TYPE_DUMP (objects_dump_get_type ())
G_DECLARE_FINAL_TYPE (ObjectsDump, objects_dump, OBJECTS, DUMP, HapAction)

G_END_DECLS
