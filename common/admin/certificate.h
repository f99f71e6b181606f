/*
 * certificate.h - PEM files into what fronts and the monitor map
 *
 * tls-certificates names chains (`tls/ec.pem`); the key of each stands beside
 * it (`tls/ec.key`). Makes the two files `certs` and `keys` of the tables'
 * folder; common/tls.h shows the first, doc/man/tables.5 both.
 */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <skalibs/stralloc.h>
#include "common/admin/fault.h"
#include "common/admin/text.h"

/*
 * Read the certificates that `names` (blank-separated; relative ones are below
 * folder) lists, and fill certs and keys; tell what is wrong, and warn of what
 * has expired or soon will. False: no memory.
 */
bool certificate_read(char const *folder, char const *names, stralloc *certs,
	stralloc *keys, struct faults *f) __attribute__((warn_unused_result));

/* A chain and its key in files of any name, read and judged. */
struct certificate_pair {
	struct text chain, key;
	stralloc certs; /* as above, of this one alone */
	bool is_ec;	/* else RSA */
	char spki[65];	/* SHA-256 of its public key, in hexadecimal */
};

/*
 * Read a pair that is to serve `host` from now on: besides what
 * certificate_read finds wrong, one that has expired, is not valid yet, or has
 * not this name is told and refused. Paths are relative to the working
 * directory. True: it is good. Free it in any case.
 */
bool certificate_pair_read(struct certificate_pair *p, char const *chain,
	char const *key, char const *host, struct faults *f)
	__attribute__((warn_unused_result));
void certificate_pair_free(struct certificate_pair *p);

/* The first certificate of a PEM file, as DER; relative paths are below folder.
 * False: there is none. */
bool certificate_first(char const *folder, char const *path, stralloc *der)
	__attribute__((warn_unused_result));

/* The path of the key beside a chain: `.pem` becomes `.key`. */
bool certificate_key_path(char const *chain, stralloc *sa)
	__attribute__((warn_unused_result));

#endif
