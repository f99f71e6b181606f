/* A client of the milter protocol. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "smtpd/check/milter.h"
#include "smtpd/check/milterwire.h"

/* Octets of a body that it may put in place. */
#define BODY_MAX (256u * 1024 * 1024)

#define OFFERED                                                                \
	(MILTERWIRE_ADD_HEADERS | MILTERWIRE_CHANGE_BODY |                     \
		MILTERWIRE_CHANGE_HEADERS | MILTERWIRE_QUARANTINE)

struct session {
	struct milter_request const *request;
	struct milter_answer *answer;
	struct edit *edit;
	int fd;
	int64_t deadline_ms;
	uint32_t steps; /* that it asked to leave out, or not to answer */
	bool is_over;	/* it has decided */
	bool skips_body;
	stralloc out;	   /* packets not yet sent */
	stralloc in;	   /* the packet that was read */
	stralloc new_body; /* in pieces */
	bool has_new_body;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
broken(struct session *s, char const *why)
{
	s->answer->outcome = MILTER_BROKEN;
	s->answer->why = why;
	s->is_over = true;
	return false;
}

static bool
wait_for(struct session *s, short events)
{
	struct pollfd p = {.fd = s->fd, .events = events};

	for (;;) {
		int64_t left = s->deadline_ms - now_ms();
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (r > 0)
			return true;
		if (r == 0)
			errno = ETIMEDOUT;
		if (r == 0 || errno != EINTR)
			return broken(s, "it did not answer in time");
	}
}

static void
renew(struct session *s)
{
	s->deadline_ms = now_ms() + s->request->timeout_ms;
}

/* The address of `inet:ADDRESS:PORT` or `unix:PATH`; its length, or 0. */
static socklen_t
address(struct rules_text where, struct sockaddr_storage *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;
	struct sockaddr_un *path = (struct sockaddr_un *)a;
	char text[128];
	char *host = text + 5, *colon;
	uint16_t port;

	memset(a, 0, sizeof *a);
	if (where.len >= sizeof text || where.len < 6)
		return 0;
	memcpy(text, where.s, where.len);
	text[where.len] = '\0';
	if (text[0] == 'u') {
		if (where.len - 5 >= sizeof path->sun_path)
			return 0;
		path->sun_family = AF_UNIX;
		memcpy(path->sun_path, host, where.len - 5);
		return sizeof *path;
	}
	colon = strrchr(host, ':');
	if (colon == NULL || uint160_scan(colon + 1, &port) == 0)
		return 0;
	*colon = '\0';
	if (*host == '[') {
		host++;
		host[strcspn(host, "]")] = '\0';
	}
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return 0;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof *v6;
}

static bool
connect_to(struct session *s)
{
	struct sockaddr_storage a;
	socklen_t len = address(s->request->where, &a), size = sizeof(int);
	int error = 0;

	if (len == 0)
		return broken(s, "its address is none");
	s->fd = socket(
		a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return broken(s, "no socket");
	if (connect(s->fd, (struct sockaddr *)&a, len) == 0)
		return true;
	if (errno != EINPROGRESS)
		return broken(s, "it can't be reached");
	if (!wait_for(s, POLLOUT))
		return false;
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ||
		error != 0) {
		errno = error;
		return broken(s, "it can't be reached");
	}
	return true;
}

static bool
flush(struct session *s)
{
	size_t at = 0;

	renew(s);
	while (at < s->out.len) {
		ssize_t n = send(
			s->fd, s->out.s + at, s->out.len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return broken(s, "it closed the connection");
		if (n > 0)
			at += (size_t)n;
		else if (!wait_for(s, POLLOUT))
			return false;
	}
	s->out.len = 0;
	return true;
}

static bool
read_exactly(struct session *s, char *out, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = recv(s->fd, out + at, len - at, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return broken(s, "it closed the connection");
		if (n > 0)
			at += (size_t)n;
		else if (!wait_for(s, POLLIN))
			return false;
	}
	return true;
}

static bool
read_packet(struct session *s, struct milterwire_packet *p)
{
	unsigned char head[MILTERWIRE_LENGTH];
	char raw[MILTERWIRE_LENGTH];
	size_t len;

	renew(s);
	if (!read_exactly(s, raw, sizeof raw))
		return false;
	memcpy(head, raw, sizeof head);
	len = milterwire_length(head);
	if (len == 0)
		return broken(s, "it sent a packet that is too long");
	if (!stralloc_ready(&s->in, len))
		return broken(s, "out of memory");
	s->in.len = len;
	if (!read_exactly(s, s->in.s, len))
		return false;
	if (!milterwire_parse(s->in.s, len, p))
		return broken(s, "it sent what is no packet");
	return true;
}

static bool
decided(struct session *s, enum milter_outcome outcome, unsigned code,
	char const *text)
{
	s->answer->outcome = outcome;
	s->answer->code = code;
	snprintf(s->answer->text, sizeof s->answer->text, "%s", text);
	s->is_over = true;
	return true;
}

static bool
own_reply(struct session *s, struct milterwire_packet const *p)
{
	char text[MILTER_TEXT_MAX + 1];
	unsigned code;

	if (!milterwire_reply_code(p->value, &code, text, MILTER_TEXT_MAX))
		return broken(s, "it sent a reply that is none");
	return decided(
		s, code >= 500 ? MILTER_REJECTED : MILTER_DEFERRED, code, text);
}

/* What ends a step, or the whole; -1 broken, 0 a change or nothing yet, 1 the
 * step is over. */
static int
take_verdict(struct session *s, struct milterwire_packet const *p)
{
	switch (p->reply) {
	case MILTERWIRE_CONTINUE:
		return 1;
	case MILTERWIRE_SKIP_REST:
		s->skips_body = true;
		return 1;
	case MILTERWIRE_ACCEPT:
		return decided(s, MILTER_PASSED, 0, "") ? 1 : -1;
	case MILTERWIRE_REJECT:
		decided(s, MILTER_REJECTED, 550, "5.7.1 refused");
		return 1;
	case MILTERWIRE_TEMPFAIL:
		decided(s, MILTER_DEFERRED, 451, "4.7.1 try again later");
		return 1;
	case MILTERWIRE_DISCARD:
		decided(s, MILTER_DISCARDED, 250, "");
		return 1;
	case MILTERWIRE_CODE:
		return own_reply(s, p) ? 1 : -1;
	case MILTERWIRE_SHUTDOWN:
	case MILTERWIRE_FAIL:
		decided(s, MILTER_DEFERRED, 421, "4.7.1 try again later");
		return 1;
	case MILTERWIRE_PROGRESS:
		return 0;
	default:
		broken(s, "it sent what does not belong there");
		return -1;
	}
}

/* Send what is gathered; if quiet is not said in the negotiation, wait for the
 * answer. False: it is over. */
static bool
step(struct session *s, uint32_t quiet)
{
	struct milterwire_packet p;
	int r = 0;

	if ((s->steps & quiet) != 0)
		return true;
	if (!flush(s))
		return false;
	while (r == 0) {
		if (!read_packet(s, &p))
			return false;
		r = take_verdict(s, &p);
	}
	return r > 0 && !s->is_over;
}

static bool
no_memory(struct session *s)
{
	return broken(s, "out of memory");
}

static bool
negotiate(struct session *s)
{
	struct milterwire_packet p;
	size_t at;

	if (!milterwire_begin(&s->out, 'O', &at) ||
		!milterwire_put_u32(&s->out, MILTERWIRE_VERSION) ||
		!milterwire_put_u32(&s->out, OFFERED) ||
		!milterwire_put_u32(&s->out, MILTERWIRE_STEPS))
		return no_memory(s);
	milterwire_end(&s->out, at);
	if (!flush(s) || !read_packet(s, &p))
		return false;
	if (p.reply != MILTERWIRE_NEGOTIATED || p.version < 2 ||
		p.version > MILTERWIRE_VERSION)
		return broken(s, "it speaks another version");
	s->steps = p.steps & MILTERWIRE_STEPS;
	return true;
}

/* One macro packet for the step of that letter: names and values in turn, ended
 * by NULL. */
static bool
macros(struct session *s, char command, char const *const *pairs)
{
	size_t at;

	if (!milterwire_begin(&s->out, 'D', &at) ||
		!milterwire_put(&s->out, &command, 1))
		return no_memory(s);
	for (; pairs[0] != NULL; pairs += 2)
		if (*pairs[1] != '\0' &&
			(!milterwire_puts(&s->out, pairs[0]) ||
				!milterwire_puts(&s->out, pairs[1])))
			return no_memory(s);
	milterwire_end(&s->out, at);
	return true;
}

static bool
text_packet(struct session *s, char command, char const *before,
	char const *text, char const *behind)
{
	size_t at;

	if (!milterwire_begin(&s->out, command, &at) ||
		!milterwire_put(&s->out, before, strlen(before)) ||
		!milterwire_put(&s->out, text, strlen(text)) ||
		!milterwire_puts(&s->out, behind))
		return no_memory(s);
	milterwire_end(&s->out, at);
	return true;
}

/* A field of the message's, as a string. */
static char const *
string(struct checking_bytes b, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)b.len, b.s);
	return out;
}

static bool
send_connect(struct session *s)
{
	struct checking_message const *m = s->request->message;
	char client[CHECKING_CLIENT_MAX + 8], name[CHECKING_NAME_MAX + 1];
	char const *pairs[] = {"j", s->request->hostname, "{daemon_name}",
		"kereru", "v", "Kereru " KERERU_VERSION, "_", client, NULL};
	bool is_v6;
	size_t at;

	string(m->client, client, sizeof client);
	is_v6 = strchr(client, ':') != NULL;
	if ((s->steps & MILTERWIRE_NO_CONNECT) != 0)
		return true;
	if (m->name.len > 0)
		string(m->name, name, sizeof name);
	else
		snprintf(name, sizeof name, "[%s]", client);
	if (!macros(s, 'C', pairs))
		return false;
	if (!milterwire_begin(&s->out, 'C', &at) ||
		!milterwire_puts(&s->out, name))
		return no_memory(s);
	/* Family, port, address; without an address it is not known. */
	if (m->client.len == 0) {
		if (!milterwire_put(&s->out, "U", 1))
			return no_memory(s);
	} else if (!milterwire_put(&s->out, is_v6 ? "6\0\0" : "4\0\0", 3) ||
		   (is_v6 && !milterwire_put(&s->out, "IPv6:", 5)) ||
		   !milterwire_puts(&s->out, client)) {
		return no_memory(s);
	}
	milterwire_end(&s->out, at);
	return step(s, MILTERWIRE_QUIET_CONNECT);
}

static bool
send_helo(struct session *s)
{
	struct checking_message const *m = s->request->message;
	char helo[CHECKING_NAME_MAX + 1], tls[CHECKING_TLS_MAX + 1];
	char const *pairs[] = {
		"{tls_version}", string(m->tls, tls, sizeof tls), NULL};

	string(m->helo, helo, sizeof helo);
	if ((s->steps & MILTERWIRE_NO_HELO) != 0)
		return true;
	tls[strcspn(tls, " ")] = '\0';
	return macros(s, 'H', pairs) && text_packet(s, 'H', "", helo, "") &&
	       step(s, MILTERWIRE_QUIET_HELO);
}

static bool
send_sender(struct session *s)
{
	struct checking_message const *m = s->request->message;
	char sender[CHECKING_PATH_MAX + 1], mailbox[CHECKING_PATH_MAX + 1],
		id[CHECKING_ID_MAX + 1];
	char const *pairs[] = {"i", string(m->id, id, sizeof id), "{mail_addr}",
		string(m->sender, sender, sizeof sender), "{auth_authen}",
		string(m->mailbox, mailbox, sizeof mailbox), NULL};

	if ((s->steps & MILTERWIRE_NO_MAIL) != 0)
		return true;
	return macros(s, 'M', pairs) && text_packet(s, 'M', "<", sender, ">") &&
	       step(s, MILTERWIRE_QUIET_MAIL);
}

/* A recipient alone can't be refused any more: when all are, the message is. */
static bool
send_recipients(struct session *s)
{
	char const *to = s->request->to;
	size_t refused = 0, count = 0;

	if ((s->steps & MILTERWIRE_NO_RCPT) != 0)
		return true;
	for (size_t at = 0; at < s->request->to_len;
		at += strlen(to + at) + 1) {
		char const *pairs[] = {"{rcpt_addr}", to + at, NULL};

		count++;
		if (!macros(s, 'R', pairs) ||
			!text_packet(s, 'R', "<", to + at, ">"))
			return false;
		if (step(s, MILTERWIRE_QUIET_RCPT))
			continue;
		if (s->answer->outcome != MILTER_REJECTED &&
			s->answer->outcome != MILTER_DEFERRED)
			return false;
		refused++;
		s->is_over = false;
	}
	if (refused < count) {
		s->answer->refused_changes += (unsigned)refused;
		s->answer->outcome = MILTER_PASSED;
		return true;
	}
	s->is_over = count > 0;
	return !s->is_over;
}

static bool
send_data(struct session *s)
{
	size_t at;

	if ((s->steps & MILTERWIRE_NO_DATA) != 0)
		return true;
	if (!milterwire_begin(&s->out, 'T', &at))
		return no_memory(s);
	milterwire_end(&s->out, at);
	return step(s, MILTERWIRE_QUIET_DATA);
}

/* Name and value; folds as LF, as other servers send them. */
static bool
header_packet(struct session *s, struct header_field const *field)
{
	char const *value = field->value;
	size_t len = field->value_len, at;

	if (!milterwire_begin(&s->out, 'L', &at) ||
		!milterwire_put(&s->out, field->name, field->name_len) ||
		!milterwire_put(&s->out, "", 1))
		return no_memory(s);
	if ((s->steps & MILTERWIRE_LEADING_SPACE) == 0 && len > 0 &&
		*value == ' ') {
		value++;
		len--;
	}
	for (size_t i = 0; i < len; i++)
		if (value[i] != '\r' && value[i] != '\0' &&
			!stralloc_append(&s->out, value[i]))
			return no_memory(s);
	if (!milterwire_put(&s->out, "", 1))
		return no_memory(s);
	milterwire_end(&s->out, at);
	return step(s, MILTERWIRE_QUIET_HEADER);
}

static bool
send_header(struct session *s, size_t *body_r)
{
	struct header_field field;
	size_t at;

	*body_r = 0;
	while (header_next(s->edit->s, s->edit->len, body_r, &field) > 0)
		if (field.name_len > 0 &&
			(s->steps & MILTERWIRE_NO_HEADERS) == 0 &&
			!header_packet(s, &field))
			return false;
	if ((s->steps & MILTERWIRE_NO_EOH) != 0)
		return true;
	if (!milterwire_begin(&s->out, 'N', &at))
		return no_memory(s);
	milterwire_end(&s->out, at);
	return step(s, MILTERWIRE_QUIET_EOH);
}

static bool
send_body(struct session *s, size_t body)
{
	if ((s->steps & MILTERWIRE_NO_BODY) != 0)
		return true;
	while (body < s->edit->len && !s->skips_body) {
		size_t left = s->edit->len - body, at;
		size_t n = left < MILTERWIRE_PIECE ? left : MILTERWIRE_PIECE;

		if (!milterwire_begin(&s->out, 'B', &at) ||
			!milterwire_put(&s->out, s->edit->s + body, n))
			return no_memory(s);
		milterwire_end(&s->out, at);
		body += n;
		if (!step(s, MILTERWIRE_QUIET_BODY))
			return false;
		/* Without answers it gathers here. */
		if (s->out.len > 4 * MILTERWIRE_PIECE && !flush(s))
			return false;
	}
	return true;
}

/* A change; false: broken. */
static bool
take_change(struct session *s, struct milterwire_packet const *p)
{
	struct edit *e = s->edit;
	bool ok = true;

	switch (p->reply) {
	case MILTERWIRE_ADD_HEADER:
		ok = edit_front(
			e, p->name.s, p->name.len, p->value.s, p->value.len);
		break;
	case MILTERWIRE_INSERT_HEADER:
		ok = edit_front_first(
			e, p->name.s, p->name.len, p->value.s, p->value.len);
		break;
	case MILTERWIRE_CHANGE_HEADER:
		ok = edit_change(e, p->index, p->name.s, p->name.len,
			p->value.s, p->value.len);
		break;
	case MILTERWIRE_REPLACE_BODY:
		s->has_new_body = true;
		ok = s->new_body.len + p->value.len < BODY_MAX &&
		     stralloc_catb(&s->new_body, p->value.s, p->value.len);
		break;
	case MILTERWIRE_QUARANTINED:
		s->answer->is_quarantined = true;
		break;
	case MILTERWIRE_ADD_RCPT:
	case MILTERWIRE_ADD_RCPT_PAR:
	case MILTERWIRE_DELETE_RCPT:
	case MILTERWIRE_CHANGE_SENDER:
		s->answer->refused_changes++;
		break;
	default:
		return take_verdict(s, p) >= 0;
	}
	return ok || broken(s, "it wants a change that can't be made");
}

static bool
is_change(enum milterwire_reply r)
{
	return memchr("himb+2-eq", (int)r, 9) != NULL;
}

static bool
send_end(struct session *s)
{
	struct checking_message const *m = s->request->message;
	char id[CHECKING_ID_MAX + 1];
	char const *pairs[] = {"i", string(m->id, id, sizeof id), NULL};
	struct milterwire_packet p;
	size_t at;

	if (!macros(s, 'E', pairs))
		return false;
	if (!milterwire_begin(&s->out, 'E', &at))
		return no_memory(s);
	milterwire_end(&s->out, at);
	if (!flush(s))
		return false;
	do {
		if (!read_packet(s, &p) || !take_change(s, &p))
			return false;
	} while (is_change(p.reply) || p.reply == MILTERWIRE_PROGRESS);
	if (s->has_new_body &&
		!edit_body(s->edit, s->new_body.s, s->new_body.len))
		return no_memory(s);
	return true;
}

void
milter_ask(struct milter_request const *request, struct edit *edit,
	struct milter_answer *answer_r)
{
	struct session s = {
		.request = request, .answer = answer_r, .edit = edit, .fd = -1};
	size_t body, at;
	int error;

	*answer_r = (struct milter_answer){.outcome = MILTER_PASSED};
	renew(&s);
	errno = 0;
	if (connect_to(&s) && negotiate(&s) && send_connect(&s) &&
		send_helo(&s) && send_sender(&s) && send_recipients(&s) &&
		send_data(&s) && send_header(&s, &body) && send_body(&s, body))
		(void)send_end(&s);
	error = errno;
	if (s.fd >= 0) {
		/* It is polite to say so; nobody waits for it. */
		s.out.len = 0;
		if (answer_r->outcome != MILTER_BROKEN &&
			milterwire_begin(&s.out, 'Q', &at)) {
			milterwire_end(&s.out, at);
			(void)!send(s.fd, s.out.s, s.out.len,
				MSG_NOSIGNAL | MSG_DONTWAIT);
		}
		close(s.fd);
	}
	stralloc_free(&s.out);
	stralloc_free(&s.in);
	stralloc_free(&s.new_body);
	errno = error;
}
