/*
 * policystore.h - what policy remembers: counters in a fixed number of slots
 *
 * A slot is found by a keyed hash of what it is about; those who choose their
 * names can't choose where they fall. When the slots that a key may have are
 * all taken, the one that was touched least lately goes. Nothing here grows.
 * The whole is written to a file now and then, and read back at the start; what
 * is damaged there is forgotten, and can't do more harm than that.
 */
#ifndef POLICYSTORE_H
#define POLICYSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICYSTORE_SLOTS 65536u
/* Slots that a key may have. */
#define POLICYSTORE_WAYS 8u
#define POLICYSTORE_PAGE 4096u
#define POLICYSTORE_SECRET 16u

/* What a slot counts; also the first octet of what is hashed. */
enum policystore_kind {
	POLICYSTORE_GREY = 'g',	    /* network, sender, recipient */
	POLICYSTORE_KNOWN = 'k',    /* a network that came back before */
	POLICYSTORE_MESSAGES = 'm', /* of a network or user, in an hour */
	POLICYSTORE_RECIPIENTS = 'r',
	POLICYSTORE_GUESSES = 'x', /* of a network */
	/* Of a user: where it has written to; how many of these were new, today;
	 * recipients that there are not, in an hour; recipients in an hour;
	 * networks that it came from, and how many, today; told today. */
	POLICYSTORE_DESTINATION = 'd',
	POLICYSTORE_NEW = 'D',
	POLICYSTORE_UNKNOWN = 'u',
	POLICYSTORE_SENT = 's',
	POLICYSTORE_FROM = 'n',
	POLICYSTORE_NETWORKS = 'N',
	POLICYSTORE_ALARM = 'a'
};

struct policystore_slot {
	uint64_t key;	      /* 0: free */
	uint32_t first, last; /* seconds since 1970 */
	uint32_t count;
	uint32_t kind;
};

struct policystore {
	int fd; /* -1: kept in memory only */
	unsigned char secret[POLICYSTORE_SECRET];
	struct policystore_slot slots[POLICYSTORE_SLOTS];
	bool is_dirty[POLICYSTORE_SLOTS * sizeof(struct policystore_slot) /
			      POLICYSTORE_PAGE +
		      1];
};

/* Read fd, or begin anew (then *is_new_r). The struct is static: 1.5 MB. now:
 * what claims to be from later is forgotten. False: errno. */
bool policystore_open(struct policystore *s, int fd, uint32_t now,
	bool *is_new_r) __attribute__((warn_unused_result));

/* Write what has changed. False: errno; it is tried again with the next. */
bool policystore_save(struct policystore *s)
	__attribute__((warn_unused_result));

/*
 * The slot about parts[0..count) (texts, hashed with their lengths). A new one
 * has count 0, first and last now. Touches it: last becomes now, *before_r what
 * it was. Never fails.
 */
struct policystore_part {
	char const *s;
	size_t len;
};
struct policystore_slot *policystore_find(struct policystore *s,
	enum policystore_kind kind, struct policystore_part const *parts,
	size_t count, uint32_t now, uint32_t *before_r);

#endif
