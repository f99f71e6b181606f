/*
 * setting.h - the settings: which there are, of what kind, their defaults
 *
 * setting_table is the one place that lists them; settings(5) describes them.
 * A value is checked and put into the normal form that daemons read: numbers in
 * decimal, sizes in octets, times in seconds, lists with one blank between.
 */
#ifndef SETTING_H
#define SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

enum setting_type {
	SETTING_DOMAIN,	   /* a host name */
	SETTING_PATH,	   /* absolute */
	SETTING_PATH_NONE, /* absolute, or empty */
	SETTING_PATHS,	   /* any number, also relative */
	SETTING_ACCOUNT,   /* becomes uid-X and gid-X in the table */
	SETTING_GROUP,	   /* becomes gid-X */
	SETTING_UIDS,	   /* FROM-TO; becomes mailbox-uid-min, -max */
	SETTING_ADDRESSES, /* any number of ADDRESS:PORT */
	SETTING_HOSTS,	   /* any number of addresses, without a port */
	SETTING_NETWORKS,  /* any number of ADDRESS/BITS */
	SETTING_NAMES,	   /* any number of ADDRESS, @DOMAIN or * */
	SETTING_SWITCH,	   /* yes or no; 1 or 0 in the table */
	SETTING_NUMBER,	   /* between minimum and maximum, as the next two */
	SETTING_SIZE,	   /* octets; k, M, G: 1024 times as much each */
	SETTING_DURATION   /* seconds; m, h, d, w */
};

struct setting {
	char const *key;
	enum setting_type type;
	char const *initial; /* NULL: has to be given */
	uint64_t minimum, maximum;
};

extern struct setting const setting_table[];
extern size_t const setting_count;

/* NULL: there is none of this name. */
struct setting const *setting_find(char const *key);

/*
 * Append the normal form of value (NUL-ended, no blanks at either end) to sa,
 * with a NUL behind it. False: *why_r says what is wrong with it (static).
 */
bool setting_normal(struct setting const *s, char const *value, stralloc *sa,
	char const **why_r) __attribute__((warn_unused_result));

/* Append the addresses of a SETTING_ADDRESSES in normal form to sa, each as
 * struct sockaddr with its length in an octet before it. */
bool setting_sockaddrs(char const *value, stralloc *sa)
	__attribute__((warn_unused_result));

/* The parts of a SETTING_UIDS in normal form. */
bool setting_uids(char const *value, uint32_t *min_r, uint32_t *max_r)
	__attribute__((warn_unused_result));

#endif
