/*
 * listing.h - a queue file, told to people
 */
#ifndef LISTING_H
#define LISTING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct listing {
	uint64_t now; /* seconds since 1970 */
	FILE *out;
	size_t count;	 /* messages printed so far */
	uint64_t octets; /* of them */
};

/*
 * Print the message folder_fd/name: id, size, age, sender, next try; a line for
 * each recipient that is not done, with its last answer. A file that can't be
 * read as one is told in one line; one that is gone is left out.
 */
void listing_print(struct listing *l, int folder_fd, char const *name);

#endif
