/* The mailbox's own classifier: what it says, what it learns. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/lessons.h"
#include "common/log.h"
#include "local/advise.h"
#include "local/tutor.h"
#include "mime/message.h"
#include "mime/spamtext.h"

/* Octets of a message that are looked at. */
#define LOOK_MAX (2u * 1024 * 1024)
/* What was learnt: a record for each text, where its digest says; a later one
 * may take its place. */
#define DIGEST 16
#define RECORDS 8192u

struct record {
	unsigned char digest[DIGEST];
	char lesson;
};

void
advise_start(struct advise *a, int root_fd, char const *program)
{
	char name[LESSONS_NAME_SIZE];
	int fd;

	if (*program == '\0' || sodium_init() < 0)
		return;
	fd = openat(root_fd, LESSONS_NEW,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOENT || !lessons_create(root_fd))
			log_error("no-lessons", NULL, (char *)0);
		return;
	}
	a->root_fd = root_fd;
	a->has_words = faccessat(root_fd, LESSONS_WORDS, F_OK, 0) == 0;
	if (a->has_words || lessons_oldest(fd, name)) {
		a->tutor_fd = tutor_start(program, LESSONS_FOLDER);
		if (a->tutor_fd < 0)
			log_error("tutor-failed", NULL, (char *)0);
	}
	close(fd);
}

/* What can't be asked now is not asked any more. */
static void
give_up(struct advise *a)
{
	log_event("classifier-failed", NULL, (char *)0);
	close(a->tutor_fd);
	a->tutor_fd = -1;
}

static bool
read_range(stralloc *out, int fd, uint64_t offset, uint64_t len)
{
	if (len > LOOK_MAX - out->len)
		len = LOOK_MAX - out->len;
	if (!stralloc_readyplus(out, (size_t)len))
		return false;
	while (len > 0) {
		ssize_t n = pread(
			fd, out->s + out->len, (size_t)len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		out->len += (size_t)n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return true;
}

/* The classifier's text of what is in m->text, in a file; -1: errno. */
static int
make_text(struct message *m, stralloc *text)
{
	int fd;

	m->count = structure_parse(
		m->text.s, m->text.len, m->parts, STRUCTURE_PARTS_MAX);
	text->len = 0;
	if (!spamtext_make(m, text, NULL, NULL))
		return -1;
	fd = memfd_create("text", MFD_CLOEXEC);
	for (size_t at = 0; fd >= 0 && at < text->len;) {
		ssize_t n = write(fd, text->s + at, text->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(fd);
			return -1;
		}
		at += (size_t)n;
	}
	return fd;
}

static struct message message;
static stralloc text = STRALLOC_ZERO;

bool
advise_ask(struct advise *a, struct job const *job, int fd)
{
	static char const *const words[] = {"none", "spam", "ham", "unsure"};
	enum classifier_verdict verdict;
	unsigned n;
	int text_fd = -1;
	bool ok;

	a->note[0] = '\0';
	if (a->tutor_fd < 0 || !a->has_words)
		return false;
	message.text.len = 0;
	/* As it will lie in the maildir, where lessons are taken from. */
	if (read_range(&message.text, fd, job->added_offset, job->added_len) &&
		read_range(&message.text, fd, job->message_offset,
			job->message_len))
		text_fd = make_text(&message, &text);
	if (text_fd < 0) {
		log_error("classifier-failed", job->id, (char *)0);
		return false;
	}
	ok = tutor_judge(a->tutor_fd, text_fd, &verdict, &n);
	close(text_fd);
	if (!ok) {
		give_up(a);
		return false;
	}
	if (verdict == CLASSIFIER_NONE)
		return false;
	snprintf(a->note, sizeof a->note, "X-Spam-User: %s %u.%03u\n",
		words[verdict], n / 1000, n % 1000);
	return verdict == CLASSIFIER_SPAM;
}

/* What a text was learnt as; the place of its record. */
static enum lesson
recall(int fd, struct record const *r, off_t *at_r)
{
	struct record old;
	unsigned slot = ((unsigned)r->digest[0] << 8 | r->digest[1]) % RECORDS;

	*at_r = (off_t)(slot * sizeof old);
	if (pread(fd, &old, sizeof old, *at_r) != (ssize_t)sizeof old ||
		memcmp(old.digest, r->digest, DIGEST) != 0)
		return LESSON_NONE;
	return old.lesson == LESSON_SPAM  ? LESSON_SPAM
	       : old.lesson == LESSON_HAM ? LESSON_HAM
					  : LESSON_NONE;
}

/* Who has changed their mind takes back what they said; who says it twice said
 * it once. False: not learnt. */
static bool
teach(struct advise *a, enum lesson lesson, int text_fd)
{
	struct record r = {.lesson = (char)lesson};
	bool is_spam = lesson == LESSON_SPAM;
	enum lesson before;
	bool ok = true;
	off_t at;
	int fd = openat(a->root_fd, LESSONS_LEARNT,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	crypto_generichash(r.digest, DIGEST, (unsigned char const *)text.s,
		text.len, NULL, 0);
	before = recall(fd, &r, &at);
	if (before != LESSON_NONE && before != lesson)
		ok = tutor_learn(a->tutor_fd,
			is_spam ? CLASSIFIER_FORGET_HAM
				: CLASSIFIER_FORGET_SPAM,
			text_fd);
	if (ok && before != lesson)
		ok = tutor_learn(a->tutor_fd,
			     is_spam ? CLASSIFIER_LEARN_SPAM
				     : CLASSIFIER_LEARN_HAM,
			     text_fd) &&
		     pwrite(fd, &r, sizeof r, at) == (ssize_t)sizeof r;
	close(fd);
	return ok;
}

static bool
learn_file(struct advise *a, int fd, enum lesson lesson)
{
	struct stat st;
	int text_fd = -1;
	bool ok;

	message.text.len = 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		read_range(&message.text, fd, 0, (uint64_t)st.st_size))
		text_fd = make_text(&message, &text);
	/* What can't be read is no lesson. */
	if (text_fd < 0)
		return true;
	ok = teach(a, lesson, text_fd);
	close(text_fd);
	return ok;
}

bool
advise_learn(struct advise *a)
{
	char name[LESSONS_NAME_SIZE];
	bool ok = false;
	int new_fd, fd;

	if (a->tutor_fd < 0)
		return false;
	new_fd = openat(a->root_fd, LESSONS_NEW,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (new_fd >= 0 && lessons_oldest(new_fd, name)) {
		fd = openat(new_fd, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		ok = fd < 0 || learn_file(a, fd, lessons_kind(name));
		if (fd >= 0)
			close(fd);
		if (ok && unlinkat(new_fd, name, 0) < 0)
			ok = false;
		if (!ok)
			give_up(a);
		else
			a->has_words = true;
	}
	if (new_fd >= 0)
		close(new_fd);
	return ok;
}
