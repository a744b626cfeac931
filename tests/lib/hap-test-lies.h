/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-memory.h"

G_BEGIN_DECLS

/* HapTestLies: a memory that shows another one's words changed, now and then. */
#define HAP_TYPE_TEST_LIES (hap_test_lies_get_type ())
G_DECLARE_FINAL_TYPE (HapTestLies, hap_test_lies, HAP, TEST_LIES, GObject)

/* @max_reads: in one round; who reads more reads without end, and fails the test */
HapTestLies *hap_test_lies_new (guint seed, guint max_reads);

void hap_test_lies_set_source (HapTestLies *self, HapMemory *source);

/* A round begins, in which one of so many reads lies; 0: none. */
void hap_test_lies_begin (HapTestLies *self, guint one_in);
guint hap_test_lies_get_reads (HapTestLies *self); /* of this round */

/* What it would show instead of a word: for who overwrites memory for good. */
guint64 hap_test_lies_make (HapTestLies *self, guint64 truth);

/* HAP_TEST_ROUNDS, or @otherwise, of which a program that is built with sanitizers makes a part */
guint hap_test_get_rounds (guint otherwise);

G_END_DECLS
