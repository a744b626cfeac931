/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One notification, from the start of its job to the click that opens what came out of it. How it looks is
 * notifier-desktop.c's, which cards there are notifier.c's.
 */

#include "notifier-card.h"

#include <glib/gi18n.h>

#include "notifier-cache.h"
#include "notifier-opener.h"
#include "notifier-text.h"

#define MAX_TITLE 200
#define MAX_MESSAGE 1000
#define MAX_ARTIFACTS 32
#define REDRAW_INTERVAL G_USEC_PER_SEC

struct _NotifierCard
{
  GObject parent_instance;

  GDBusConnection *session;
  NotifierSource *source;
  NotifierBubble *bubble;
  char *id;
  GCancellable *life;

  char *title;
  char *message;
  char *job;   /* NULL: of a report */
  char *state; /* as the job's */
  int percent;
  GStrv artifacts;
  gint64 drawn_at;
  guint n_opening;
};

G_DEFINE_FINAL_TYPE (NotifierCard, notifier_card, G_TYPE_OBJECT)

/* One artifact on its way to the screen. */
typedef struct
{
  NotifierCard *card;
  char *name;
  char *token;
  gboolean in_folder;
} Opening;

static void
opening_free (Opening *opening)
{
  opening->card->n_opening--;
  g_object_unref (opening->card);
  g_free (opening->name);
  g_free (opening->token);
  g_free (opening);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Opening, opening_free)

static gboolean
is_running (NotifierCard *self)
{
  return self->job != NULL && g_strcmp0 (self->state, "running") == 0;
}

static void
show_message (NotifierCard *self, const char *message)
{
  const char *actions[8] = { NULL };
  guint n = 0;
  NotifierContent content = {
    .title = self->title,
    .message = message,
    .progress = is_running (self) ? self->percent : -1,
    .urgent = FALSE,
    .actions = actions,
  };

  if (is_running (self))
    {
      actions[n++] = "cancel";
      actions[n++] = _ ("Cancel");
    }
  else if (self->artifacts != NULL && self->artifacts[0] != NULL)
    {
      actions[n++] = "default";
      actions[n++] = _ ("Open");
      actions[n++] = "open";
      actions[n++] = _ ("Open");
      actions[n++] = "folder";
      actions[n++] = _ ("Show in Folder");
    }
  self->drawn_at = g_get_monotonic_time ();
  notifier_bubble_show (self->bubble, &content);
}

/* @error: why @name is not opened */
static void
show_failure (NotifierCard *self, const char *name, const GError *error)
{
  g_autofree char *text = g_strdup_printf (_ ("“%s” cannot be opened: %s"), name, error->message);
  g_autofree char *clean = notifier_text_clean (text, MAX_MESSAGE);

  show_message (self, clean);
}

static void
on_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Opening) opening = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = notifier_cache_store_finish (result, &error);

  if (g_cancellable_is_cancelled (opening->card->life))
    return;
  if (file != NULL && opening->in_folder)
    notifier_opener_show_in_folder (opening->card->session, file, opening->token);
  else if (file == NULL || !notifier_opener_open (file, opening->token, &error))
    show_failure (opening->card, opening->name, error);
}

static void
on_received (GObject *source, GAsyncResult *result, gpointer data)
{
  Opening *opening = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream =
      notifier_source_open_artifact_finish (NOTIFIER_SOURCE (source), result, &error);
  GCancellable *life = opening->card->life;

  if (stream != NULL)
    {
      notifier_cache_store (opening->name, stream, life, on_stored, opening);
      return;
    }
  if (!g_cancellable_is_cancelled (life))
    show_failure (opening->card, opening->name, error);
  opening_free (opening);
}

static void
open_artifact (NotifierCard *self, const char *name, const char *token, gboolean in_folder)
{
  Opening *opening = g_new0 (Opening, 1);

  opening->card = g_object_ref (self);
  opening->name = g_strdup (name);
  opening->token = g_strdup (token);
  opening->in_folder = in_folder;
  self->n_opening++;
  notifier_source_open_artifact (self->source, name, self->life, on_received, opening);
}

/* Without an application for any, the folder has them all. */
static void
open_best (NotifierCard *self, const char *token)
{
  const char *best = notifier_opener_choose ((const char *const *)self->artifacts);

  open_artifact (self, best != NULL ? best : self->artifacts[0], token, best == NULL);
}

static void
on_invoked (gpointer owner, const char *key, const char *token)
{
  NotifierCard *self = owner;

  if (g_str_equal (key, "cancel") && is_running (self))
    notifier_source_cancel_job (self->source, self->job);
  else if (self->artifacts == NULL || self->artifacts[0] == NULL)
    return;
  else if (g_str_equal (key, "folder"))
    open_artifact (self, self->artifacts[0], token, TRUE);
  else if (g_str_equal (key, "open") || g_str_equal (key, "default"))
    open_best (self, token);
}

static void
take_state (NotifierCard *self, const char *state)
{
  g_free (self->state);
  self->state = g_strdup (state);
}

/* Returns: whether it shows */
static gboolean
take_progress (NotifierCard *self, double progress)
{
  int percent = progress >= 0 && progress <= 1 ? (int)(progress * 100) : 0;
  gboolean changed = percent != self->percent;

  self->percent = percent;
  return changed;
}

static void
take_hints (NotifierCard *self, GVariant *hints)
{
  const char *text;
  double progress;
  g_autofree const char **names = NULL;
  g_autoptr (GStrvBuilder) artifacts = g_strv_builder_new ();

  if (g_variant_lookup (hints, "state", "&s", &text))
    take_state (self, text);
  if (g_variant_lookup (hints, "job", "&o", &text))
    {
      g_free (self->job);
      self->job = g_strdup (text);
    }
  if (g_variant_lookup (hints, "progress", "d", &progress))
    take_progress (self, progress);
  if (g_variant_lookup (hints, "artifacts", "^a&s", &names))
    {
      for (guint i = 0; names[i] != NULL && i < MAX_ARTIFACTS; i++)
        g_strv_builder_add (artifacts, names[i]);
      g_strfreev (self->artifacts);
      self->artifacts = g_strv_builder_end (artifacts);
    }
}

static char *
make_text (const char *text, guint max_chars)
{
  g_autofree char *clean = notifier_text_clean (text, max_chars);

  return notifier_text_translate (clean);
}

void
notifier_card_set (NotifierCard *self, const char *title, const char *message, GVariant *hints)
{
  g_free (self->title);
  g_free (self->message);
  self->title = make_text (title, MAX_TITLE);
  self->message = make_text (message, MAX_MESSAGE);
  take_hints (self, hints);
  show_message (self, self->message);
}

/* Progress is drawn now and then, and not again where the person closed it; the end of a job always is, by
 * its notification. */
void
notifier_card_update (NotifierCard *self, GVariant *properties)
{
  gboolean draws = FALSE;
  const char *state;
  double progress;

  if (g_variant_lookup (properties, "Progress", "d", &progress) && take_progress (self, progress))
    draws = g_get_monotonic_time () - self->drawn_at >= REDRAW_INTERVAL;
  if (g_variant_lookup (properties, "State", "&s", &state))
    {
      take_state (self, state);
      draws = TRUE;
    }
  if (draws && notifier_bubble_is_open (self->bubble))
    show_message (self, self->message);
}

void
notifier_card_lose (NotifierCard *self)
{
  if (!is_running (self))
    return;
  take_state (self, "failed");
  show_message (self, _ ("The profiler has stopped, and this job with it."));
}

gboolean
notifier_card_is (NotifierCard *self, NotifierSource *source, const char *id)
{
  return self->source == source && (id == NULL || g_str_equal (self->id, id));
}

gboolean
notifier_card_is_of (NotifierCard *self, NotifierSource *source, const char *job)
{
  return self->source == source && g_strcmp0 (self->job, job) == 0;
}

gboolean
notifier_card_is_alive (NotifierCard *self)
{
  return notifier_bubble_is_open (self->bubble) || is_running (self) || self->n_opening > 0;
}

static void
notifier_card_dispose (GObject *object)
{
  NotifierCard *self = NOTIFIER_CARD (object);

  g_cancellable_cancel (self->life);
  g_clear_pointer (&self->bubble, notifier_bubble_free);
  G_OBJECT_CLASS (notifier_card_parent_class)->dispose (object);
}

static void
notifier_card_finalize (GObject *object)
{
  NotifierCard *self = NOTIFIER_CARD (object);

  g_clear_object (&self->session);
  g_clear_object (&self->source);
  g_clear_object (&self->life);
  g_free (self->id);
  g_free (self->title);
  g_free (self->message);
  g_free (self->job);
  g_free (self->state);
  g_strfreev (self->artifacts);
  G_OBJECT_CLASS (notifier_card_parent_class)->finalize (object);
}

static void
notifier_card_class_init (NotifierCardClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = notifier_card_dispose;
  G_OBJECT_CLASS (klass)->finalize = notifier_card_finalize;
}

static void
notifier_card_init (NotifierCard *self)
{
  self->life = g_cancellable_new ();
}

NotifierCard *
notifier_card_new (GDBusConnection *session, NotifierDesktop *desktop, NotifierSource *source, const char *id)
{
  NotifierCard *self = g_object_new (NOTIFIER_TYPE_CARD, NULL);

  self->session = g_object_ref (session);
  self->source = g_object_ref (source);
  self->id = g_strdup (id);
  self->bubble = notifier_bubble_new (desktop, on_invoked, self);
  return self;
}
