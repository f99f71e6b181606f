/*
 * service.h - the s6 scan directory of a host
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/admin/values.h"

/*
 * Copy each role's service directory from share/service into STATE/scan, with a
 * file `env` that tells its run scripts this host's paths and accounts. What
 * stands there is replaced; supervision that runs goes on. False: told.
 */
bool service_install(struct values const *v, char const *share)
	__attribute__((warn_unused_result));

/* The name of service number i, or NULL behind the last. */
char const *service_name(size_t i);

#endif
