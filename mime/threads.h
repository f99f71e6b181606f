/*
 * threads.h - messages in the order of their conversations
 *
 * By Message-ID, References and In-Reply-To (RFC 5322, 3.6.4), as RFC 5256
 * describes REFERENCES, but for subjects, which are not looked at. Messages
 * that are named but not there hold a thread together. Near-linear time; loops
 * in the references do no harm.
 */
#ifndef MIME_THREADS_H
#define MIME_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/genalloc.h>
#include <skalibs/stralloc.h>

/* References looked at in one message: the last ones. */
#define THREADS_REFERENCES_MAX 100

#define THREADS_NONE UINT32_MAX

struct threads {
	genalloc nodes;	 /* struct threads_node */
	stralloc ids;	 /* the text of message ids */
	uint32_t *table; /* hash table of nodes; table_size is a power of 2 */
	size_t table_size;
	uint64_t seed; /* random: nobody can choose what collides */
};

#define THREADS_ZERO                                                           \
	{                                                                      \
		.nodes = GENALLOC_ZERO, .ids = STRALLOC_ZERO                   \
	}

/* Where a message stands. */
struct threads_line {
	uint32_t message; /* as it was given to threads_add */
	uint32_t depth;	  /* 0: it starts a thread */
};

/*
 * Add a message.
 *
 * id          its Message-ID, angle brackets and all, may be empty
 * references  raw values of References, else In-Reply-To
 *
 * False: memory is out (errno).
 */
bool threads_add(struct threads *t, uint32_t message, int64_t date,
	char const *id, size_t id_len, char const *references,
	size_t references_len) __attribute__((warn_unused_result));

/* Append a struct threads_line for each message to lines. False: memory. */
bool threads_sort(struct threads *t, genalloc *lines)
	__attribute__((warn_unused_result));

/* Free all that t holds; it can be used anew. */
void threads_free(struct threads *t);

#endif
