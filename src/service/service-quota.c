/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Counts of what one user could take from all others. What is counted is its owner's to say.
 */

#include "service-quota.h"

#include <glib/gi18n.h>

#include "hap-error.h"

struct _ServiceQuota
{
  const char *what;
  guint max;
  guint max_per_user;
  guint n;
  GHashTable *users; /* uid -> count */
};

ServiceQuota *
service_quota_new (const char *what, guint max, guint max_per_user)
{
  ServiceQuota *self = g_new0 (ServiceQuota, 1);

  self->what = what;
  self->max = max;
  self->max_per_user = max_per_user;
  self->users = g_hash_table_new (NULL, NULL);
  return self;
}

void
service_quota_free (ServiceQuota *self)
{
  g_hash_table_unref (self->users);
  g_free (self);
}

static guint
get_count (ServiceQuota *self, guint uid)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->users, GUINT_TO_POINTER (uid)));
}

static void
set_count (ServiceQuota *self, guint uid, guint count)
{
  if (count > 0)
    g_hash_table_insert (self->users, GUINT_TO_POINTER (uid), GUINT_TO_POINTER (count));
  else
    g_hash_table_remove (self->users, GUINT_TO_POINTER (uid));
}

gboolean
service_quota_take (ServiceQuota *self, guint uid, GError **error)
{
  guint count = get_count (self, uid);

  if (self->max_per_user != 0 && count >= self->max_per_user)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_BUSY,
                   _ ("%u %s for user %u already, and no more may: wait for one, or cancel it"), count,
                   _ (self->what), uid);
      return FALSE;
    }
  if (self->max != 0 && self->n >= self->max)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_BUSY,
                   _ ("%u %s already, and no more may: wait for one, or cancel it"), self->n, _ (self->what));
      return FALSE;
    }
  self->n++;
  set_count (self, uid, count + 1);
  return TRUE;
}

void
service_quota_release (ServiceQuota *self, guint uid)
{
  guint count = get_count (self, uid);

  g_return_if_fail (count > 0 && self->n > 0);
  self->n--;
  set_count (self, uid, count - 1);
}
