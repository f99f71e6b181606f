/* The mailbox's own classifier: what it says, what it learns. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/lessons.h"
#include "common/log.h"
#include "local/advise.h"
#include "local/learnt.h"
#include "local/lessontext.h"
#include "local/tutor.h"
#include "mime/message.h"

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
		if (errno != ENOENT || !lessons_create(root_fd, LESSONS_NEW))
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
	if (lessontext_read(
		    &message.text, fd, job->added_offset, job->added_len) &&
		lessontext_read(&message.text, fd, job->message_offset,
			job->message_len))
		text_fd = lessontext_make(&message, &text);
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

/* Who has changed their mind takes back what they said; who says it twice said
 * it once. False: not learnt. */
static bool
teach(struct advise *a, enum lesson lesson, int text_fd)
{
	bool const is_spam = lesson == LESSON_SPAM;
	struct learnt at;
	enum lesson before;
	bool ok = true;
	int fd = openat(a->root_fd, LESSONS_LEARNT,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	before = learnt_recall(fd, text.s, text.len, &at);
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
		     learnt_note(fd, &at, lesson);
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
		lessontext_read(&message.text, fd, 0, (uint64_t)st.st_size))
		text_fd = lessontext_make(&message, &text);
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
