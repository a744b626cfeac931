/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which table of offsets serves a version, and what the interpreter's own debug offsets (struct
 * _Py_DebugOffsets, the first bytes of _PyRuntime since 3.13; Include/internal/pycore_debug_offsets.h) add to
 * it. Reads no memory: its bytes are handed in.
 */

#include "py-layout.h"

#include <glib/gi18n.h>
#include <string.h>

#include "hap-error.h"
#include "py-layout-tables.h"

#define FIRST_OFFSET 24 /* after cookie, version, free_threaded */
#define MAX_STRUCTURE (16 * 1024 * 1024)

/* What one 64-bit word of the debug offsets is to us: a field of PyLayout, or one of these. */
enum
{
  END,
  SKIP,
  SIZE,  /* of the structure whose offsets follow */
  MIXED, /* no word: what follows lies in structures that came before */
};

/* No field lies this early in PyLayout: version_first, version_last and free_threaded come first. */
#define F(name) G_STRUCT_OFFSET (PyLayout, name)
G_STATIC_ASSERT (F (free_threaded) > MIXED);

/* clang-format off: a line for each structure */

#define RUNTIME SIZE, F (runtime_finalizing), F (runtime_interpreters)
/* before it SIZE, id, next, threads_head; what follows is gil_runtime_state and its enabled, locked, holder
 */
#define INTERP_GIL SKIP, SKIP, F (interp_gil), SKIP, SKIP, SKIP, SKIP
#define INTERP_3_13                                                                                          \
  SIZE, F (interp_id), F (interp_next), F (interp_threads), F (interp_gc), F (interp_modules), INTERP_GIL
#define INTERP_3_14                                                                                          \
  SIZE, F (interp_id), F (interp_next), F (interp_threads), SKIP, F (interp_gc), F (interp_modules),         \
      INTERP_GIL, SKIP, SKIP
#define TSTATE_BEGIN SIZE, SKIP, F (tstate_next), F (tstate_interp), F (tstate_current_frame)
#define TSTATE_IDS F (tstate_thread_id), F (tstate_native_thread_id), F (tstate_datastack_chunk), SKIP
#define TSTATE_3_13 TSTATE_BEGIN, TSTATE_IDS
/* with last_profiled_frame and its number, then four more, then err_stackitem, which has no size */
#define TSTATE_3_15 TSTATE_BEGIN, F (tstate_base_frame), SKIP, SKIP, TSTATE_IDS, SKIP, SKIP, SKIP, SKIP, SKIP
#define IFRAME_3_13 SIZE, F (iframe_previous), F (iframe_code), F (iframe_instruction), SKIP, F (iframe_owner)
#define IFRAME_3_14 IFRAME_3_13, SKIP, F (iframe_tlbc_index)
#define CODE_3_13                                                                                            \
  SIZE, F (code_filename), F (code_name), F (code_qualname), F (code_line_table), F (code_first_line), SKIP, \
      SKIP, SKIP, F (code_instructions)
#define CODE_3_14 CODE_3_13, F (code_tlbc)
#define OBJECT SIZE, F (object_type)
#define TYPE_3_13 SIZE, F (type_name), SKIP, F (type_flags)
#define TYPE_3_15 TYPE_3_13, F (type_basicsize), F (type_dictoffset), SIZE, F (type_cached_keys)
#define TUPLE SIZE, SKIP, F (object_size)
#define LIST SIZE, SKIP, F (object_size)
#define SET SIZE, SKIP, SKIP, SKIP
#define DICT SIZE, F (dict_keys), F (dict_values)
#define FLOAT SIZE, SKIP
#define LONG SIZE, F (long_tag), F (long_digits)
#define BYTES SIZE, F (object_size), F (bytes_data)
#define UNICODE SIZE, F (unicode_state), F (unicode_length), F (unicode_ascii_data)
#define GC SIZE, F (gc_collecting)
#define GC_3_15 GC, SKIP, SKIP, SKIP
#define GENERATOR SIZE, F (gen_name), F (gen_frame), F (gen_frame_state)
#define LIST_NODE SKIP, SKIP
#define DEBUGGER                                                                                             \
  GENERATOR, LIST_NODE, MIXED, F (tstate_eval_breaker), F (tstate_remote), F (interp_remote),                \
      F (remote_call), F (remote_path)

static const guint16 words_3_13[] = {
  RUNTIME, INTERP_3_13, TSTATE_3_13, IFRAME_3_13, CODE_3_13, OBJECT,  TYPE_3_13, TUPLE,
  LIST,    DICT,        FLOAT,       LONG,        BYTES,     UNICODE, GC,        END,
};

static const guint16 words_3_14[] = {
  RUNTIME, INTERP_3_14, TSTATE_3_13, IFRAME_3_14, CODE_3_14, OBJECT,  TYPE_3_13, TUPLE,    LIST,
  SET,     DICT,        FLOAT,       LONG,        BYTES,     UNICODE, GC,        DEBUGGER, END,
};

static const guint16 words_3_15[] = {
  RUNTIME, INTERP_3_14, TSTATE_3_15, IFRAME_3_14, CODE_3_14, OBJECT, TYPE_3_15, TUPLE,
  LIST,    SET,         DICT,        FLOAT,       LONG,      BYTES,  UNICODE,   F (unicode_compact_data),
  GC_3_15, DEBUGGER,    END,
};

/* clang-format on */

/* Every word looked at lies in the bytes handed in. */
#define FITS(words) (FIRST_OFFSET + G_N_ELEMENTS (words) * sizeof (guint64) <= PY_DEBUG_OFFSETS_SIZE)
G_STATIC_ASSERT (FITS (words_3_13) && FITS (words_3_14) && FITS (words_3_15));

/* Our name of each field, for messages, and whether the debug offsets override it. */
typedef struct
{
  guint16 offset;
  gboolean moving;
  const char *name;
} FieldName;

static const FieldName field_names[] = {
#define PY_FIELD(name) { F (name), FALSE, #name },
#define PY_MOVING_FIELD(name) { F (name), TRUE, #name },
#include "py-layout-fields.h"
#undef PY_FIELD
};

const PyLayout *
py_layout_find (guint32 version, gboolean free_threaded)
{
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    if (version >= tables[i].version_first && version <= tables[i].version_last
        && free_threaded == tables[i].free_threaded)
      return &tables[i];
  return NULL;
}

static guint64
get_word (const guint8 *bytes, gsize offset)
{
  guint64 word;

  memcpy (&word, bytes + offset, sizeof word);
  return word;
}

gboolean
py_debug_offsets_identify (const guint8 *bytes, guint32 *version, gboolean *free_threaded)
{
  if (memcmp (bytes, PY_DEBUG_OFFSETS_COOKIE, strlen (PY_DEBUG_OFFSETS_COOKIE)) != 0
      || get_word (bytes, 8) > G_MAXUINT32 || get_word (bytes, 16) > 1)
    return FALSE;
  *version = get_word (bytes, 8);
  *free_threaded = get_word (bytes, 16) == 1;
  return TRUE;
}

static const guint16 *
find_words (guint32 version)
{
  switch (version >> 16)
    {
    case 0x030d:
      return words_3_13;
    case 0x030e:
      return words_3_14;
    case 0x030f:
      return words_3_15;
    default:
      return NULL;
    }
}

static const FieldName *
find_name (guint16 offset)
{
  for (guint i = 0; i < G_N_ELEMENTS (field_names); i++)
    if (field_names[i].offset == offset)
      return &field_names[i];
  g_assert_not_reached ();
}

/* Takes over or checks one field. @size: of its structure, as the interpreter says. */
static gboolean
apply_word (PyLayout *layout, guint16 offset, guint64 value, guint64 size, GError **error)
{
  const FieldName *field = find_name (offset);
  guint32 *member = G_STRUCT_MEMBER_P (layout, offset);

  if (*member == PY_NO_FIELD && value == 0)
    return TRUE; /* how debug offsets say that this build has no such field */
  if (field->moving && value < size && size <= MAX_STRUCTURE)
    {
      *member = value;
      return TRUE;
    }
  if (value == *member)
    return TRUE;

  g_set_error (
      error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
      _ ("This Python is built in a way that we do not know: its %s lies at %llu, where %u was expected"),
      field->name, (unsigned long long)value, *member);
  return FALSE;
}

gboolean
py_layout_apply_debug_offsets (PyLayout *layout, const guint8 *bytes, GError **error)
{
  const guint16 *words = find_words (layout->version_first);
  PyLayout result = *layout;
  guint64 size = 0;
  gsize next = FIRST_OFFSET;

  for (guint i = 0; words != NULL && words[i] != END; i++)
    {
      guint64 value;

      if (words[i] == MIXED)
        {
          size = MAX_STRUCTURE;
          continue;
        }
      value = get_word (bytes, next);
      next += sizeof (guint64);
      if (words[i] == SIZE)
        size = value;
      else if (words[i] != SKIP && !apply_word (&result, words[i], value, size, error))
        return FALSE;
    }

  *layout = result;
  return TRUE;
}
