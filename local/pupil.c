/* The process that has the common classifier learn. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/classifier.h"
#include "common/log.h"
#include "common/pair.h"
#include "common/proglimits.h"
#include "local/learnt.h"
#include "local/pupil.h"
#include "mime/spamtext.h"

#define MEMORY_MAX ((rlim_t)512 * 1024 * 1024)
#define WORDS_MAX ((rlim_t)2048 * 1024 * 1024)
#define FILES_MAX 64
#define CPU_SECONDS 60
/* Beyond what the program may take. */
#define ANSWER_MS 90000

/* Behind the records of a mailbox: which day it taught last, how much. */
struct count {
	uint32_t day, texts;
};

static struct count
count_of(int fd)
{
	struct count c = {0};
	uint32_t today = (uint32_t)(time(NULL) / 86400);

	if (pread(fd, &c, sizeof c, LEARNT_SIZE) != (ssize_t)sizeof c ||
		c.day != today)
		c = (struct count){.day = today};
	return c;
}

static bool
learn(struct pupil const *p, enum classifier_lesson lesson, char const *text,
	size_t len)
{
	if (classifier_learn(p->program, ".", lesson, text, len))
		return true;
	log_error("classifier-failed", NULL, "mailbox", p->mailbox, (char *)0);
	return false;
}

/* What was said before is taken back for nothing; what is new counts. */
static enum pupil_answer
take(struct pupil const *p, int fd, enum lesson lesson, char const *text,
	size_t len)
{
	bool const is_spam = lesson == LESSON_SPAM;
	struct learnt at;
	enum lesson const before = learnt_recall(fd, text, len, &at);
	struct count c = count_of(fd);

	if (before == lesson)
		return PUPIL_DONE;
	if (before == LESSON_NONE && c.texts >= p->day_max) {
		log_event("enough-lessons", NULL, "mailbox", p->mailbox,
			(char *)0);
		return PUPIL_ENOUGH;
	}
	if (before != LESSON_NONE && !learn(p,
					     is_spam ? CLASSIFIER_FORGET_HAM
						     : CLASSIFIER_FORGET_SPAM,
					     text, len))
		return PUPIL_FAILED;
	if (!learn(p, is_spam ? CLASSIFIER_LEARN_SPAM : CLASSIFIER_LEARN_HAM,
		    text, len) ||
		!learnt_note(fd, &at, lesson))
		return PUPIL_FAILED;
	log_event("learnt", NULL, "mailbox", p->mailbox, "as",
		is_spam ? "spam" : "ham", (char *)0);
	c.texts += before == LESSON_NONE;
	return pwrite(fd, &c, sizeof c, LEARNT_SIZE) == (ssize_t)sizeof c
		       ? PUPIL_DONE
		       : PUPIL_FAILED;
}

static int
open_record(struct pupil const *p)
{
	char name[sizeof PUPIL_FOLDER + 16];

	snprintf(name, sizeof name, PUPIL_FOLDER "/%u", (unsigned)p->uid);
	if (chdir(p->folder) < 0 ||
		(mkdir(PUPIL_FOLDER, 0700) < 0 && errno != EEXIST))
		return -1;
	return open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int
pupil_run(struct pupil const *p, int teacher_fd)
{
	struct proglimits const limits = {.memory = MEMORY_MAX,
		.file_size = WORDS_MAX,
		.files = FILES_MAX,
		.cpu_seconds = CPU_SECONDS};
	char *text = malloc(SPAMTEXT_MAX), what, answer;
	int fd = open_record(p), text_fd;

	if (fd < 0 || text == NULL || !proglimits_enter(&limits) ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		log_error("no-pupil", NULL, "folder", p->folder, (char *)0);
		return 111;
	}
	(void)umask(077);
	for (;;) {
		size_t count = 0;
		ssize_t len;

		if (pair_receive(teacher_fd, &what, 1, &text_fd, 1, &count) <=
				0 ||
			count != 1)
			return 0;
		len = pread(text_fd, text, SPAMTEXT_MAX, 0);
		close(text_fd);
		answer = PUPIL_FAILED;
		if ((what == LESSON_SPAM || what == LESSON_HAM) && len >= 0)
			answer = (char)take(
				p, fd, (enum lesson)what, text, (size_t)len);
		if (!pair_send(teacher_fd, &answer, 1, NULL, 0))
			return 0;
	}
}

enum pupil_answer
pupil_teach(int pupil_fd, enum lesson lesson, int text_fd)
{
	struct pollfd p = {.fd = pupil_fd, .events = POLLIN};
	char const what = (char)lesson;
	char answer;
	int r;

	if (!pair_send(pupil_fd, &what, 1, &text_fd, 1))
		return PUPIL_FAILED;
	do
		r = poll(&p, 1, ANSWER_MS);
	while (r < 0 && errno == EINTR);
	if (r <= 0 || pair_receive(pupil_fd, &answer, 1, NULL, 0, NULL) != 1)
		return PUPIL_FAILED;
	return answer == PUPIL_DONE	? PUPIL_DONE
	       : answer == PUPIL_ENOUGH ? PUPIL_ENOUGH
					: PUPIL_FAILED;
}
