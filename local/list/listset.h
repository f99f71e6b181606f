/*
 * listset.h - the settings of a mailing list: list(5)
 *
 * A text of lines `KEY VALUE`, made by `kereru list` and edited by hand as one
 * likes; `#` at the start of a line begins a remark. Pure: everything points
 * into the text.
 */
#ifndef LISTSET_H
#define LISTSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owners, and moderators, that one list can have. */
#define LISTSET_PEOPLE_MAX 32
/* Octets of the text. */
#define LISTSET_MAX 65536
/* Octets of unsubscribe-url: a token follows it. */
#define LISTSET_URL_MAX 230

struct listset_text {
	char const *s;
	size_t len; /* 0: not set */
};

/* Who may post without being asked about. */
enum listset_post { LISTSET_ANYONE, LISTSET_MEMBERS, LISTSET_MODERATORS };
/* What becomes of what the others post. */
enum listset_others { LISTSET_HOLD, LISTSET_REFUSE, LISTSET_DROP };
/* Who may join. */
enum listset_join {
	LISTSET_JOIN_OPEN,
	LISTSET_JOIN_OWNER,
	LISTSET_JOIN_CLOSED
};
/* Whether From is made the list's. */
enum listset_from {
	LISTSET_FROM_AUTO,
	LISTSET_FROM_ALWAYS,
	LISTSET_FROM_NEVER
};

struct listset {
	/* As it is written, with an `@` in it; its local part's length. */
	struct listset_text address;
	size_t local_len;
	struct listset_text name; /* for people; default: the local part */
	struct listset_text tag;  /* in front of subjects */
	struct listset_text url;  /* https, for one-click unsubscription */
	struct listset_text owners[LISTSET_PEOPLE_MAX];
	size_t owner_count;
	struct listset_text moderators[LISTSET_PEOPLE_MAX];
	size_t moderator_count; /* 0: the owners are */
	enum listset_post post;
	enum listset_others others;
	enum listset_join join;
	enum listset_from from;
	bool has_footer, reply_to_list, has_archive;
	uint64_t size_max; /* octets of a posting; 0: no limit */
	uint64_t digest_size, digest_hours, bounce_days;
};

struct listset_fault {
	unsigned line; /* from 1; 0: of the whole */
	char const *text;
};

/* What the settings say. False: *fault_r, the first fault. */
bool listset_parse(char const *s, size_t len, struct listset *set_r,
	struct listset_fault *fault_r) __attribute__((warn_unused_result));

/* Whether a line `KEY VALUE` of a key that stands there once at most (for
 * `kereru list set`); owner and moderator may stand more often. */
enum listset_key { LISTSET_UNKNOWN, LISTSET_ONCE, LISTSET_OFTEN };
enum listset_key listset_key_kind(char const *key, size_t len);

/* Whether the address s is one of those. */
bool listset_has(struct listset_text const *list, size_t count, char const *s,
	size_t len);

#endif
