/*
 * filename.h - what the name of a message's file tells
 *
 * `<unique>[,S=<octets>][,W=<octets as CRLF>][:2,<flags>]`. Pure.
 */
#ifndef POP3_FILENAME_H
#define POP3_FILENAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 1939 7: octets of a unique id, each 0x21 to 0x7E. */
#define POP3_UIDL_MAX 70

/* Octets before the flags: what stays when they change. */
size_t pop3_filename_base(char const *name, size_t len);

/* The size with CRLF ends, if the name has it. */
bool pop3_filename_size(char const *name, size_t len, uint64_t *size_r)
	__attribute__((warn_unused_result));

/*
 * The unique id: the unique part of the name, or `h.` and a hash of it if it
 * is too long or holds what an id may not. Returns its length; NUL-ended.
 */
size_t pop3_filename_uidl(
	char const *name, size_t len, char uidl_r[POP3_UIDL_MAX + 1]);

#endif
