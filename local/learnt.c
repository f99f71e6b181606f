/* What was learnt of a mailbox's owner. */
#include <sodium.h>
#include <string.h>
#include <unistd.h>
#include "local/learnt.h"

static off_t
place(struct learnt const *at)
{
	unsigned n = (unsigned)at->digest[0] << 8 | at->digest[1];

	return (off_t)(n % LEARNT_RECORDS) * LEARNT_RECORD_SIZE;
}

enum lesson
learnt_recall(int fd, char const *text, size_t len, struct learnt *at_r)
{
	unsigned char old[LEARNT_RECORD_SIZE];

	crypto_generichash(at_r->digest, LEARNT_DIGEST,
		(unsigned char const *)text, len, NULL, 0);
	if (pread(fd, old, sizeof old, place(at_r)) != (ssize_t)sizeof old ||
		memcmp(old, at_r->digest, LEARNT_DIGEST) != 0)
		return LESSON_NONE;
	return old[LEARNT_DIGEST] == LESSON_SPAM  ? LESSON_SPAM
	       : old[LEARNT_DIGEST] == LESSON_HAM ? LESSON_HAM
						  : LESSON_NONE;
}

bool
learnt_note(int fd, struct learnt const *at, enum lesson lesson)
{
	unsigned char new[LEARNT_RECORD_SIZE];

	memcpy(new, at->digest, LEARNT_DIGEST);
	new[LEARNT_DIGEST] = (unsigned char)lesson;
	return pwrite(fd, new, sizeof new, place(at)) == (ssize_t)sizeof new;
}
