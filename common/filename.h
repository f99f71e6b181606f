/*
 * filename.h - names of message files in a maildir
 *
 * `<unique>,S=<octets>,W=<octets as CRLF>:2,<flags>`: the base name (all before
 * the first ':') names the message for ever, the rest changes with its flags.
 * Flags are the letters D F R S T, in order, and a to z for keywords; letters
 * that mean nothing to us (P, say) are kept. Pure.
 */
#ifndef FILENAME_H
#define FILENAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILENAME_MAX_LEN 255

struct filename {
	size_t base_len;
	unsigned system;   /* FLAG_* of flags.h */
	uint32_t keywords; /* bit 0: letter a */
};

void filename_parse(char const *name, size_t len, struct filename *f_r);

/*
 * The name with other flags, NUL-ended.
 * out  FILENAME_MAX_LEN + 1 octets. Returns the length, 0 if it is too long.
 */
size_t filename_make(char const *name, size_t len, unsigned system,
	uint32_t keywords, char *out);

/*
 * The number behind ",S=" (which = 'S') or ",W=" in the base name.
 */
bool filename_size(char const *name, size_t base_len, char which,
	uint64_t *size_r) __attribute__((warn_unused_result));

#endif
