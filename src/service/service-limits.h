/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ServiceLimits: how much of everything there may be. What each is for is said in data/ha-profilerd.conf.
 */
typedef struct
{
  guint jobs;
  guint jobs_per_user;
  guint calls;
  guint calls_per_user;
  guint subscribers;
  guint subscribers_per_user;
  guint64 entry_bytes_per_second;
  guint64 entry_burst_bytes;
  guint64 job_artifact_bytes;
  guint64 artifact_bytes;
  guint64 artifact_age_seconds;
  guint artifacts;
  guint polkit_seconds;
  guint password_seconds;
} ServiceLimits;

#define SERVICE_LIMITS_DEFAULT                                                                               \
  {                                                                                                          \
    .jobs = 16, .jobs_per_user = 4, .calls = 128, .calls_per_user = 32, .subscribers = 64,                   \
    .subscribers_per_user = 8, .entry_bytes_per_second = 256 * 1024,                                         \
    .entry_burst_bytes = (guint64)32 * 1024 * 1024, .job_artifact_bytes = (guint64)1024 * 1024 * 1024,       \
    .artifact_bytes = (guint64)2 * 1024 * 1024 * 1024, .artifact_age_seconds = (guint64)30 * 24 * 60 * 60,   \
    .artifacts = 1000, .polkit_seconds = 10, .password_seconds = 120,                                        \
  }

G_END_DECLS
