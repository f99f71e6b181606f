/*
 * rules_text.h - pieces of the rule table's lines, for rules.c and
 * rules_condition.c alone
 *
 * Pure functions.
 */
#ifndef RULES_TEXT_H
#define RULES_TEXT_H

#include "smtpd/check/rules.h"

bool rules_is(struct rules_text t, char const *word);

/* Cut the next word, or the next of a list with commas, off. False: none. */
bool rules_field(struct rules_text *rest, struct rules_text *field_r);
bool rules_item(struct rules_text *rest, struct rules_text *item_r);
bool rules_in_list(struct rules_text list, char const *word);

/* A decimal number with at most two places, in hundredths. */
bool rules_number(struct rules_text t, bool may_be_negative, int64_t *n_r);

/* What a zone may answer: ADDRESS, ADDRESS-ADDRESS, or &BITS, any of these bits
 * in the last octets (then *mask_r is not 0). */
bool rules_answer_range(struct rules_text t, uint32_t *low_r, uint32_t *high_r,
	uint32_t *mask_r);

/* Add `!NAME=VALUES`, `NAME>=NUMBER`, `NAME<NUMBER`, `list:ZONE` to a
 * statement. NULL, or what is wrong with it. */
char const *rules_add_condition(
	struct rules *r, struct rules_statement *st, struct rules_text t);

#endif
