/*
 * wkd.h - a Web Key Directory of the mailboxes here
 * (draft-koch-openpgp-webkey-service, 3.1)
 */
#ifndef WKD_H
#define WKD_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>
#include "common/admin/config.h"
#include "common/admin/pgpkeys.h"

/* A key of an address: what is published is sorted by these. */
struct wkd_entry {
	char *address; /* lower case */
	struct pgpkeys_span key;
};

struct wkd {
	bool is_told;  /* print each address and its file's name */
	stralloc keys; /* what was read */
	struct wkd_entry *list;
	size_t count, room;
};

/* Public keys as `gpg --export` writes them. False: errno. */
bool wkd_read(struct wkd *w, int fd) __attribute__((warn_unused_result));

/* Find those that are somebody's here. An exit code; told. */
int wkd_find(struct wkd *w, struct config const *c);

/* Whether there is one in a domain. */
bool wkd_has(struct wkd const *w, char const *domain);

/*
 * Write `policy` and `hu/` of a domain below folder, each key with no other
 * address than the one that it is asked for by. What was published and is no
 * more among the keys is removed. False: errno.
 */
bool wkd_publish(struct wkd const *w, int folder, char const *domain)
	__attribute__((warn_unused_result));

void wkd_free(struct wkd *w);

#endif
