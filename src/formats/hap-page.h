/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-writer.h"

G_BEGIN_DECLS

typedef void (*HapPageFunc) (HapWriter *writer, gpointer data);

/**
 * hap_page_put:
 * @template: the resource that the page is made of, with marks: "@TITLE@", "@DATA@", "@LANGUAGE@", "@WORDS@"
 * for the translations of what its scripts say in _() and ngettext(), "@NAME@" for the text of another
 * resource,
 * "@hash:NAME@" for the source expression that allows exactly this text inline
 * @title: made printable and escaped here
 * @put_data: writes the page's data: JSON by hap_writer_json(), safe inside of a script element
 *
 * Writes a self-contained page in the language of the thread's locale. Private to this room.
 */
void hap_page_put (HapWriter *writer,
                   const char *template,
                   const char *title,
                   HapPageFunc put_data,
                   gpointer data);

/* A text of the target as a JSON string: printable first. */
void hap_page_put_text (HapWriter *writer, const char *text);

G_END_DECLS
