/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-action.h"

G_BEGIN_DECLS

/**
 * DumpSockets: an entry with Home Assistant's first line, one for each socket object, whose message is its
 * repr(): joined by newlines these are what Home Assistant logs; then one for each socket descriptor that no
 * object has, notes, and one that sums up.
 *
 * Fields of a socket object: class s, object t (address), fd i, closed b, family i, type i, proto i, laddr s,
 * raddr s (as Python prints them), integration s, kind s, rests_on s; leak s: "object-without-descriptor"
 * (its descriptor is no socket any more); changing b (TRUE: it was opened, closed or exchanged while we
 * looked). Of a descriptor without object: fd i, family i, type i, proto i, laddr s, raddr s, leak s:
 * "descriptor-without-object". Of both, from the kernel: inode t, state s, receive_queue t and send_queue t
 * (bytes; of a listening one: connections that wait and that may), idle d (seconds since data was last sent
 * or received; TCP). What is not known is absent.
 *
 * Fields of the last entry: sockets u (objects), descriptors u (sockets that the process has open),
 * without_descriptor u, without_object u, integrations aa{sv} (name s, kind s, sockets u), pause_us d, still
 * b (the objects were read in a copy that stood still), no_snapshot s (why they were not), source s (how the
 * kernel was asked: "sock_diag"; "proc", which tells less; absent: not at all), left_out u (absent: none),
 * python s.
 */
#define SOCKETS_TYPE_DUMP (sockets_dump_get_type ())
G_DECLARE_FINAL_TYPE (SocketsDump, sockets_dump, SOCKETS, DUMP, HapAction)

G_END_DECLS
