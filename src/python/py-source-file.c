/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where an object was written: inspect.getfile() (Lib/inspect.py, the same in 3.11 to 3.15), and the name
 * made absolute as os.path.abspath() does it.
 */

#include "py-source-file.h"

#include "py-objects.h"
#include "py-runtime-private.h"

#define MAX_STEPS 4 /* a traceback has a frame, which has code */
#define MAX_NAME 1000
#define TRACEBACK_FRAME 24

static char *
make_absolute (char *name)
{
  char *absolute;

  if (name == NULL || *name != '/')
    return name;
  absolute = g_canonicalize_filename (name, "/");
  g_free (name);
  return absolute;
}

static char *
get_module_file (PyInspector *inspector, guint64 dict)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);

  return dict != 0 ? py_object_get_string (runtime, py_dict_get (runtime, dict, "__file__"), MAX_NAME) : NULL;
}

static char *
get_class_file (PyInspector *inspector, guint64 object)
{
  PyRuntime *runtime = py_inspector_get_runtime (inspector);
  const PyClass *class = py_inspector_read_class (inspector, object);

  if (class == NULL || strcmp (class->module, "builtins") == 0)
    return NULL;
  return get_module_file (
      inspector, py_module_get_dict (runtime, py_runtime_get_main_interpreter (runtime), class->module));
}

/* Returns: what to look at instead of an object of this class, 0: nothing */
static guint64
step (PyInspector *inspector, guint64 object, const PyClass *class)
{
  const PyLayout *layout = py_runtime_get_layout (py_inspector_get_runtime (inspector));

  if (strcmp (class->c_name, "method") == 0)
    return py_inspector_read (inspector, object + layout->method_function);
  if (strcmp (class->c_name, "function") == 0)
    return py_inspector_read (inspector, object + layout->function_code);
  if (strcmp (class->c_name, "traceback") == 0)
    return py_inspector_read (inspector, object + TRACEBACK_FRAME);
  if (strcmp (class->c_name, "frame") == 0)
    return py_inspector_read (inspector, py_inspector_read (inspector, object + layout->frame_frame)
                                             + layout->iframe_code)
           & ~(guint64)3;
  return 0;
}

char *
py_source_file (PyInspector *inspector, guint64 object)
{
  const PyLayout *layout = py_runtime_get_layout (py_inspector_get_runtime (inspector));

  for (guint i = 0; i < MAX_STEPS && object != 0; i++)
    {
      const PyClass *class = py_inspector_get_class (inspector, object);

      if (class == NULL)
        return NULL;
      if ((class->flags & PY_CLASS_TYPE) != 0)
        return make_absolute (get_class_file (inspector, object));
      if (strcmp (class->c_name, "code") == 0)
        {
          const PyCode *code = py_inspector_get_code (inspector, object);

          return code != NULL ? make_absolute (g_strdup (code->filename)) : NULL;
        }
      if (py_inspector_is_a (inspector, class, "builtins", "module"))
        return make_absolute (
            get_module_file (inspector, py_inspector_read (inspector, object + layout->module_dict)));
      object = step (inspector, object, class);
    }
  return NULL;
}
