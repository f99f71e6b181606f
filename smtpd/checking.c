/* Asking `check` about a message, before it is accepted. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/pair.h"
#include "common/wire.h"
#include "smtpd/checking.h"

#define FLAG_JUNK 1u
#define FLAG_REPLACED 2u

static bool
is_clean(struct checking_bytes b, size_t max)
{
	if (b.len > max)
		return false;
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.s[i] < 0x20 || b.s[i] == 0x7f)
			return false;
	return true;
}

static bool
is_span(uint64_t offset, uint64_t len)
{
	/* off_t is signed; what lies beyond can't be read. */
	return offset <= INT64_MAX && len <= INT64_MAX - offset;
}

static bool
message_valid(struct checking_message const *m)
{
	return is_clean(m->client, CHECKING_CLIENT_MAX) &&
	       is_clean(m->name, CHECKING_NAME_MAX) &&
	       is_clean(m->helo, CHECKING_NAME_MAX) &&
	       is_clean(m->tls, CHECKING_TLS_MAX) &&
	       is_clean(m->mailbox, CHECKING_PATH_MAX) &&
	       is_clean(m->sender, CHECKING_PATH_MAX) &&
	       is_clean(m->id, CHECKING_ID_MAX) &&
	       is_span(m->message_offset, m->message_len) &&
	       is_span(m->added_offset, m->added_len);
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
checking_message_encode(char *s, size_t max, struct checking_message const *m)
{
	struct wire_out out;

	if (!message_valid(m))
		return 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, 'm');
	put(&out, m->client);
	put(&out, m->name);
	put(&out, m->helo);
	put(&out, m->tls);
	put(&out, m->mailbox);
	put(&out, m->sender);
	put(&out, m->id);
	wire_put_u64(&out, m->message_offset);
	wire_put_u64(&out, m->message_len);
	wire_put_u64(&out, m->added_offset);
	wire_put_u64(&out, m->added_len);
	wire_put_u32(&out, m->flags);
	wire_put_u32(&out, m->messages);
	wire_put_u8(&out, m->is_early ? 1 : 0);
	return out.failed ? 0 : out.len;
}

bool
checking_message_decode(char const *s, size_t len, struct checking_message *m_r)
{
	struct wire_in in;
	unsigned early;

	wire_open(&in, s, len);
	if (wire_get_u8(&in) != 'm')
		return false;
	m_r->client = get(&in, CHECKING_CLIENT_MAX);
	m_r->name = get(&in, CHECKING_NAME_MAX);
	m_r->helo = get(&in, CHECKING_NAME_MAX);
	m_r->tls = get(&in, CHECKING_TLS_MAX);
	m_r->mailbox = get(&in, CHECKING_PATH_MAX);
	m_r->sender = get(&in, CHECKING_PATH_MAX);
	m_r->id = get(&in, CHECKING_ID_MAX);
	m_r->message_offset = wire_get_u64(&in);
	m_r->message_len = wire_get_u64(&in);
	m_r->added_offset = wire_get_u64(&in);
	m_r->added_len = wire_get_u64(&in);
	m_r->flags = wire_get_u32(&in);
	m_r->messages = wire_get_u32(&in);
	early = wire_get_u8(&in);
	m_r->is_early = early == 1;
	return early <= 1 && wire_end(&in) && message_valid(m_r);
}

size_t
checking_recipients_encode(
	char *s, size_t max, char const *to, size_t len, size_t *used_r)
{
	struct wire_out out;
	uint16_t count = 0;
	size_t used = 0;

	*used_r = 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, 'r');
	wire_put_u16(&out, 0);
	while (used < len && count < CHECKING_RECIPIENTS_MAX) {
		char const *end = memchr(to + used, '\0', len - used);
		struct checking_bytes one = {.s = to + used};

		if (end == NULL)
			return 0;
		one.len = (size_t)(end - one.s);
		if (one.len == 0 || !is_clean(one, CHECKING_PATH_MAX))
			return 0;
		if (out.failed || out.max - out.len < one.len + 2)
			break;
		put(&out, one);
		used += one.len + 1;
		count++;
	}
	if (out.failed || count == 0)
		return 0;
	s[1] = (char)(count >> 8);
	s[2] = (char)count;
	*used_r = used;
	return out.len;
}

bool
checking_recipients_decode(
	char const *s, size_t len, stralloc *to, size_t *count)
{
	struct wire_in in;
	unsigned n;

	wire_open(&in, s, len);
	if (wire_get_u8(&in) != 'r')
		return false;
	n = wire_get_u16(&in);
	if (n == 0 || n > CHECKING_RECIPIENTS_MAX ||
		*count > CHECKING_RECIPIENTS_MAX - n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		struct checking_bytes one = get(&in, CHECKING_PATH_MAX);

		if (in.failed || one.len == 0 ||
			!is_clean(one, CHECKING_PATH_MAX) ||
			!stralloc_catb(to, one.s, one.len) ||
			!stralloc_append(to, '\0'))
			return false;
	}
	if (!wire_end(&in))
		return false;
	*count += n;
	return true;
}

static bool
verdict_valid(struct checking_verdict const *v)
{
	unsigned first = v->code / 100;
	bool fits = false;

	switch (v->action) {
	case CHECKING_ACCEPT:
	case CHECKING_DISCARD:
		fits = first == 2;
		break;
	case CHECKING_REJECT:
		fits = first == 5;
		break;
	case CHECKING_TEMPFAIL:
		fits = first == 4;
		break;
	}
	if (!fits || !is_clean(v->text, CHECKING_TEXT_MAX))
		return false;
	for (size_t i = 0; i < v->text.len; i++)
		if ((unsigned char)v->text.s[i] > 0x7e)
			return false;
	if (!v->is_replaced)
		return v->replacement_len == 0;
	return v->action == CHECKING_ACCEPT && is_span(0, v->replacement_len);
}

size_t
checking_verdict_encode(char *s, size_t max, struct checking_verdict const *v)
{
	struct wire_out out;

	if (!verdict_valid(v))
		return 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, 'v');
	wire_put_u8(&out, (uint8_t)v->action);
	wire_put_u16(&out, v->code);
	put(&out, v->text);
	wire_put_u8(&out, (uint8_t)((v->is_junk ? FLAG_JUNK : 0) |
				    (v->is_replaced ? FLAG_REPLACED : 0)));
	wire_put_u64(&out, v->replacement_len);
	return out.failed ? 0 : out.len;
}

bool
checking_verdict_decode(char const *s, size_t len, struct checking_verdict *v_r)
{
	struct wire_in in;
	unsigned flags, action;

	wire_open(&in, s, len);
	if (wire_get_u8(&in) != 'v')
		return false;
	action = wire_get_u8(&in);
	if (action != CHECKING_ACCEPT && action != CHECKING_REJECT &&
		action != CHECKING_TEMPFAIL && action != CHECKING_DISCARD)
		return false;
	v_r->action = (enum checking_action)action;
	v_r->code = wire_get_u16(&in);
	v_r->text = get(&in, CHECKING_TEXT_MAX);
	flags = wire_get_u8(&in);
	if ((flags & ~(FLAG_JUNK | FLAG_REPLACED)) != 0)
		return false;
	v_r->is_junk = (flags & FLAG_JUNK) != 0;
	v_r->is_replaced = (flags & FLAG_REPLACED) != 0;
	v_r->replacement_len = wire_get_u64(&in);
	return wire_end(&in) && verdict_valid(v_r);
}

/* A line that starts with a field name and a colon, or with a blank. */
static bool
line_valid(char const *s, size_t len, bool is_first)
{
	size_t i = 0;

	if (len == 0)
		return false;
	if (s[0] == ' ' || s[0] == '\t')
		return !is_first;
	while (i < len && s[i] > ' ' && s[i] < 0x7f && s[i] != ':')
		i++;
	return i > 0 && i < len && s[i] == ':';
}

static bool
lines_valid(char const *s, size_t len)
{
	size_t at = 0;

	while (at < len) {
		char const *cr = memchr(s + at, '\r', len - at);
		size_t n;

		if (cr == NULL)
			return false;
		n = (size_t)(cr - (s + at));
		if (len - at - n < 2 || cr[1] != '\n' ||
			memchr(s + at, '\n', n) != NULL ||
			memchr(s + at, '\0', n) != NULL ||
			!line_valid(s + at, n, at == 0))
			return false;
		at += n + 2;
	}
	return len > 0;
}

size_t
checking_lines_encode(char *s, size_t max, char const *lines, size_t len)
{
	struct wire_out out;

	if (len > CHECKING_LINES_FRAME || !lines_valid(lines, len))
		return 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, 'h');
	wire_put_bytes(&out, lines, len);
	return out.failed ? 0 : out.len;
}

bool
checking_lines_decode(char const *s, size_t len, struct checking_bytes *lines_r)
{
	struct wire_in in;

	wire_open(&in, s, len);
	if (wire_get_u8(&in) != 'h')
		return false;
	*lines_r = get(&in, CHECKING_LINES_FRAME);
	return wire_end(&in) && lines_valid(lines_r->s, lines_r->len);
}

bool
checking_is_end(char const *s, size_t len)
{
	return len == 1 && s[0] == CHECKING_END;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One frame before the deadline. fd_r NULL: none may come with it. */
static ssize_t
receive(int fd, char *s, size_t max, int *fd_r, size_t *count_r,
	int64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = deadline_ms - now_ms();
		int r = left <= 0 ? 0 : poll(&p, 1, (int)left);

		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0)
			errno = ETIMEDOUT;
		if (r <= 0)
			return -1;
		ssize_t got = pair_receive(
			fd, s, max, fd_r, fd_r == NULL ? 0 : 1, count_r);
		if (got < 0 && errno == EAGAIN)
			continue;
		return got;
	}
}

static bool
ask(int fd, int file_fd, struct checking_message const *m, char const *to,
	size_t to_len)
{
	char frame[WIRE_FRAME_MAX];
	size_t len = checking_message_encode(frame, sizeof frame, m), used;

	if (len == 0) {
		errno = EINVAL;
		return false;
	}
	if (!pair_send(fd, frame, len, &file_fd, 1))
		return false;
	for (size_t at = 0; at < to_len; at += used) {
		len = checking_recipients_encode(
			frame, sizeof frame, to + at, to_len - at, &used);
		if (len == 0) {
			errno = EINVAL;
			return false;
		}
		if (!pair_send(fd, frame, len, NULL, 0))
			return false;
	}
	frame[0] = CHECKING_END;
	return pair_send(fd, frame, 1, NULL, 0);
}

static bool
take_verdict(
	char const *frame, size_t len, bool has_fd, struct checking_answer *a)
{
	struct checking_verdict v;

	if (!checking_verdict_decode(frame, len, &v) || v.is_replaced != has_fd)
		return false;
	a->action = v.action;
	a->code = v.code;
	memcpy(a->text, v.text.s, v.text.len);
	a->text[v.text.len] = '\0';
	a->is_junk = v.is_junk;
	a->replacement_len = v.replacement_len;
	return true;
}

bool
checking_ask(int fd, int file_fd, struct checking_message const *m,
	char const *to, size_t to_len, int timeout_ms,
	struct checking_answer *answer_r)
{
	char frame[WIRE_FRAME_MAX];
	int64_t deadline_ms = now_ms() + timeout_ms;
	size_t count = 0;
	ssize_t len;

	if (!ask(fd, file_fd, m, to, to_len))
		return false;
	len = receive(fd, frame, sizeof frame, &answer_r->replacement_fd,
		&count, deadline_ms);
	if (len < 0)
		goto fail;
	if (count == 0)
		answer_r->replacement_fd = -1;
	if (!take_verdict(frame, (size_t)len, count == 1, answer_r))
		goto malformed;
	for (;;) {
		struct checking_bytes lines;

		len = receive(fd, frame, sizeof frame, NULL, NULL, deadline_ms);
		if (len < 0)
			goto fail;
		if (checking_is_end(frame, (size_t)len))
			return true;
		if (!checking_lines_decode(frame, (size_t)len, &lines) ||
			answer_r->lines.len > CHECKING_LINES_MAX - lines.len)
			goto malformed;
		if (!stralloc_catb(&answer_r->lines, lines.s, lines.len))
			goto fail;
	}
malformed:
	errno = EPROTO;
fail:
	len = errno;
	if (count == 0)
		answer_r->replacement_fd = -1;
	checking_answer_free(answer_r);
	errno = (int)len;
	return false;
}

void
checking_answer_free(struct checking_answer *answer)
{
	if (answer->replacement_fd >= 0)
		close(answer->replacement_fd);
	answer->replacement_fd = -1;
	stralloc_free(&answer->lines);
}
