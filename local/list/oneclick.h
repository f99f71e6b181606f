/*
 * oneclick.h - a web server's request to leave a list (RFC 8058; RFC 3875)
 *
 * Pure.
 */
#ifndef ONECLICK_H
#define ONECLICK_H

#include <stdbool.h>
#include <stddef.h>

#define ONECLICK_LIST_MAX 254
#define ONECLICK_BODY_MAX 4096

struct oneclick {
	/* LIST-unsubscribe+TOKEN@DOMAIN, and LIST@DOMAIN */
	char address[ONECLICK_LIST_MAX + 64], list[ONECLICK_LIST_MAX + 1];
};

/* Take PATH_INFO apart: `/LIST@DOMAIN/TOKEN`. Only what can stand in an address
 * and on a page without quotes is taken. */
bool oneclick_path(char const *path, struct oneclick *o_r)
	__attribute__((warn_unused_result));

/* Whether the body of a POST says what RFC 8058, 3.1 wants, in either form. */
bool oneclick_body(char const *s, size_t len);

#endif
