/*
 * signask.h - what the manager asks of the signer, and what it hears back
 *
 * One question a message, with an open read-only descriptor of its queue file;
 * answers come in the order of the questions. Pure functions over frames;
 * both sides are hostile to the receiver.
 */
#ifndef SIGNASK_H
#define SIGNASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/id.h"
#include "common/job.h"
#include "common/verp.h"

/* What is wanted: a DKIM signature, an ARC set. */
#define SIGNASK_SIGN 1u
#define SIGNASK_SEAL 2u

struct signask {
	uint32_t number;
	char id[ID_LEN + 1];
	uint64_t message_offset, message_len, added_offset, added_len;
	unsigned wishes; /* SIGNASK_* */
	/* Who dropped it may send as anybody here; else only for domains in
	 * which this uid has an address. */
	bool is_free;
	uint32_t uid;
	/* Whole header lines that this copy has in front of all, or empty. */
	char const *fields;
	size_t fields_len;
	/* The domain of the list that sends it, which signs it beside its
	 * author's, or empty. Not checked. */
	char const *list;
	size_t list_len;
};

enum signask_outcome {
	SIGNASK_DONE = 'o', /* also if there is nothing to sign with */
	SIGNASK_LATER = 'l' /* no memory, or the file can't be read now */
};

struct signask_answer {
	uint32_t number;
	enum signask_outcome outcome;
	bool is_seven; /* signed in the form of JOB_SEVEN */
	char const *lines;
	size_t lines_len; /* at most JOB_LINES_MAX */
};

/* Octets of a list's domain, of the fields of a copy, and of a question. */
#define SIGNASK_LIST_MAX 255
#define SIGNASK_FIELDS_MAX VERP_FIELDS_MAX
#define SIGNASK_MAX (128 + SIGNASK_LIST_MAX + SIGNASK_FIELDS_MAX)

/* The frame's length, or 0 if something is too long. */
size_t signask_encode(char *s, size_t max, struct signask const *ask);
size_t signask_answer_encode(
	char *s, size_t max, struct signask_answer const *answer);

/* Pointers go into the frame. False: malformed. */
bool signask_decode(char const *s, size_t len, struct signask *ask_r)
	__attribute__((warn_unused_result));
bool signask_answer_decode(char const *s, size_t len,
	struct signask_answer *answer_r) __attribute__((warn_unused_result));

#endif
