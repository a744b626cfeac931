/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-report.h"

G_BEGIN_DECLS

/**
 * ObjectsListing: where the objects of a dump go: to entries, as far as their limit goes, and to a text, all
 * of them; and what became of them.
 */
typedef struct
{
  HapReport *report;
  const char *type;
  guint limit;
  gboolean unredacted;

  guint64 n_objects; /* that there are */
  guint64 n_listed;
  guint64 n_failed, n_cut;
} ObjectsListing;

/* What there is to say of one object. Hostile. */
typedef struct
{
  const char *text; /* (nullable): it failed */
  const char *class_text;
  const char *module; /* (nullable) */
  const char *failed; /* (nullable): why, if that is known */
  guint64 cut;
} ObjectsItem;

gboolean
objects_listing_add (ObjectsListing *self, const ObjectsItem *item, GOutputStream *stream, GError **error);

/* The last entry, if anything was left out. @name: the artifact's */
gboolean objects_listing_close (ObjectsListing *self, const char *name, GError **error);

G_END_DECLS
