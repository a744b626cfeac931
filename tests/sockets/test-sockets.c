/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * DumpSockets as a worker runs it, without a service: what it reports is compared, on every interpreter at
 * hand, with what targets print of their own sockets; and it finds what they lost.
 */

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hap-test-action.h"

#define CHURN_CALLS 10

static HapTestReport *
run_with (HapTestProcess *process, gboolean no_diag)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, &error);
  HapTestReport *report;

  g_assert_no_error (error);
  if (no_diag)
    hap_test_deny_socket_diag (target);
  report = hap_test_run_action (target, "sockets", "DumpSockets", NULL, &error);
  g_assert_no_error (error);
  return report;
}

static HapTestReport *
run (HapTestProcess *process)
{
  return run_with (process, FALSE);
}

static HapTestProcess *
spawn (gconstpointer python, const char *script, const char *argument)
{
  return hap_test_spawn (python, (const char *const[]){ script, argument, NULL });
}

static const char *
get_text (GVariant *entry, const char *key)
{
  const char *text = NULL;

  g_assert_nonnull (entry);
  g_variant_lookup (entry, key, "&s", &text);
  return text;
}

static gint
get_fd (GVariant *entry)
{
  gint fd;

  return g_variant_lookup (entry, "fd", "i", &fd) ? fd : -2;
}

static GVariant *
get_sum (HapTestReport *report)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  return entries->pdata[entries->len - 1];
}

static guint32
get_count (HapTestReport *report, const char *key)
{
  guint32 n;

  g_assert_true (g_variant_lookup (get_sum (report), key, "u", &n));
  return n;
}

static char *
decode_hex (const char *hex)
{
  GString *text = g_string_new (NULL);

  for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
    g_string_append_c (text, (char)(g_ascii_xdigit_value (hex[0]) << 4 | g_ascii_xdigit_value (hex[1])));
  return g_string_free (text, FALSE);
}

/* What the kernel has in no table has an address that only the process itself can ask for. */
static gboolean
is_unbound_stream (const char *text)
{
  return g_regex_match_simple (" fd=\\d+, family=(2|10), type=1, .* laddr=\\('(0\\.0\\.0\\.0|::)', 0[,)]",
                               text, 0, 0);
}

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *)a, *(const char *const *)b);
}

/* Entries of socket objects, their messages sorted. */
static GPtrArray *
list_objects (HapTestReport *report)
{
  GPtrArray *entries = hap_test_report_get_entries (report);
  GPtrArray *texts = g_ptr_array_new ();

  for (guint i = 0; i < entries->len; i++)
    if (get_text (entries->pdata[i], "class") != NULL)
      g_ptr_array_add (texts, (gpointer)get_text (entries->pdata[i], "message"));
  g_ptr_array_sort (texts, compare_texts);
  return texts;
}

static guint
count_leaks (HapTestReport *report, const char *leak, gint fd)
{
  GPtrArray *entries = hap_test_report_get_entries (report);
  guint n = 0;

  for (guint i = 0; i < entries->len; i++)
    n += g_strcmp0 (get_text (entries->pdata[i], "leak"), leak) == 0 && get_fd (entries->pdata[i]) == fd;
  return n;
}

/* /proc does not tell of the other ends of AF_UNIX and AF_NETLINK sockets. */
static void
forget_remote (char *text)
{
  char *remote = strstr (text, ", raddr=");

  if (remote != NULL && (strstr (text, " family=1,") != NULL || strstr (text, " family=16,") != NULL))
    strcpy (remote, ">");
}

static GVariant *
find_lost (HapTestReport *report, gint fd)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  for (guint i = 0; i < entries->len; i++)
    if (get_fd (entries->pdata[i]) == fd
        && g_strcmp0 (get_text (entries->pdata[i], "leak"), "descriptor-without-object") == 0)
      return entries->pdata[i];
  return NULL;
}

/* What the fields of a descriptor without object say, in the words of the target: sockets.py. */
static char *
describe_lost (GVariant *entry, gboolean no_diag)
{
  g_autoptr (GString) addresses = g_string_new (NULL);
  const char *local = get_text (entry, "laddr"), *remote = get_text (entry, "raddr");
  gint family = -1, type = -1, protocol = -1;
  guint64 inode = 0, waiting = G_MAXUINT64;

  g_variant_lookup (entry, "family", "i", &family);
  g_variant_lookup (entry, "type", "i", &type);
  g_variant_lookup (entry, "proto", "i", &protocol);
  g_variant_lookup (entry, "inode", "t", &inode);
  g_variant_lookup (entry, "receive_queue", "t", &waiting);
  /* /proc does not tell of the queues of AF_UNIX. */
  if (no_diag && family == AF_UNIX && waiting == G_MAXUINT64)
    waiting = 0;
  if (local != NULL && remote != NULL)
    g_string_append_printf (addresses, "%s %s", local, remote);
  else
    g_string_append (addresses, local != NULL ? local : "-");
  g_string_replace (addresses, ", ", ",", 0);
  return g_strdup_printf ("%d %" G_GUINT64_FORMAT " %d %d %d %" G_GUINT64_FORMAT " %s %s", get_fd (entry),
                          inode, family, type, protocol, waiting, get_text (entry, "state"), addresses->str);
}

/* Word for word what the target prints, and both kinds of leaks: none too many and none too few. */
static void
compare (HapTestProcess *process, gboolean no_diag)
{
  g_autoptr (HapTestReport) report = run_with (process, no_diag);
  g_autoptr (GPtrArray) said = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) found = list_objects (report);
  guint n_lost = 0, n_stale = 0;
  g_autofree char *line = NULL;

  hap_test_process_write_line (process, "");
  while (g_free (line), line = hap_test_process_read_line (process), !g_str_equal (line, "end"))
    {
      g_auto (GStrv) words = g_strsplit (line, " ", 2);

      if (g_str_equal (words[0], "object"))
        {
          char *text = decode_hex (words[1]);

          g_assert_false (is_unbound_stream (text));
          if (no_diag)
            forget_remote (text);
          g_ptr_array_add (said, text);
        }
      else if (g_str_equal (words[0], "lost"))
        {
          g_autofree char *lost = describe_lost (find_lost (report, atoi (words[1])), no_diag);

          g_assert_cmpstr (lost, ==, words[1]);
          n_lost++;
        }
      else
        n_stale += count_leaks (report, "object-without-descriptor", atoi (words[1]));
    }

  g_assert_cmpstr (get_text (get_sum (report), "source"), ==, no_diag ? "proc" : "sock_diag");
  g_ptr_array_sort (said, compare_texts);
  for (guint i = 0; i < MIN (said->len, found->len); i++)
    {
      g_autofree char *text = g_strdup (found->pdata[i]);

      if (no_diag)
        forget_remote (text);
      g_assert_cmpstr (text, ==, said->pdata[i]);
    }
  g_assert_cmpuint (found->len, ==, said->len);
  g_assert_cmpuint (found->len, >, 20);
  g_assert_cmpuint (n_lost, ==, 2);
  g_assert_cmpuint (n_stale, ==, 2);
  g_assert_cmpuint (get_count (report, "without_object"), ==, 2);
  g_assert_cmpuint (get_count (report, "without_descriptor"), ==, 2);
  g_assert_cmpstr (get_text (hap_test_report_get_entries (report)->pdata[0], "message"), ==,
                   "Sockets used by Home Assistant:");
}

static void
test_parity (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "sockets.py", NULL);

  compare (process, FALSE);
}

/* As under the installed unit, which lacks the right to enter a network. */
static void
test_proc (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "sockets.py", NULL);

  compare (process, TRUE);
}

/* In a network of its own, as in a container. */
static void
test_network (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = NULL;

  if (geteuid () != 0)
    {
      g_test_skip ("needs root to make a network namespace");
      return;
    }
  process = spawn (data, "sockets.py", "alone");
  compare (process, FALSE);
  compare (process, TRUE);
}

static GVariant *
find_fd (HapTestReport *report, gint fd)
{
  GPtrArray *entries = hap_test_report_get_entries (report);

  for (guint i = 0; i < entries->len; i++)
    if (get_text (entries->pdata[i], "class") != NULL && get_fd (entries->pdata[i]) == fd)
      return entries->pdata[i];
  return NULL;
}

/* Whose a socket is: by the object, the protocol, the coroutine, the server that holds it. */
static void
test_owned (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "sockets_owned.py", NULL);
  g_autoptr (HapTestReport) report = run (process);
  const char *sum = get_text (get_sum (report), "message");
  g_autofree char *line = NULL;
  guint n = 0;

  hap_test_process_write_line (process, "");
  while (g_free (line), line = hap_test_process_read_line (process), !g_str_equal (line, "end"))
    {
      g_auto (GStrv) words = g_strsplit (line, " ", 2);
      GVariant *entry = find_fd (report, atoi (words[0]));
      g_autofree char *count = g_strdup_printf (" %s 1", words[1]);

      g_test_message ("%s: %s", words[1], get_text (entry, "rests_on"));
      g_assert_cmpstr (get_text (entry, "integration"), ==, words[1]);
      g_assert_nonnull (get_text (entry, "rests_on"));
      g_assert_nonnull (strstr (sum, count));
      n++;
    }
  g_assert_cmpuint (n, ==, 4);
}

/* Each answers: C code that keeps the GIL, a loop in Python, a deadlock; and one that is stopped besides. */
static void
test_hung (gconstpointer data)
{
  static const char *const ways[] = { "gil", "spin", "deadlock" };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (HapTestProcess) process = spawn (data, "thread_hung.py", ways[i]);
      g_autoptr (HapTestReport) report = run (process);
      g_autoptr (HapTestReport) stopped = NULL;

      /* The event loop wakes itself up by a pair of sockets. */
      g_assert_cmpuint (get_count (report, "sockets"), ==, 2);
      g_assert_cmpuint (get_count (report, "without_object") + get_count (report, "without_descriptor"), ==,
                        0);
      g_assert_cmpint (kill (hap_test_process_get_pid (process), SIGSTOP), ==, 0);
      stopped = run (process);
      g_assert_cmpuint (get_count (stopped, "sockets"), ==, 2);
    }
}

/* What comes and goes is never told for lost. */
static void
test_churn (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = spawn (data, "sockets_churn.py", NULL);

  for (guint i = 0; i < CHURN_CALLS; i++)
    {
      g_autoptr (HapTestReport) report = run (process);

      g_assert_cmpuint (get_count (report, "without_descriptor"), ==, 0);
      g_assert_cmpuint (get_count (report, "without_object"), ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/sockets/dump/parity", test_parity);
  hap_test_add ("/sockets/dump/proc", test_proc);
  hap_test_add ("/sockets/dump/network", test_network);
  hap_test_add ("/sockets/dump/owned", test_owned);
  hap_test_add ("/sockets/dump/hung", test_hung);
  hap_test_add ("/sockets/dump/churn", test_churn);
  return g_test_run ();
}
