/*
 * domain.h - domains added
 */
#ifndef DOMAIN_H
#define DOMAIN_H

#include <stdbool.h>

/*
 * Add a line to `domains` for a domain that has none, in lower case. An exit
 * code; what is wrong was told. The tables are not compiled.
 */
int domain_add(char const *folder, char const *domain, bool is_backup);

#endif
