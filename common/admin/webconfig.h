/*
 * webconfig.h - the settings of mail programs, as a domain's web server says
 * them
 *
 * Pure functions from the text files to XML, in which every name is escaped.
 * All name the address as user and prefer TLS from the start (RFC 8314); a
 * service that does not listen is left out. domain is an A-label name. False:
 * no memory.
 */
#ifndef WEBCONFIG_H
#define WEBCONFIG_H

#include <stdbool.h>
#include <skalibs/stralloc.h>
#include "common/admin/config.h"

/* Thunderbird and its kin: mail/config-v1.1.xml. */
bool webconfig_thunderbird(struct config const *c, char const *domain,
	stralloc *sa) __attribute__((warn_unused_result));

/*
 * Outlook: autodiscover/autodiscover.xml. A program would answer each address
 * by its own; a file has no login name in it, which means the address that the
 * person has typed.
 */
bool webconfig_outlook(struct config const *c, char const *domain, stralloc *sa)
	__attribute__((warn_unused_result));

/* Apple: a profile. The person is asked for name, address and password. */
bool webconfig_apple(struct config const *c, char const *domain, stralloc *sa)
	__attribute__((warn_unused_result));

/* Append s[0..len) with what XML has a meaning for replaced; what no XML text
 * may hold is a question mark. */
bool webconfig_escape(stralloc *sa, char const *s, size_t len)
	__attribute__((warn_unused_result));

#endif
