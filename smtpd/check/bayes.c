/* The classifier of check, in a process of its own. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/settings.h"
#include "common/wire.h"
#include "mime/spamtext.h"
#include "smtpd/check/attend.h"
#include "smtpd/check/bayes.h"

/* A program is ended after so many texts (what one did to it is gone then),
 * when it had nothing to do for so long, and not started again for so long
 * after it failed. */
#define TESTS_MAX 200
#define IDLE_MS 500
#define PAUSE_S 10

struct server {
	struct attend attend;
	struct classifier classifier;
	unsigned tests;
	time_t down_until; /* on CLOCK_MONOTONIC */
	char *text;	   /* SPAMTEXT_MAX octets */
};

static time_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static bool
is_running(struct server const *s)
{
	return s->classifier.pid > 0;
}

static void
end(struct server *s)
{
	classifier_end(&s->classifier);
	s->tests = 0;
}

static bool
start(struct server *s)
{
	char const *program = settings_text(&s->attend.settings, "classifier");

	if (is_running(s))
		return true;
	if (program == NULL || *program == '\0' || now() < s->down_until)
		return false;
	if (classifier_start(&s->classifier, program, "."))
		return true;
	log_error("classifier-failed", NULL, "program", program, (char *)0);
	s->down_until = now() + PAUSE_S;
	return false;
}

static enum classifier_verdict
test(struct server *s, int text_fd, unsigned *thousandths_r)
{
	enum classifier_verdict verdict = CLASSIFIER_NONE;
	ssize_t len = pread(text_fd, s->text, SPAMTEXT_MAX, 0);

	*thousandths_r = 0;
	if (len < 0 || !start(s))
		return CLASSIFIER_NONE;
	if (!classifier_test(&s->classifier, s->text, (size_t)len,
		    BAYES_TIMEOUT_MS, &verdict, thousandths_r)) {
		/* EPIPE: nothing was learnt yet, or it is not there. */
		log_error("classifier-failed", NULL, (char *)0);
		end(s);
		s->down_until = now() + PAUSE_S;
		return CLASSIFIER_NONE;
	}
	if (++s->tests >= TESTS_MAX)
		end(s);
	return verdict;
}

static void
answer(struct server *s, int text_fd, int answer_fd)
{
	unsigned thousandths;
	enum classifier_verdict verdict = test(s, text_fd, &thousandths);
	struct wire_out out;
	char frame[8];

	wire_start(&out, frame, sizeof frame);
	wire_put_u8(&out, (uint8_t)verdict);
	wire_put_u32(&out, thousandths);
	/* Who asked may have gone. */
	(void)!pair_send(answer_fd, frame, out.len, NULL, 0);
}

int
bayes_serve(int control_fd, int requests_fd)
{
	struct server s = {.attend = {.control_fd = control_fd,
				   .requests_fd = requests_fd,
				   .settings = TABLE_ZERO},
		.classifier = CLASSIFIER_ZERO,
		.text = malloc(SPAMTEXT_MAX)};
	int r;

	if (s.text == NULL)
		return 111;
	for (;;) {
		char frame[8];
		size_t len;
		int text_fd, answer_fd;

		r = attend_wait(&s.attend, is_running(&s) ? IDLE_MS : -1, frame,
			sizeof frame, &len, &text_fd, &answer_fd);
		if (r < 0)
			break;
		if (s.attend.is_new) {
			s.attend.is_new = false;
			s.down_until = 0;
			end(&s);
		}
		if (r == 0) {
			end(&s);
			continue;
		}
		if (len == 1 && frame[0] == 'b')
			answer(&s, text_fd, answer_fd);
		close(text_fd);
		close(answer_fd);
	}
	end(&s);
	free(s.text);
	return 0;
}

int
bayes_send(int requests_fd, char const *s, size_t len)
{
	int text = attend_file(s, len < SPAMTEXT_MAX ? len : SPAMTEXT_MAX), fd;

	if (text < 0)
		return -1;
	fd = attend_send(requests_fd, "b", 1, text);
	close(text);
	return fd;
}

enum classifier_verdict
bayes_take(int answer_fd, unsigned *thousandths_r)
{
	struct wire_in in;
	char frame[8];
	unsigned verdict;
	/* Others may be before us. */
	ssize_t n = answer_fd < 0 ? -1
				  : attend_take(answer_fd, 2 * BAYES_TIMEOUT_MS,
					    frame, sizeof frame, NULL);

	*thousandths_r = 0;
	if (n < 0)
		return CLASSIFIER_NONE;
	wire_open(&in, frame, (size_t)n);
	verdict = wire_get_u8(&in);
	*thousandths_r = wire_get_u32(&in);
	if (!wire_end(&in) || verdict > CLASSIFIER_UNSURE ||
		*thousandths_r > 1000) {
		*thousandths_r = 0;
		return CLASSIFIER_NONE;
	}
	return (enum classifier_verdict)verdict;
}
