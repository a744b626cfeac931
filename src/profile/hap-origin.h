/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HapOriginKind: who wrote a piece of code, from most to least telling. An integration is what a user can
 * update or remove.
 */
typedef enum
{
  HAP_ORIGIN_INTEGRATION, /* homeassistant.components.NAME */
  HAP_ORIGIN_CUSTOM,      /* custom_components.NAME */
  HAP_ORIGIN_CORE,        /* the rest of homeassistant */
  HAP_ORIGIN_APPLICATION, /* none of the others: scripts, __main__, what runs outside of Home Assistant */
  HAP_ORIGIN_LIBRARY,     /* an installed distribution: site-packages, dist-packages */
  HAP_ORIGIN_STDLIB,      /* Python's own, frozen and built-in code included */
} HapOriginKind;

#define HAP_ORIGIN_IS_INTEGRATION(kind) ((kind) == HAP_ORIGIN_INTEGRATION || (kind) == HAP_ORIGIN_CUSTOM)

/* "integration", "custom", "core", "application", "library", "stdlib": as in the D-Bus results */
const char *hap_origin_kind_to_string (HapOriginKind kind);

/* An interned origin: compare by pointer; lives as long as the program. @name: "zha", "Home Assistant",
 * "aiohttp", "Python". */
typedef struct
{
  HapOriginKind kind;
  char *name;
} HapOrigin;

/**
 * hap_origin_of_file:
 * @filename: co_filename: a path, "<frozen importlib._bootstrap>", "<string>", ...; hostile
 *
 * Never fails. At most 4,096 distinct origins: later ones become "(others)" of their kind.
 */
const HapOrigin *hap_origin_of_file (const char *filename);

/**
 * hap_origin_of_module:
 * @module: `__name__` of a module, `__module__` of a class: "homeassistant.components.zha.core"; hostile
 *
 * Returns: (nullable): an integration or Home Assistant's core; NULL for all others, which a name alone does
 * not tell apart
 */
const HapOrigin *hap_origin_of_module (const char *module);

/**
 * hap_origin_of_frames:
 * @outer: (nullable): of the frames from the outermost on; NULL: there is none yet
 * @inner: of the next frame
 *
 * Whose a stack is: the innermost integration's, whatever runs below it; without any, the most telling
 * kind's, the inner of equals.
 */
const HapOrigin *hap_origin_of_frames (const HapOrigin *outer, const HapOrigin *inner);

G_END_DECLS
