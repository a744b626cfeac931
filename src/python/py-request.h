/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-run.h"
#include "py-threads.h"

G_BEGIN_DECLS

/**
 * PyRequest: a request to the interpreter to run a script when it can, where in its memory it is and how it
 * is taken back. All threads of the target are held when this is used.
 */
typedef struct
{
  PyRuntime *runtime; /* not referenced */
  guint64 interpreter, tstate;
  guint64 function; /* PyRun_SimpleString; 0: by PEP 768 */
  guint64 text;     /* where what it runs is put */
  guint64 pending;  /* the main thread's pending calls */
} PyRequest;

typedef enum
{
  PY_REQUEST_FREE,    /* one can be made */
  PY_REQUEST_BUSY,    /* not now */
  PY_REQUEST_PENDING, /* there is one that has not been taken up */
} PyRequestState;

/**
 * py_request_init:
 * @text: where a text can be put
 *
 * Nothing is held yet. Errors: HAP_ERROR_UNSUPPORTED_TARGET: there is no way, or the owner forbade it
 */
gboolean py_request_init (PyRequest *self,
                          HapTarget *target,
                          PyRuntime *runtime,
                          const PyThread *thread,
                          GError **error);

PyRequestState py_request_get_state (const PyRequest *self);

/* @number: the target's descriptor of it. @mark: its first bytes, which tell it from another file; without
 * quotes */
typedef struct
{
  guint number;
  gsize size;
  char mark[24];
} PyScript;

gboolean py_request_make (const PyRequest *self, HapTarget *target, const PyScript *script, GError **error);

/* The request for this script, and no other, has not been taken up. */
gboolean py_request_is_pending (const PyRequest *self, const PyScript *script);

/* Takes back the request that is pending. */
gboolean py_request_retract (const PyRequest *self, HapTarget *target, GError **error);

G_END_DECLS
