/* The process that runs the classifier of a mailbox's owner. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/proglimits.h"
#include "common/wire.h"
#include "local/tutor.h"
#include "mime/spamtext.h"

#define MEMORY_MAX ((rlim_t)512 * 1024 * 1024)
#define WORDS_MAX ((rlim_t)512 * 1024 * 1024)
#define FILES_MAX 64
#define CPU_SECONDS 60
#define JUDGE_MS 10000
/* Beyond what the program may take. */
#define ANSWER_MS 90000

static bool
enter_limits(void)
{
	return proglimits_enter(&(struct proglimits){.memory = MEMORY_MAX,
		       .file_size = WORDS_MAX,
		       .files = FILES_MAX,
		       .cpu_seconds = CPU_SECONDS}) &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

struct tutor {
	char const *program, *folder;
	struct classifier classifier;
	char *text; /* SPAMTEXT_MAX octets */
};

static bool
judge(struct tutor *t, size_t len, enum classifier_verdict *verdict,
	unsigned *thousandths)
{
	if (t->classifier.pid == 0 &&
		!classifier_start(&t->classifier, t->program, t->folder))
		return false;
	if (classifier_test(&t->classifier, t->text, len, JUDGE_MS, verdict,
		    thousandths))
		return true;
	classifier_end(&t->classifier);
	return false;
}

static size_t
serve(struct tutor *t, char what, int text_fd, char frame[8])
{
	enum classifier_verdict verdict = CLASSIFIER_NONE;
	unsigned thousandths = 0;
	ssize_t n = pread(text_fd, t->text, SPAMTEXT_MAX, 0);
	size_t len = n > 0 ? (size_t)n : 0;
	struct wire_out out;
	bool ok = false;

	switch (what) {
	case 'b':
		ok = n >= 0 && judge(t, len, &verdict, &thousandths);
		break;
	case CLASSIFIER_LEARN_SPAM:
	case CLASSIFIER_LEARN_HAM:
	case CLASSIFIER_FORGET_SPAM:
	case CLASSIFIER_FORGET_HAM:
		/* It may have locked the words. */
		classifier_end(&t->classifier);
		ok = n >= 0 &&
		     classifier_learn(t->program, t->folder,
			     (enum classifier_lesson)what, t->text, len);
		break;
	}
	wire_start(&out, frame, 8);
	wire_put_u8(&out, ok ? 1 : 0);
	wire_put_u8(&out, (uint8_t)verdict);
	wire_put_u32(&out, thousandths);
	return out.len;
}

static _Noreturn void
run(struct tutor *t, int pair_fd, pid_t parent)
{
	char what, frame[8];
	int text_fd;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
		(pair_fd > 3 && close_range(3, (unsigned)pair_fd - 1, 0) < 0) ||
		close_range((unsigned)pair_fd + 1, ~0U, 0) < 0 ||
		!enter_limits() || (t->text = malloc(SPAMTEXT_MAX)) == NULL)
		_exit(111);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Words are as private as the mail that they are of. */
	(void)umask(077);
	for (;;) {
		size_t count = 0, len;

		if (pair_receive(pair_fd, &what, 1, &text_fd, 1, &count) <= 0 ||
			count != 1)
			break;
		len = serve(t, what, text_fd, frame);
		close(text_fd);
		if (!pair_send(pair_fd, frame, len, NULL, 0))
			break;
	}
	classifier_end(&t->classifier);
	_exit(0);
}

int
tutor_start(char const *program, char const *folder)
{
	struct tutor t = {.program = program,
		.folder = folder,
		.classifier = CLASSIFIER_ZERO};
	pid_t const self = getpid();
	int ends[2];
	pid_t pid;

	if (!pair_make(ends, false))
		return -1;
	pid = fork();
	if (pid == 0)
		run(&t, ends[1], self);
	return pair_keep(ends, pid > 0);
}

static bool
ask(int tutor_fd, char what, int text_fd, enum classifier_verdict *verdict_r,
	unsigned *thousandths_r)
{
	struct pollfd p = {.fd = tutor_fd, .events = POLLIN};
	struct wire_in in;
	char frame[8];
	unsigned ok, verdict;
	ssize_t n;
	int r;

	if (!pair_send(tutor_fd, &what, 1, &text_fd, 1))
		return false;
	do
		r = poll(&p, 1, ANSWER_MS);
	while (r < 0 && errno == EINTR);
	n = r > 0 ? pair_receive(tutor_fd, frame, sizeof frame, NULL, 0, NULL)
		  : -1;
	if (n <= 0)
		return false;
	wire_open(&in, frame, (size_t)n);
	ok = wire_get_u8(&in);
	verdict = wire_get_u8(&in);
	*thousandths_r = wire_get_u32(&in);
	*verdict_r = (enum classifier_verdict)verdict;
	return wire_end(&in) && ok == 1 && verdict <= CLASSIFIER_UNSURE &&
	       *thousandths_r <= 1000;
}

bool
tutor_judge(int tutor_fd, int text_fd, enum classifier_verdict *verdict_r,
	unsigned *thousandths_r)
{
	return ask(tutor_fd, 'b', text_fd, verdict_r, thousandths_r);
}

bool
tutor_learn(int tutor_fd, enum classifier_lesson lesson, int text_fd)
{
	enum classifier_verdict verdict;
	unsigned thousandths;

	return ask(tutor_fd, (char)lesson, text_fd, &verdict, &thousandths);
}
