/* Having messages signed before they go to other hosts: see signing.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/log.h"
#include "common/pair.h"
#include "common/settings.h"
#include "queue/host.h"
#include "queue/loop.h"
#include "queue/signask.h"
#include "queue/signing.h"

/* Questions that the signer has at a time. */
#define SENT_MAX 16
/* Signers that may die with a message before it is put off. */
#define DEATHS_MAX 3
/* How long one message may take it. */
#define ANSWER_MS 300000
/* Without a signer for so long, with send-unsigned. */
#define MISSING_MS 10000

static struct loop_source signer = {.fd = -1};
static struct queued *first, **end = &first;
static unsigned sent; /* of these, from the front */
static uint32_t last_number;
static uint64_t since_ms; /* of the last answer, or the loss */
static bool may_go_unsigned;
static signing_done *is_done;

void
signing_init(struct table const *settings, signing_done *done)
{
	is_done = done;
	may_go_unsigned = settings_number(settings, "send-unsigned", 0) != 0;
}

static bool
is_mailbox(uid_t uid)
{
	return uid >= host.accounts.mailbox_min &&
	       uid <= host.accounts.mailbox_max;
}

/* Whether we say that it is from here. The SMTP server takes mail from anybody:
 * it is not ours to sign. Nor is what an older manager wrote without saying for
 * whom, nor what came to a mailbox from others, who may claim to be of our
 * domain; but a list sends under a sender of its own. */
static bool
is_ours(struct queued const *m)
{
	uid_t uid = host_dropper(m);

	if (uid == host.accounts.smtpd ||
		(m->owner == host.accounts.queue && !m->q.has_dropper))
		return false;
	return !(m->q.flags & QUEUEFILE_FORWARDED) ||
	       (m->q.sender_len > 0 && route_owns(&host.tables, m->q.sender,
					       m->q.sender_len, uid) > 0);
}

static unsigned
wishes_of(struct queued const *m)
{
	return (is_ours(m) ? SIGNASK_SIGN : 0) |
	       (m->q.flags & QUEUEFILE_FORWARDED ? SIGNASK_SEAL : 0);
}

bool
signing_wants(struct queued const *m)
{
	char const *value;
	size_t len;

	return !m->is_signed && wishes_of(m) != 0 &&
	       table_find(&host.tables.recipients, "dkim", 4, &value, &len) > 0;
}

/* False: the pair is full, or gone. */
static bool
send_question(struct queued *m)
{
	char frame[SIGNASK_MAX];
	struct queuefile const *q = &m->q;
	struct signask ask = {.number = m->sign_number,
		.message_offset = q->message_offset,
		.message_len = q->message_len,
		.added_offset = q->added_offset,
		.added_len = q->added_len,
		.wishes = wishes_of(m),
		.is_free = !is_mailbox(host_dropper(m)),
		.uid = (uint32_t)host_dropper(m)};
	size_t len;

	memcpy(ask.id, q->id, sizeof ask.id);
	len = signask_encode(frame, sizeof frame, &ask);
	return len > 0 && pair_send(signer.fd, frame, len, &m->fd, 1);
}

static void
send_some(void)
{
	struct queued *m = first;

	if (signer.fd < 0)
		return;
	for (unsigned i = 0; i < sent; i++)
		m = m->sign_next;
	for (; m != NULL && sent < SENT_MAX; m = m->sign_next) {
		/* The end of the pair will be told. */
		if (!send_question(m))
			return;
		if (sent++ == 0)
			since_ms = loop_now_ms();
	}
}

static struct queued *
take_first(void)
{
	struct queued *m = first;

	first = m->sign_next;
	if (first == NULL)
		end = &first;
	m->sign_next = NULL;
	sent -= sent > 0;
	return m;
}

static void
finish(struct queued *m)
{
	m->open--;
	is_done(m);
}

/* What was asked over a pair that is gone is asked again; the signer works on
 * the first alone. */
static void
lose_signer(void)
{
	bool is_to_blame = sent > 0;

	loop_forget(&signer);
	sent = 0;
	since_ms = loop_now_ms();
	if (is_to_blame && ++first->sign_deaths >= DEATHS_MAX) {
		struct queued *m = take_first();
		log_event("not-signed", m->q.id, "why", "the signer died",
			(char *)0);
		finish(m);
	}
}

static bool
keep_lines(struct queued *m, struct signask_answer const *a)
{
	m->lines = a->lines_len > 0 ? malloc(a->lines_len) : NULL;
	if (a->lines_len > 0 && m->lines == NULL)
		return false;
	if (a->lines_len > 0)
		memcpy(m->lines, a->lines, a->lines_len);
	m->lines_len = a->lines_len;
	m->is_seven = a->is_seven;
	m->is_signed = true;
	return true;
}

/* False: the pair has ended, or is not to be trusted any more. */
static bool
receive_answer(void)
{
	static char frame[JOB_LINES_MAX + SIGNASK_MAX];
	struct signask_answer a;
	struct queued *m;
	ssize_t n = pair_receive(signer.fd, frame, sizeof frame, NULL, 0, NULL);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	if (sent == 0 || !signask_answer_decode(frame, (size_t)n, &a) ||
		a.number != first->sign_number) {
		log_event("bad-answer", NULL, "from", "signer", (char *)0);
		return false;
	}
	since_ms = loop_now_ms();
	m = take_first();
	if (a.outcome == SIGNASK_DONE && !keep_lines(m, &a))
		log_error("not-signed", m->q.id, (char *)0);
	finish(m);
	return true;
}

static void
on_signer(void *data)
{
	(void)data;
	if (receive_answer())
		send_some();
	else
		lose_signer();
}

void
signing_set_signer(int fd)
{
	if (signer.fd >= 0)
		lose_signer();
	signer = (struct loop_source){.ready = on_signer, .fd = fd};
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || !loop_watch(&signer)) {
		log_error("signer-lost", NULL, (char *)0);
		loop_forget(&signer);
		return;
	}
	since_ms = loop_now_ms();
	send_some();
}

void
signing_ask(struct queued *m)
{
	m->open++;
	m->sign_number = ++last_number;
	m->sign_next = NULL;
	*end = m;
	end = &m->sign_next;
	send_some();
}

void
signing_tick(void)
{
	uint64_t silent = loop_now_ms() - since_ms;

	if (signer.fd >= 0 && sent > 0 && silent >= ANSWER_MS) {
		log_event("silent", NULL, "who", "signer", (char *)0);
		lose_signer();
	}
	send_some();
	while (signer.fd < 0 && may_go_unsigned && silent >= MISSING_MS &&
		first != NULL) {
		struct queued *m = take_first();
		log_event("unsigned", m->q.id, "why", "there is no signer",
			(char *)0);
		m->is_signed = true;
		finish(m);
	}
}

void
signing_leave(void)
{
	if (signer.fd >= 0)
		close(signer.fd);
}
