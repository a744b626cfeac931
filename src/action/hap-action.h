/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "hap-error.h"
#include "hap-report.h"

G_BEGIN_DECLS

/* The attached process; its interface is the target room's. The service, which only reads descriptions, never
 * has one. */
typedef struct _HapTarget HapTarget;

/**
 * HapReply:
 * @HAP_REPLY_JOB: `o`, the path of a job, at once
 * @HAP_REPLY_REPORT: `aa{sv}`, the entries of the report, when it is complete
 * @HAP_REPLY_NONE: nothing, when it is done
 *
 * What the D-Bus method of an action answers.
 */
typedef enum
{
  HAP_REPLY_JOB,
  HAP_REPLY_REPORT,
  HAP_REPLY_NONE,
} HapReply;

/* A flag for the GParamSpec of a data attribute that the caller must give. */
#define HAP_PARAM_REQUIRED ((GParamFlags)(1 << G_PARAM_USER_SHIFT))

/* A flag for one that lifts the care for secrets: any value but its default takes the authority
 * "inspect-secrets" in place of the class's, which must be "inspect". */
#define HAP_PARAM_SECRET ((GParamFlags)(1 << (G_PARAM_USER_SHIFT + 1)))

/* A flag for one that can make the action run code in the target: any value but its default takes the
 * authority "modify" in place of the class's. */
#define HAP_PARAM_MODIFY ((GParamFlags)(1 << (G_PARAM_USER_SHIFT + 2)))

/* A flag for one that shows contents of objects: any value but its default takes the authority "inspect" in
 * place of the class's. */
#define HAP_PARAM_INSPECT ((GParamFlags)(1 << (G_PARAM_USER_SHIFT + 3)))

/* The flags of an ordinary data attribute: readable by run(), set once from the caller's data. */
#define HAP_PARAM_DATA                                                                                       \
  ((GParamFlags)(G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY))

#define HAP_TYPE_ACTION (hap_action_get_type ())
G_DECLARE_DERIVABLE_TYPE (HapAction, hap_action, HAP, ACTION, GObject)

/**
 * HapActionClass:
 * @method: the D-Bus method's name, `[A-Z][A-Za-z0-9]*`: "Start"
 * @summary: one line of help, translatable, without a full stop
 * @authority: the last part of the polkit action that a caller needs: "observe", "profile", "inspect" or
 * "modify"
 * @reply: the shape of the answer
 * @slot: (nullable): jobs of one slot exclude each other on one target (the second is refused with Busy)
 * @stops: (nullable): this action runs nowhere: it ends the job in that slot, as StopLogObjects does
 * @lasts: with HAP_REPLY_NONE: a job on the bus that goes on after its call is answered, which is when it
 * first tells progress
 * @enters: run() makes the target run code of ours that changes nothing there, but to be copied (PyFork); the
 * authority says what is told, not this
 * @run: runs the action. Called in a worker process only, in a thread of its own; blocks until the action is
 * done; returns early, with what it has, when @cancellable is cancelled. FALSE if and only if @error is set.
 *
 * An action is one D-Bus method. Its *data attributes are its GObject properties*: each property with
 * HAP_PARAM_DATA becomes a key of the method's `a{sv}`, with '_' for '-'; type, default, range, nick and
 * blurb come from its GParamSpec. Supported: boolean `b`, int `i`, uint `u`, int64 `x`, uint64 `t`, double
 * `d`, string `s`, flags `as` and enumerations `s` (by nick).
 */
struct _HapActionClass
{
  GObjectClass parent_class;

  const char *method;
  const char *summary;
  const char *authority;
  HapReply reply;
  const char *slot;
  const char *stops;
  gboolean lasts;
  gboolean enters;

  gboolean (*run) (HapAction *self,
                   HapTarget *target,
                   HapReport *report,
                   GCancellable *cancellable,
                   GError **error);

  gpointer padding[8];
};

/**
 * hap_action_run:
 * @target: (nullable): NULL for an action that looks at none
 * @cancellable: (nullable):
 */
gboolean hap_action_run (HapAction *self,
                         HapTarget *target,
                         HapReport *report,
                         GCancellable *cancellable,
                         GError **error);

/**
 * hap_action_class_list_attributes:
 * @n_attributes: (out): length of the result
 *
 * Returns: (transfer container) (array length=n_attributes): the properties that are data attributes, in the
 * order of installation
 */
GParamSpec **hap_action_class_list_attributes (HapActionClass *klass, guint *n_attributes);

/**
 * hap_action_describe:
 * @type: a type derived from HapAction
 *
 * Returns: (transfer floating): `a{sv}`: method s, plugin s (added by the caller), summary s, authority s,
 * reply s
 *   ("job", "report", "none"), slot s, attributes aa{sv}: name s, type s (D-Bus signature), help s, required
 * b, secret b, modify b, inspect b, default v, minimum v, maximum v, choices as; the keys that do not apply
 * are left out
 */
GVariant *hap_action_describe (GType type);

/**
 * hap_action_new:
 * @type: a type derived from HapAction
 * @data: `a{sv}`, the caller's data; numbers are taken in any numeric D-Bus type that holds the value exactly
 *
 * The one place where a caller's data is validated. Errors: HAP_ERROR_INVALID_DATA, naming the key, for an
 * unknown key, a wrong type, a value out of range (NaN and infinities included) or a required key that is
 * missing.
 *
 * Returns: (transfer full): the action, ready to run
 */
HapAction *hap_action_new (GType type, GVariant *data, GError **error);

/* TRUE when an attribute with HAP_PARAM_SECRET has another value than its default. */
gboolean hap_action_asks_for_secrets (HapAction *self);

/* TRUE when an attribute with HAP_PARAM_INSPECT has another value than its default. */
gboolean hap_action_asks_for_contents (HapAction *self);

/* TRUE when it runs code in the target: its class has the authority "modify", or an attribute with
 * HAP_PARAM_MODIFY another value than its default. No other action may change the target. */
gboolean hap_action_modifies (HapAction *self);

/* TRUE when code of ours is to run in the target, whether it changes anything or not. */
gboolean hap_action_enters (HapAction *self);

/**
 * hap_action_get_data:
 *
 * Returns: (transfer floating): `a{sv}`: every data attribute with its value, defaults included
 */
GVariant *hap_action_get_data (HapAction *self);

G_END_DECLS
