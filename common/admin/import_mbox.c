/* An mbox file, brought into a mailbox; see import.h. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "common/admin/mbox.h"

/* As much of the file as tells it from another one. */
#define BEGINNING 4096

/* "F FOLDER<tab>HASH " */
static void
mark_head(char const *s, size_t len, char const *folder, char *out, size_t max)
{
	unsigned char hash[16];
	char hex[2 * sizeof hash + 1];

	crypto_generichash(
		hash, sizeof hash, (unsigned char const *)s, len, NULL, 0);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	(void)snprintf(out, max, "F %s\t%s %zu ", folder, hex, len);
}

/* Where an earlier run has come to; 0: there was none of this file. */
static size_t
find_mark(struct import const *m, char const *s, size_t len, char const *folder)
{
	char head[BOXNAME_MAX + 128];
	char const *mark;

	/* It may have grown since. */
	for (size_t n = len < BEGINNING ? len : BEGINNING; n > 0; n--) {
		mark_head(s, n, folder, head, sizeof head);
		mark = import_mark(m, head);
		if (mark != NULL)
			return (size_t)strtoumax(mark, NULL, 10);
		if (m->marks.len == 0)
			break;
	}
	return 0;
}

static bool
run(struct import *m, char const *s, size_t len, char const *folder)
{
	struct import_message message = {.text = STRALLOC_ZERO};
	size_t pos = find_mark(m, s, len, folder), before;
	char head[BOXNAME_MAX + 128], mark[BOXNAME_MAX + 160];
	bool ok;
	int r;

	if (!mbox_is(s, len) || pos > len) {
		fprintf(stderr, "kereru: import: %s %s\n", m->what,
			pos > len ? "is shorter than it was"
				  : "is no mbox file");
		return false;
	}
	mark_head(s, len < BEGINNING ? len : BEGINNING, folder, head,
		sizeof head);
	ok = import_folder(m, folder, "", len);
	if (ok)
		m->done = pos;
	for (before = pos; ok && (r = mbox_next(s, len, &pos, &message)) != 0;
		before = pos) {
		(void)snprintf(mark, sizeof mark, "%s%zu", head, pos);
		ok = r > 0 && import_put(m, &message, mark, pos - before);
	}
	stralloc_free(&message.text);
	return ok && import_end(m);
}

bool
import_mbox(struct import *m, int fd, char const *folder)
{
	struct stat st;
	char *s;
	bool ok;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
		fprintf(stderr, "kereru: import: %s is no mbox file\n",
			m->what);
		return false;
	}
	s = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (s == MAP_FAILED) {
		fprintf(stderr, "kereru: import: %s: %s\n", m->what,
			strerror(errno));
		return false;
	}
	ok = run(m, s, (size_t)st.st_size, folder);
	(void)munmap(s, (size_t)st.st_size);
	return ok;
}
