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

/*
 * Read the certificates that `names` (blank-separated; relative ones are below
 * folder) lists, and fill certs and keys; tell what is wrong, and warn of what
 * has expired or soon will. False: no memory.
 */
bool certificate_read(char const *folder, char const *names, stralloc *certs,
	stralloc *keys, struct faults *f) __attribute__((warn_unused_result));

/* The path of the key beside a chain: `.pem` becomes `.key`. */
bool certificate_key_path(char const *chain, stralloc *sa)
	__attribute__((warn_unused_result));

#endif
