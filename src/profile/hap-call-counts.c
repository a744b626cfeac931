/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exact counts of calls as plain data. Leaves their making to plugins, and their files to the formats room.
 */
#include "hap-call-counts.h"

static void
clear_function (gpointer data)
{
  HapCountedFunction *function = data;

  g_free (function->file);
  g_free (function->name);
  g_free (function->qualname);
  g_array_unref (function->callers);
}

HapCallCounts *
hap_call_counts_new (void)
{
  HapCallCounts *self = g_new0 (HapCallCounts, 1);

  self->functions = g_array_new (FALSE, FALSE, sizeof (HapCountedFunction));
  g_array_set_clear_func (self->functions, clear_function);
  return self;
}

void
hap_call_counts_free (HapCallCounts *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->functions);
  g_free (self);
}

HapCountedFunction *
hap_call_counts_add (HapCallCounts *self, const char *file, gint line, const char *name, const char *qualname)
{
  HapCountedFunction function = { .file = g_strdup (file),
                                  .name = g_strdup (name),
                                  .qualname = g_strdup (qualname[0] != '\0' ? qualname : name),
                                  .line = line,
                                  .origin = hap_origin_of_file (file),
                                  .callers = g_array_new (FALSE, FALSE, sizeof (HapCountedCaller)) };

  g_array_append_val (self->functions, function);
  return &g_array_index (self->functions, HapCountedFunction, self->functions->len - 1);
}

const HapCountedFunction *
hap_call_counts_get (const HapCallCounts *self, guint32 index)
{
  g_return_val_if_fail (index < self->functions->len, NULL);
  return &g_array_index (self->functions, HapCountedFunction, index);
}

gboolean
hap_call_counts_are_whole (const HapCallCounts *self)
{
  for (guint i = 0; i < self->functions->len; i++)
    {
      const GArray *callers = hap_call_counts_get (self, i)->callers;

      for (guint j = 0; j < callers->len; j++)
        if (g_array_index (callers, HapCountedCaller, j).caller >= self->functions->len)
          return FALSE;
    }
  return TRUE;
}
