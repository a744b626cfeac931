/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that loads a libpython and waits in it: embed LIBRARY HOME
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int
main (int argc, char *argv[])
{
  void *library;
  void (*initialize) (int);
  int (*run) (const char *);

  if (argc != 3 || setenv ("PYTHONHOME", argv[2], 1) != 0)
    return 2;
  library = dlopen (argv[1], RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL)
    {
      fprintf (stderr, "%s\n", dlerror ());
      return 1;
    }
  *(void **)&initialize = dlsym (library, "Py_InitializeEx");
  *(void **)&run = dlsym (library, "PyRun_SimpleString");
  initialize (0);
  return run ("import sys; print('ready', flush=True); sys.stdin.read()");
}
