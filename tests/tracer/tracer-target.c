/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The target of the tracer's tests: does what its argument says, prints "ready", and counts what must not
 * happen. Every line on its input is answered with one line, the count.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#define MINUTES 600

static atomic_long count;
static bool with_files;
static void *volatile ballast;
static sem_t asked;
static int pipe_fds[2], sockets[2], epoll_fd;

static struct timespec
later (clockid_t clock)
{
  struct timespec time;

  clock_gettime (clock, &time);
  time.tv_sec += MINUTES;
  return time;
}

static void
wait_nanosleep (void)
{
  nanosleep (&(struct timespec){ .tv_sec = MINUTES }, NULL);
}

static void
wait_clock_nanosleep (void)
{
  struct timespec end = later (CLOCK_MONOTONIC);

  clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
}

static void
wait_poll (void)
{
  struct pollfd input = { pipe_fds[0], POLLIN, 0 };

  poll (&input, 1, MINUTES * 1000);
}

static void
wait_ppoll (void)
{
  struct pollfd input = { pipe_fds[0], POLLIN, 0 };

  ppoll (&input, 1, &(struct timespec){ .tv_sec = MINUTES }, NULL);
}

static void
wait_select (void)
{
  struct timeval time = { .tv_sec = MINUTES };
  fd_set set;

  FD_ZERO (&set);
  FD_SET (pipe_fds[0], &set);
  select (pipe_fds[0] + 1, &set, NULL, NULL, &time);
}

static void
wait_epoll (void)
{
  struct epoll_event event;

  epoll_wait (epoll_fd, &event, 1, MINUTES * 1000);
}

static void
wait_epoll_masked (void)
{
  struct epoll_event event;
  sigset_t none;

  sigemptyset (&none);
  epoll_pwait (epoll_fd, &event, 1, -1, &none);
}

static void
wait_futex (void)
{
  static uint32_t word;

  syscall (SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL);
}

static void
wait_futex_timed (void)
{
  static uint32_t word;

  syscall (SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &(struct timespec){ .tv_sec = MINUTES });
}

static void
wait_read (void)
{
  char byte;

  if (read (pipe_fds[0], &byte, 1) == 0)
    abort ();
}

static void
wait_recv (void)
{
  char byte;
  int pair[2];

  if (socketpair (AF_UNIX, SOCK_STREAM, 0, pair) == 0)
    recv (pair[0], &byte, 1, 0);
}

static void
wait_recv_timed (void)
{
  char byte;

  recv (sockets[0], &byte, 1, 0);
}

static void
wait_recvmsg_timed (void)
{
  char byte;
  struct iovec vector = { &byte, 1 };
  struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

  recvmsg (sockets[1], &message, 0);
}

static void
wait_accept_timed (void)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct timeval time = { .tv_sec = MINUTES };
  int listener = socket (AF_UNIX, SOCK_STREAM, 0);

  setsockopt (listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  if (bind (listener, (struct sockaddr *)&address, sizeof (sa_family_t)) == 0 && listen (listener, 1) == 0)
    accept (listener, NULL, NULL);
}

static void
wait_send_timed (void)
{
  static char block[65536];
  struct timeval time = { .tv_sec = MINUTES };
  int pair[2];

  if (socketpair (AF_UNIX, SOCK_STREAM, 0, pair) != 0)
    abort ();
  setsockopt (pair[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  while (send (pair[0], block, sizeof block, MSG_DONTWAIT) > 0)
    continue;
  send (pair[0], block, sizeof block, 0);
}

static void
wait_semaphore (void)
{
  struct timespec end = later (CLOCK_REALTIME);
  sem_t semaphore;

  sem_init (&semaphore, 0, 0);
  sem_timedwait (&semaphore, &end);
}

static void
wait_signal (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGUSR2);
  sigtimedwait (&set, NULL, &(struct timespec){ .tv_sec = MINUTES });
}

static void
wait_semop (void)
{
  struct sembuf take = { 0, -1, 0 };
  int id = semget (IPC_PRIVATE, 1, 0600);

  semtimedop (id, &take, 1, &(struct timespec){ .tv_sec = MINUTES });
}

static void
wait_pause (void)
{
  pause ();
}

static void
wait_inotify (void)
{
  char event[512];
  int fd = inotify_init ();

  if (read (fd, event, sizeof event) == 0)
    abort ();
}

static void
wait_flock (void)
{
  int holder = memfd_create ("lock", 0);
  char path[64];
  int other;

  snprintf (path, sizeof path, "/proc/self/fd/%d", holder);
  other = open (path, O_RDWR);
  flock (holder, LOCK_EX);
  flock (other, LOCK_EX);
}

/* Counts a call that came back at all: nothing that it waits for ever comes. */
static void *
run_wait (void *wait)
{
  ((void (*) (void))wait) ();
  count++;
  return NULL;
}

static void
start_thread (void *(*run) (void *), void *argument)
{
  pthread_t thread;

  if (pthread_create (&thread, NULL, run, argument) != 0)
    abort ();
}

static void
set_up_waits (void)
{
  struct timeval time = { .tv_sec = MINUTES };
  struct epoll_event event = { .events = EPOLLIN };

  if (pipe (pipe_fds) != 0 || socketpair (AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
    abort ();
  epoll_fd = epoll_create1 (0);
  epoll_ctl (epoll_fd, EPOLL_CTL_ADD, pipe_fds[0], &event);
  for (int i = 0; i < 2; i++)
    setsockopt (sockets[i], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

static void (*const waits[]) (void) = {
  wait_accept_timed,  wait_clock_nanosleep, wait_epoll,     wait_epoll_masked, wait_flock,
  wait_futex,         wait_futex_timed,     wait_inotify,   wait_nanosleep,    wait_pause,
  wait_poll,          wait_ppoll,           wait_read,      wait_recv,         wait_recv_timed,
  wait_recvmsg_timed, wait_select,          wait_semaphore, wait_send_timed,   wait_signal,
};

static void
start_waits (void)
{
  set_up_waits ();

  /* A System V semaphore outlives its process, but not its namespace. */
  if (unshare (CLONE_NEWIPC) == 0)
    start_thread (run_wait, wait_semop);
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
    start_thread (run_wait, waits[i]);
}

static void
on_signal (int number)
{
}

/* Counts the real interruptions of epoll_wait(). */
static void *
run_interruptible (void *unused)
{
  struct epoll_event event;

  while (true)
    if (epoll_wait (epoll_fd, &event, 1, MINUTES * 1000) < 0 && errno == EINTR)
      count++;
  return NULL;
}

static void
on_counted_signal (int number)
{
  count++;
}

static uint64_t
compute (void)
{
  uint64_t number = 88172645463325252ULL;

  for (int i = 0; i < 100000; i++)
    {
      number ^= number << 13;
      number ^= number >> 7;
      number ^= number << 17;
    }
  return number;
}

/* Counts wrong results. */
static void *
run_compute (void *unused)
{
  const uint64_t right = compute ();

  while (true)
    if (compute () != right)
      count++;
  return NULL;
}

static void *
run_nothing (void *unused)
{
  return NULL;
}

static void *
run_churn (void *unused)
{
  while (true)
    {
      pthread_t thread;

      if (pthread_create (&thread, NULL, run_nothing, NULL) == 0)
        pthread_join (thread, NULL);
    }
  return NULL;
}

/* Counts what a copy would keep open, locked, or have us wait for. */
static void
check_files (void)
{
  struct pollfd peer = { .events = POLLIN };
  int pair[2], lock;
  FILE *first = tmpfile ();
  char path[64];

  /* Locked and connected when the copy was made. */
  static int locked = -1, other = -1, connected[2];

  if (first == NULL || socketpair (AF_UNIX, SOCK_STREAM, 0, pair) != 0)
    abort ();
  if (locked >= 0)
    {
      peer.fd = connected[1];
      close (connected[0]);
      count += poll (&peer, 1, 0) != 1;
      close (locked);
      count += flock (other, LOCK_EX | LOCK_NB) != 0;
      count += waitpid (-1, NULL, WNOHANG) != -1 || errno != ECHILD;
    }
  snprintf (path, sizeof path, "/proc/self/fd/%d", fileno (first));
  lock = open (path, O_RDWR);
  other = open (path, O_RDWR);
  locked = lock;
  flock (locked, LOCK_EX);
  memcpy (connected, pair, sizeof pair);
}

static void
answer (void)
{
  char line[64];

  puts ("ready");
  fflush (stdout);
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      sem_post (&asked);
      if (with_files)
        check_files ();
      printf ("%ld\n", (long)count);
      fflush (stdout);
    }
}

static void *
run_answer (void *unused)
{
  answer ();
  exit (0);
}

/* A thread that waits for its child of vfork() sleeps uninterruptibly. */
static void *
run_vfork (void *unused)
{
  char byte;

  if (vfork () == 0)
    _exit (read (pipe_fds[0], &byte, 1) == 1 ? 0 : 1);
  count++;
  return NULL;
}

static void
run_vfork_target (void)
{
  char line[64];

  if (pipe (pipe_fds) != 0)
    abort ();
  start_thread (run_vfork, NULL);
  puts ("ready");
  fflush (stdout);
  if (fgets (line, sizeof line, stdin) == NULL || write (pipe_fds[1], "x", 1) != 1)
    abort ();
  while (count == 0)
    sched_yield ();
  puts ("vfork returned");
  fflush (stdout);
  pause ();
}

/* @left: how often it becomes itself again. */
static void
run_execs (int left, bool first)
{
  char number[16], byte;

  if (first)
    {
      puts ("ready");
      fflush (stdout);
      if (read (0, &byte, 1) != 1)
        abort ();
    }
  snprintf (number, sizeof number, "%d", left - 1);
  if (left > 0)
    execl ("/proc/self/exe", "tracer-target", "execs", number, "again", NULL);
}

/* Becomes nobody's, as a program may that is set-uid, or of nobody's group. */
static void
run_turns (const char *what)
{
  char byte;

  puts ("ready");
  fflush (stdout);
  if (read (0, &byte, 1) != 1 || (strcmp (what, "user") == 0 ? seteuid (65534) : setegid (65534)) != 0)
    abort ();
}

/* What the main thread does while others answer. */
static void
run_in_main (const char *mode, const char *argument)
{
  const struct rlimit none = { 0, 0 };
  const struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
  const struct sock_fprog filter = { 1, (struct sock_filter *)&allow };

  set_up_waits ();
  if (strcmp (mode, "main-seccomp") == 0
      && (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
          || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0))
    abort ();
  with_files = strcmp (mode, "main-files") == 0;
  signal (SIGCHLD, on_counted_signal);
  if (strcmp (mode, "main-nobody") == 0)
    {
      if (setrlimit (RLIMIT_NPROC, &none) != 0 || setuid (65534) != 0)
        abort ();
      return;
    }
  if (atoi (argument) > 0 && strcmp (mode, "main-wait") != 0)
    ballast =
        memset (malloc (atoi (argument) * (size_t)1024 * 1024), 1, atoi (argument) * (size_t)1024 * 1024);
  start_thread (run_answer, NULL);
  if (strcmp (mode, "main-wait") == 0)
    run_wait (waits[atoi (argument)]);
  run_compute (NULL);
}

int
main (int argc, char **argv)
{
  const char *mode = argc > 1 ? argv[1] : "";
  sigset_t blocked;

  /* For sigtimedwait(). */
  sigemptyset (&blocked);
  sigaddset (&blocked, SIGUSR2);
  sigprocmask (SIG_BLOCK, &blocked, NULL);
  signal (SIGUSR1, on_signal);
  sem_init (&asked, 0, 0);

  if (strcmp (mode, "waits") == 0)
    start_waits ();
  else if (strcmp (mode, "interruptible") == 0)
    {
      set_up_waits ();
      start_thread (run_interruptible, NULL);
    }
  else if (strcmp (mode, "signals") == 0)
    {
      signal (SIGRTMIN, on_counted_signal);
      start_thread (run_compute, NULL);
    }
  else if (strcmp (mode, "compute") == 0)
    {
      start_thread (run_compute, NULL);
      start_thread (run_compute, NULL);
    }
  else if (strcmp (mode, "churn") == 0)
    start_thread (run_churn, NULL);
  else if (strcmp (mode, "vfork") == 0)
    run_vfork_target ();
  else if (strcmp (mode, "no-leader") == 0)
    {
      start_thread (run_answer, NULL);
      sem_wait (&asked);
      pthread_exit (NULL);
    }
  else if (strcmp (mode, "execs") == 0)
    run_execs (atoi (argv[2]), argc == 3);
  else if (strcmp (mode, "turns") == 0)
    run_turns (argv[2]);
  else if (strncmp (mode, "main-", 5) == 0)
    run_in_main (mode, argc > 2 ? argv[2] : "0");
  answer ();
  return 0;
}
