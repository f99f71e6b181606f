/* Registered domains: see psl.h. */
#include <arpa/inet.h>
#include <libpsl.h>
#include <stdint.h>
#include <string.h>
#include "smtpd/check/psl.h"

bool
psl_open(struct psl *psl, char const *file)
{
	psl->list = file != NULL ? psl_load_file(file) : NULL;
	psl->is_owned = psl->list != NULL;
	if (psl->list == NULL)
		psl->list = (void *)(uintptr_t)psl_builtin();
	return psl->list != NULL;
}

void
psl_close(struct psl *psl)
{
	if (psl->is_owned)
		psl_free(psl->list);
	psl->list = NULL;
	psl->is_owned = false;
}

char const *
psl_registered(struct psl const *psl, char const *name)
{
	unsigned char address[4];

	if (*name == '\0' || *name == '.' ||
		inet_pton(AF_INET, name, address) == 1)
		return NULL;
	return psl_registrable_domain(psl->list, name);
}
