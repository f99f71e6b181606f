/*
 * apppass.h - passwords that a program has instead of its user's own
 *
 * Such a password is made here, never chosen: 24 letters and digits that a
 * person can copy (`abcd-efgh-...`). Its first four are its selector, which is
 * no secret: so a login costs one hash, however many a user has. Pure
 * functions.
 */
#ifndef APPPASS_H
#define APPPASS_H

#include <stdbool.h>
#include <stddef.h>

#define APPPASS_ALPHABET "abcdefghijklmnopqrstuvwxyz234567"
#define APPPASS_LEN 24
#define APPPASS_SELECTOR_LEN 4
/* As it is shown, in groups of four, with its NUL. */
#define APPPASS_SHOWN_SIZE 30
/* Octets of its name and of a list of services, with their NULs. */
#define APPPASS_NAME_SIZE 33
#define APPPASS_SERVICES_SIZE 64

/* Take off what a person adds (blanks, hyphens, capitals). False: it is none.
 */
bool apppass_normal(char const *s, size_t len, char out[APPPASS_LEN + 1])
	__attribute__((warn_unused_result));

/* In groups; s has APPPASS_LEN octets. */
void apppass_show(char const *s, char out[APPPASS_SHOWN_SIZE]);

/* Letters, digits, `.`, `_` and `-`, 1 to 32 of them. */
bool apppass_is_name(char const *s, size_t len);

/*
 * The list of services in normal form: `*`, or names of services with commas
 * between (submit, which may be called smtp, pop3, imap, sieve). False: there
 * is one that we don't know.
 */
bool apppass_services(char const *s, char out[APPPASS_SERVICES_SIZE])
	__attribute__((warn_unused_result));

/* Whether a list in normal form holds the service. */
bool apppass_allows(char const *list, char const *service, size_t len);

#endif
