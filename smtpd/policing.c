/* Asking `policy` whether and how fast to go on. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include "common/pair.h"
#include "common/wire.h"
#include "smtpd/policing.h"

/* Octets of the largest question: what its fields may take. */
#define FRAME_MAX 4096

static bool
is_clean(char const *s, size_t len, size_t max, unsigned char last)
{
	if (len > max)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c == 0x7f || c > last)
			return false;
	}
	return true;
}

static bool
stage_valid(unsigned stage)
{
	return stage != 0 && stage < 0x80 &&
	       strchr("chmrexf", (int)stage) != NULL;
}

static bool
question_valid(struct policing_question const *q)
{
	return stage_valid(q->stage) &&
	       is_clean(
		       q->client.s, q->client.len, CHECKING_CLIENT_MAX, 0xff) &&
	       is_clean(q->name.s, q->name.len, CHECKING_NAME_MAX, 0xff) &&
	       is_clean(q->helo.s, q->helo.len, CHECKING_NAME_MAX, 0xff) &&
	       is_clean(
		       q->mailbox.s, q->mailbox.len, CHECKING_PATH_MAX, 0xff) &&
	       is_clean(q->sender.s, q->sender.len, CHECKING_PATH_MAX, 0xff) &&
	       is_clean(q->recipient.s, q->recipient.len, CHECKING_PATH_MAX,
		       0xff);
}

static void
put(struct wire_out *out, struct checking_bytes b)
{
	wire_put_bytes(out, b.s, b.len);
}

static struct checking_bytes
get(struct wire_in *in, size_t max)
{
	struct checking_bytes b;

	b.s = wire_get_bytes(in, max, &b.len);
	return b;
}

size_t
policing_question_encode(char *s, size_t max, struct policing_question const *q)
{
	struct wire_out out;

	if (!question_valid(q))
		return 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, (uint8_t)q->stage);
	put(&out, q->client);
	put(&out, q->name);
	put(&out, q->helo);
	put(&out, q->mailbox);
	put(&out, q->sender);
	put(&out, q->recipient);
	wire_put_u64(&out, q->size);
	return out.failed ? 0 : out.len;
}

bool
policing_question_decode(
	char const *s, size_t len, struct policing_question *q_r)
{
	struct wire_in in;
	unsigned stage;

	wire_open(&in, s, len);
	stage = wire_get_u8(&in);
	if (!stage_valid(stage))
		return false;
	q_r->stage = (enum policing_stage)stage;
	q_r->client = get(&in, CHECKING_CLIENT_MAX);
	q_r->name = get(&in, CHECKING_NAME_MAX);
	q_r->helo = get(&in, CHECKING_NAME_MAX);
	q_r->mailbox = get(&in, CHECKING_PATH_MAX);
	q_r->sender = get(&in, CHECKING_PATH_MAX);
	q_r->recipient = get(&in, CHECKING_PATH_MAX);
	q_r->size = wire_get_u64(&in);
	return wire_end(&in) && question_valid(q_r);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
answer_valid(struct policing_answer const *a, size_t text_len)
{
	char first = '\0';

	switch (a->action) {
	case POLICING_ACCEPT:
		break;
	case POLICING_LATER:
		first = '4';
		break;
	case POLICING_REFUSE:
		first = '5';
		break;
	}
	if (a->delay_ms > POLICING_DELAY_MAX_MS ||
		(a->is_held && a->action != POLICING_ACCEPT) ||
		(a->alarm != '\0' && strchr(POLICING_ALARMS, a->alarm) == NULL))
		return false;
	if (text_len == 0)
		return true;
	return first != '\0' && text_len > 4 && a->text[0] == first &&
	       is_digit(a->text[1]) && is_digit(a->text[2]) &&
	       a->text[3] == ' ' &&
	       is_clean(a->text, text_len, CHECKING_TEXT_MAX, 0x7e);
}

size_t
policing_answer_encode(char *s, size_t max, struct policing_answer const *a)
{
	struct wire_out out;
	size_t text_len = strnlen(a->text, sizeof a->text);

	if ((a->action != POLICING_ACCEPT && a->action != POLICING_LATER &&
		    a->action != POLICING_REFUSE) ||
		!answer_valid(a, text_len))
		return 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, (uint8_t)a->action);
	wire_put_u32(&out, a->delay_ms);
	wire_put_bytes(&out, a->text, text_len);
	wire_put_u32(&out, a->messages);
	wire_put_u8(&out, a->is_held ? 1 : 0);
	wire_put_u8(&out, (uint8_t)a->alarm);
	return out.failed ? 0 : out.len;
}

bool
policing_answer_decode(char const *s, size_t len, struct policing_answer *a_r)
{
	struct wire_in in;
	struct checking_bytes text;
	unsigned action, held, alarm;

	wire_open(&in, s, len);
	action = wire_get_u8(&in);
	if (action != POLICING_ACCEPT && action != POLICING_LATER &&
		action != POLICING_REFUSE)
		return false;
	a_r->action = (enum policing_action)action;
	a_r->delay_ms = wire_get_u32(&in);
	text = get(&in, CHECKING_TEXT_MAX);
	a_r->messages = wire_get_u32(&in);
	held = wire_get_u8(&in);
	alarm = wire_get_u8(&in);
	a_r->is_held = held == 1;
	a_r->alarm = (char)alarm;
	if (!wire_end(&in) || held > 1 || alarm > 0x7f ||
		!is_clean(text.s, text.len, CHECKING_TEXT_MAX, 0x7e))
		return false;
	memcpy(a_r->text, text.s, text.len);
	a_r->text[text.len] = '\0';
	return answer_valid(a_r, text.len);
}

static bool
wait_readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		errno = ETIMEDOUT;
	return r > 0;
}

bool
policing_ask(int fd, struct policing_question const *q, int timeout_ms,
	struct policing_answer *answer_r)
{
	char frame[FRAME_MAX];
	size_t len = policing_question_encode(frame, sizeof frame, q);
	ssize_t got;

	*answer_r = (struct policing_answer){.action = POLICING_ACCEPT};
	if (len == 0) {
		errno = EINVAL;
		return false;
	}
	if (!pair_send(fd, frame, len, NULL, 0) ||
		!wait_readable(fd, timeout_ms))
		return false;
	got = pair_receive(fd, frame, sizeof frame, NULL, 0, NULL);
	if (got < 0)
		return false;
	if (policing_answer_decode(frame, (size_t)got, answer_r))
		return true;
	*answer_r = (struct policing_answer){.action = POLICING_ACCEPT};
	errno = EPROTO;
	return false;
}
