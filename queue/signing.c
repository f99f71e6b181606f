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

struct question {
	struct queued *m;
	size_t recipient; /* or SIGNING_ALL */
	uint32_t number;
	unsigned deaths; /* of signers that had it */
	struct question *next;
};

static struct loop_source signer = {.fd = -1};
static struct question *first, **end = &first;
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

/* What a list sends is others' mail, too: its seal says what was found when it
 * came, and what the list has changed breaks the author's signature. */
static unsigned
wishes_of(struct queued const *m)
{
	bool is_sent_on = m->q.flags & (QUEUEFILE_FORWARDED | QUEUEFILE_VERP);

	return (is_ours(m) ? SIGNASK_SIGN : 0) |
	       (is_sent_on ? SIGNASK_SEAL : 0);
}

bool
signing_wants(struct queued const *m)
{
	char const *value;
	size_t len;

	return wishes_of(m) != 0 &&
	       table_find(&host.tables.recipients, "dkim", 4, &value, &len) > 0;
}

/* A list signs as itself, whoever wrote it. */
static void
add_list(struct signask *ask, struct queuefile const *q)
{
	char const *at = memrchr(q->sender, '@', q->sender_len);

	if (!(q->flags & QUEUEFILE_VERP) || at == NULL)
		return;
	ask->list = at + 1;
	ask->list_len = q->sender_len - (size_t)(ask->list - q->sender);
	if (ask->list_len > SIGNASK_LIST_MAX)
		ask->list_len = 0;
}

/* False: the pair is full, or gone. */
static bool
send_question(struct question const *one)
{
	char frame[SIGNASK_MAX], fields[VERP_FIELDS_MAX];
	struct queued *m = one->m;
	struct queuefile const *q = &m->q;
	struct signask ask = {.number = one->number,
		.fields = fields,
		.message_offset = q->message_offset,
		.message_len = q->message_len,
		.added_offset = q->added_offset,
		.added_len = q->added_len,
		.wishes = wishes_of(m),
		.is_free = !is_mailbox(host_dropper(m)),
		.uid = (uint32_t)host_dropper(m)};
	size_t len;

	memcpy(ask.id, q->id, sizeof ask.id);
	add_list(&ask, q);
	if (one->recipient != SIGNING_ALL)
		ask.fields_len = queued_unsubscribe(m, one->recipient, fields);
	len = signask_encode(frame, sizeof frame, &ask);
	return len > 0 && pair_send(signer.fd, frame, len, &m->fd, 1);
}

static void
send_some(void)
{
	struct question *one = first;

	if (signer.fd < 0)
		return;
	for (unsigned i = 0; i < sent; i++)
		one = one->next;
	for (; one != NULL && sent < SENT_MAX; one = one->next) {
		/* The end of the pair will be told. */
		if (!send_question(one))
			return;
		if (sent++ == 0)
			since_ms = loop_now_ms();
	}
}

static struct question
take_first(void)
{
	struct question one = *first;

	free(first);
	first = one.next;
	if (first == NULL)
		end = &first;
	sent -= sent > 0;
	return one;
}

static void
finish(struct question const *one, bool is_signed)
{
	one->m->open--;
	if (one->recipient == SIGNING_ALL)
		one->m->is_signed = is_signed;
	is_done(one->m, one->recipient, is_signed);
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
	if (is_to_blame && ++first->deaths >= DEATHS_MAX) {
		struct question one = take_first();
		log_event("not-signed", one.m->q.id, "why", "the signer died",
			(char *)0);
		finish(&one, false);
	}
}

/* False: no memory. */
static bool
keep_lines(struct question const *one, struct signask_answer const *a)
{
	struct queued_lines **lines =
		one->recipient == SIGNING_ALL
			? &one->m->lines
			: &one->m->fates[one->recipient].lines;

	/* The copy's own fields must find room beside them. */
	if (one->recipient != SIGNING_ALL &&
		a->lines_len > JOB_LINES_MAX - SIGNASK_FIELDS_MAX)
		return false;
	free(*lines);
	*lines =
		a->lines_len > 0 ? malloc(sizeof **lines + a->lines_len) : NULL;
	if (*lines == NULL)
		return a->lines_len == 0;
	(*lines)->is_seven = a->is_seven;
	(*lines)->len = a->lines_len;
	memcpy((*lines)->s, a->lines, a->lines_len);
	return true;
}

/* False: the pair has ended, or is not to be trusted any more. */
static bool
receive_answer(void)
{
	static char frame[JOB_LINES_MAX + SIGNASK_MAX];
	struct signask_answer a;
	struct question one;
	bool is_signed;
	ssize_t n = pair_receive(signer.fd, frame, sizeof frame, NULL, 0, NULL);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	if (sent == 0 || !signask_answer_decode(frame, (size_t)n, &a) ||
		a.number != first->number) {
		log_event("bad-answer", NULL, "from", "signer", (char *)0);
		return false;
	}
	since_ms = loop_now_ms();
	one = take_first();
	is_signed = a.outcome == SIGNASK_DONE && keep_lines(&one, &a);
	if (a.outcome == SIGNASK_DONE && !is_signed)
		log_error("not-signed", one.m->q.id, (char *)0);
	finish(&one, is_signed);
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

bool
signing_ask(struct queued *m, size_t recipient)
{
	struct question *one = malloc(sizeof *one);

	if (one == NULL)
		return false;
	*one = (struct question){
		.m = m, .recipient = recipient, .number = ++last_number};
	m->open++;
	*end = one;
	end = &one->next;
	send_some();
	return true;
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
		struct question one = take_first();
		log_event("unsigned", one.m->q.id, "why", "there is no signer",
			(char *)0);
		finish(&one, true);
	}
}

void
signing_leave(void)
{
	if (signer.fd >= 0)
		close(signer.fd);
}
