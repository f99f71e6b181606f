/*
 * mime_time ROUNDS FILE... - how long parsing takes with mime/
 *
 * Reads the files, then parses all of them ROUNDS times, in one thread: first
 * their trees alone, then with what an IMAP server says of each (ENVELOPE and
 * BODYSTRUCTURE). Prints CPU seconds and octets as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mime/imap.h"
#include "mime/structure.h"
#include "tests/bench/mime_files.h"

static struct structure_part parts[STRUCTURE_PARTS_MAX];
static stralloc said;

static void
parse(char const *s, size_t len, bool index)
{
	size_t const n = structure_parse(s, len, parts, STRUCTURE_PARTS_MAX);

	if (!index)
		return;
	said.len = 0;
	if (!imap_envelope(&said, s, parts[0].header_len) ||
		!imap_bodystructure(&said, s, parts, n, true))
		abort();
}

int
main(int argc, char **argv)
{
	struct mime_files files = mime_files_read(argc, argv);

	for (int index = 0; index < 2; index++) {
		double const start = mime_files_cpu();

		for (int round = 0; round < files.rounds; round++)
			for (size_t i = 0; i < files.count; i++)
				parse(files.list[i].s, files.list[i].len,
					index);
		files.seconds[index] = mime_files_cpu() - start;
	}
	mime_files_tell(&files);
	return 0;
}
