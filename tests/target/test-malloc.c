/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* malloc from outside, against what it says of itself: our own process. */

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hap-live-memory.h"
#include "hap-malloc.h"

#define N 20000

/* A copy of this process that stands still */
typedef struct
{
  pid_t pid;
  HapMemory *memory;
  HapResidency *residency;
} Copy;

static int
open_file (pid_t pid, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/%s", pid, name);
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
copy_init (Copy *copy)
{
  g_autoptr (GError) error = NULL;
  int fd;

  copy->pid = fork ();
  if (copy->pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      while (TRUE)
        pause ();
    }
  copy->memory = hap_live_memory_new (open_file (copy->pid, "mem"));
  fd = open_file (copy->pid, "smaps");
  copy->residency = hap_residency_read (fd, &error);
  g_assert_no_error (error);
  close (fd);
}

static void
copy_clear (Copy *copy)
{
  kill (copy->pid, SIGKILL);
  waitpid (copy->pid, NULL, 0);
  g_object_unref (copy->memory);
  hap_residency_free (copy->residency);
}

static void
test_main (void)
{
  Copy copy;
  g_autofree char **kept = g_new (char *, N), **kept_small = g_new (char *, N);
  struct mallinfo2 said;
  guint64 used = 0, small = 0;
  guint found = 0;

  /* Too large for what malloc keeps back to itself. */
  for (guint i = 0; i < N; i++)
    {
      kept[i] = g_malloc0 (2000);
      kept_small[i] = g_malloc0 (100);
    }
  for (guint i = 0; i < N; i += 2)
    g_clear_pointer (&kept[i], g_free);

  said = mallinfo2 ();
  copy_init (&copy);
  for (guint i = 0; i < copy.residency->mappings->len; i++)
    {
      const HapResident *area = &g_array_index (copy.residency->mappings, HapResident, i);

      found += area->heap && hap_malloc_measure (copy.memory, area, &used, &small);
    }
  copy_clear (&copy);
  g_assert_cmpuint (found, ==, 1);
  /* What happened between the two, and what is kept ready. */
  g_assert_cmpuint (used, >, (said.uordblks - said.hblkhd) * 9 / 10);
  g_assert_cmpuint (used, <, (said.uordblks - said.hblkhd) * 11 / 10 + 300000);
  g_assert_cmpuint (used, <, said.arena * 2 / 3);
  g_assert_cmpuint (small, >=, (guint64)N * hap_malloc_get_chunk (100));
  g_assert_cmpuint (small, <=, used - (guint64)N / 2 * 2000);
  for (guint i = 0; i < N; i++)
    {
      g_free (kept[i]);
      g_free (kept_small[i]);
    }
}

static gpointer
allocate (gpointer data)
{
  return g_malloc0 (3000);
}

/* A thread's arena, and a mapping that is none. */
static void
test_arena (void)
{
  g_autoptr (GThread) thread = g_thread_new ("allocates", allocate, NULL);
  g_autofree char *piece = g_thread_join (g_steal_pointer (&thread));
  const HapResident *area;
  guint64 used = 0, small = 0;
  Copy copy;

  copy_init (&copy);
  area = hap_residency_find (copy.residency, (gsize)piece);
  g_assert_nonnull (area);
  g_assert_false (area->heap);
  g_assert_true (hap_malloc_measure (copy.memory, area, &used, &small));
  g_assert_cmpuint (used, >=, 3000);
  g_assert_cmpuint (used, <=, area->mapping.end - area->mapping.start);
  g_assert_false (
      hap_malloc_measure (copy.memory, hap_residency_find (copy.residency, (gsize)&used), &used, &small));
  copy_clear (&copy);
}

/* Sizes that lead nowhere. */
static void
test_hostile (void)
{
  static const guint64 sizes[] = { 0, 1, 16, 24, 0x41, 0xfffffffffffffff1, 0x1000001, 33 };
  const gsize length = 128 * 1024;
  g_autofree guint64 *bytes = g_malloc0 (length + 16);
  g_autoptr (HapMemory) memory = hap_live_memory_new (open ("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  guint64 start = ((gsize)bytes + 15) & ~(gsize)15;
  HapResident area = { .heap = TRUE };
  guint64 used, small;

  area.mapping = (HapMapping){ .start = start, .end = start + length, .readable = TRUE, .writable = TRUE };
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      memcpy ((char *)GSIZE_TO_POINTER (start) + 8, &sizes[i], 8);
      g_assert_false (hap_malloc_measure (memory, &area, &used, &small));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#ifndef __GLIBC__
  g_test_skip ("not glibc");
  return 0;
#endif
  g_test_add_func ("/target/malloc/main", test_main);
  g_test_add_func ("/target/malloc/arena", test_arena);
  g_test_add_func ("/target/malloc/hostile", test_hostile);
  return g_test_run ();
}
