/*
 * route.h - where a recipient's mail goes
 *
 * Looks an address up in the compiled tables. No i/o beyond the mapped tables.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "common/addr.h"
#include "common/table.h"

/* A channel's name: a mailbox's key, or a destination. */
#define ROUTE_NAME_MAX ADDR_KEY_MAX
/* Addresses that one alias may stand for, and how deep it may be nested. */
#define ROUTE_TARGETS_MAX 1000
#define ROUTE_DEPTH_MAX 10

struct route_tables {
	struct table recipients, aliases, routes;
	char const *hostname; /* for a bare `postmaster` */
};

enum route_kind {
	ROUTE_LOCAL,   /* name: the mailbox */
	ROUTE_REMOTE,  /* name: a domain, [address], or host:port */
	ROUTE_HOLD,    /* it stays until somebody releases it */
	ROUTE_EXPAND,  /* name: the alias's key; see route_expand */
	ROUTE_UNKNOWN, /* nobody here has this address */
	ROUTE_REFUSED, /* a mailbox that takes no mail */
	ROUTE_INVALID, /* not an address */
	ROUTE_FORGED,  /* not from here; made for forwarding by nobody here */
	ROUTE_LOOP,    /* an alias that leads nowhere but to itself */
	ROUTE_LATER    /* a table is missing or damaged */
};

struct route {
	enum route_kind kind;
	bool is_caught; /* by the domain's catch-all: nobody has it himself */
	size_t name_len;
	char name[ROUTE_NAME_MAX + 1];
};

/*
 * The key of an address, and whether it is one. A bare postmaster gets our
 * host's name (RFC 5321 4.5.1). Returns its length, or 0.
 */
size_t route_key(struct route_tables const *t, char const *address, size_t len,
	char key_r[ROUTE_NAME_MAX + 1]);

enum route_domain {
	ROUTE_DOMAIN_LOCAL,
	ROUTE_DOMAIN_BACKUP,
	ROUTE_DOMAIN_FOREIGN,
	ROUTE_DOMAIN_LATER
};
enum route_domain route_domain(
	struct route_tables const *t, char const *key, size_t key_len);

/*
 * Where mail for address goes. A route of its domain counts first, then one of
 * the sender's domain (`@example.org`; sender NULL: not asked), then `*`.
 */
void route_find(struct route_tables const *t, char const *address, size_t len,
	struct route *route_r);
void route_find_from(struct route_tables const *t, char const *sender,
	size_t sender_len, char const *address, size_t len,
	struct route *route_r);

/*
 * Call add for each final target of an alias, once each, in the order of the
 * table. 1 done; 0 too many targets; -1 a table is damaged, or add said false.
 */
typedef bool route_add(void *data, char const *address, size_t len);
int route_expand(struct route_tables const *t, char const *key, size_t key_len,
	route_add *add, void *data) __attribute__((warn_unused_result));

/* Whether the mailbox with this uid owns the address, as a sender.
 * 1 yes, 0 no, -1 the table is damaged. */
int route_owns(struct route_tables const *t, char const *address, size_t len,
	uid_t uid);

#endif
