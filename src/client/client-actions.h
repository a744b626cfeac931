/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

G_BEGIN_DECLS

/* A data attribute of an action, as the service describes it. */
typedef struct
{
  char *key;    /* "max_objects" */
  char *option; /* "max-objects" */
  char *type;   /* one of b i u x t d s as */
  char *help;
  gboolean required;
  GVariant *fallback; /* (nullable): the default */
  GVariant *minimum;  /* (nullable) */
  GVariant *maximum;  /* (nullable) */
  char **choices;     /* (nullable) */
} ClientAttribute;

/* An action of the service: a sub-command of ours. Nothing about any action is known before the service
 * tells. */
typedef struct
{
  char *method;  /* "LogThreadFrames" */
  char *command; /* "log-thread-frames" */
  char *plugin;
  char *summary;
  char *reply;           /* "job", "report" or "none" */
  GPtrArray *attributes; /* of ClientAttribute */
} ClientAction;

/* @description: `a{sv}` of the property Actions. Returns: (transfer full) (nullable): NULL when it cannot be
 * offered */
ClientAction *client_action_new (GVariant *description);
void client_action_free (ClientAction *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClientAction, client_action_free)

/* Returns: (transfer full) (element-type ClientAction): all of them, ordered by command. */
GPtrArray *client_actions_load (Client *client, GError **error);
ClientAction *client_actions_find (GPtrArray *actions, const char *command);

/**
 * client_action_add_options:
 * @values: (element-type utf8 GVariant): by key, what the command line gives; filled while @context parses
 *
 * Adds an option for each attribute to @context.
 */
void client_action_add_options (ClientAction *self, GOptionContext *context, GHashTable *values);

/* Returns: (transfer floating) (nullable): `a{sv}` for the call; NULL when a required attribute is missing */
GVariant *client_action_make_data (ClientAction *self, GHashTable *values, GError **error);

/* "LIST", "NUMBER", ...: translated. */
const char *client_attribute_get_placeholder (const ClientAttribute *self);
/* Returns: (transfer full): the help with choices, range and default. */
char *client_attribute_describe (const ClientAttribute *self);

/* Returns: (transfer full) (nullable): the value of @text, as near to the attribute's type as it can be sent.
 */
GVariant *client_attribute_parse (const ClientAttribute *self, const char *text, GError **error);

G_END_DECLS
