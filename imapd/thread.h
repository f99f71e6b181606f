/*
 * thread.h - messages in conversations (RFC 5256, 3: THREAD)
 *
 * REFERENCES and ORDEREDSUBJECT to the letter. REFS is REFERENCES without its
 * step 5: subjects are not looked at, and threads stand in the order of the
 * newest internal date in each. Near-linear time whatever the messages say, no
 * recursion. Messages are added in the order of their numbers, then
 * thread_finish makes trees of them.
 */
#ifndef THREAD_H
#define THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "imapd/forest.h"

#define THREAD_NONE UINT32_MAX

/* Messages and ids that are named, together; more is ENOBUFS. */
#define THREAD_NODES_MAX 4000000

enum thread_algorithm { THREAD_ORDEREDSUBJECT, THREAD_REFERENCES, THREAD_REFS };

struct thread_node {
	uint32_t message; /* what thread_add was told; THREAD_NONE: a dummy */
	uint32_t parent, child, last_child, next;
	uint32_t id, id_len;	       /* in ids; 0: none */
	uint32_t subject, subject_len; /* in subjects */
	bool reply;
	int64_t date, arrival;
};

struct thread {
	enum thread_algorithm algorithm;
	struct thread_node *v;
	size_t count, allocated;
	struct forest forest;
	stralloc ids, subjects;
	uint32_t *slots; /* index + 1 of nodes by id */
	size_t slots_count;
	uint32_t *roots; /* by thread_finish */
	size_t roots_count, roots_allocated;
};

struct thread_message {
	uint32_t message;
	int64_t date, arrival;
	/* Raw values of fields. */
	char const *id, *references, *in_reply_to;
	size_t id_len, references_len, in_reply_to_len;
	/* Key of the base subject. */
	char const *subject;
	size_t subject_len;
	bool reply;
};

void thread_init(struct thread *t, enum thread_algorithm algorithm);
void thread_free(struct thread *t);

/* False: errno. */
bool thread_add(struct thread *t, struct thread_message const *m)
	__attribute__((warn_unused_result));

/* All are added: make t->roots, with children linked in order. False: errno. */
bool thread_finish(struct thread *t) __attribute__((warn_unused_result));

/*
 * Append `(2)(3 6 (4 23)(44 7 96))`, with number(message) for each message.
 * False: memory.
 */
bool thread_write(struct thread const *t,
	uint32_t (*number)(void const *arg, uint32_t message), void const *arg,
	stralloc *out) __attribute__((warn_unused_result));

/* For the parts of this module: a new node without an id. */
bool thread_new(struct thread *t, uint32_t *i_r)
	__attribute__((warn_unused_result));
/* thread_sort.c: steps 2 to 6. */
bool thread_sort(struct thread *t) __attribute__((warn_unused_result));

#endif
