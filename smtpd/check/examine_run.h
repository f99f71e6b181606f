/*
 * examine_run.h - what is known of the message that is looked at, for examine.c
 * and sentence.c alone
 */
#ifndef EXAMINE_RUN_H
#define EXAMINE_RUN_H

#include "common/query.h"
#include "smtpd/check/examine.h"
#include "smtpd/check/mailauth.h"
#include "smtpd/check/rules.h"
#include "smtpd/check/uribl.h"

/* Octets of the X-Spam field's list of rules. */
#define EXAMINE_NAMES_MAX 8000

struct examine_state {
	struct examine *x;
	char const *s; /* the message as it came */
	size_t len;
	struct rules_facts facts;
	struct query lists;
	bool failed;  /* in reading the text */
	int bayes_fd; /* its answer comes there; -1: nobody was asked */
	struct uribl urls;
	bool has_gtube;
	struct mailauth_results const *auth; /* NULL: a user's message */
	/* What the walk over the rules has come to. */
	struct examine_verdict *verdict;
	bool is_tagged, is_over;
	char names[EXAMINE_NAMES_MAX];
	size_t names_len;
};

/* Go through the rules, hooks and milters until one decides; the verdict is in
 * st. */
void sentence_walk(struct examine_state *st);

/* Why, for the user: X-Spam with each rule and its weight. False: no memory. */
bool sentence_field(struct examine_state *st)
	__attribute__((warn_unused_result));

#endif
