/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the installed methods need, as docs/security.md says: written down, not read from the plugins, which
 * are compared with it. @attribute: (nullable): with it, @more is needed */
static const struct DocumentedAuthority
{
  const char *method, *authority, *attribute, *more;
} documented_authorities[] = {
  { "DumpLogObjects", "inspect", "unredacted", "inspect-secrets" },
  { "DumpSockets", "observe" },
  { "LogCurrentTasks", "observe" },
  { "LogEventLoopScheduled", "observe" },
  { "LogThreadFrames", "observe" },
  { "LruStats", "observe", "contents", "inspect" },
  { "Memory", "profile" },
  { "SetAsyncioDebug", "modify" },
  { "Start", "profile", "mode", "modify" },
  { "StartLogObjectSources", "inspect" },
  { "StartLogObjects", "profile" },
  /* Of others' jobs; one's own anybody may stop. */
  { "StopLogObjectSources", "manage" },
  { "StopLogObjects", "manage" },
};
