/* A client of the milter protocol. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "smtpd/check/milter_run.h"

/* Octets of a body that it may put in place. */
#define BODY_MAX (256u * 1024 * 1024)

#define OFFERED                                                                \
	(MILTERWIRE_ADD_HEADERS | MILTERWIRE_CHANGE_BODY |                     \
		MILTERWIRE_CHANGE_HEADERS | MILTERWIRE_QUARANTINE)

static bool
decided(struct milter_session *s, enum milter_outcome outcome, unsigned code,
	char const *text)
{
	s->answer->outcome = outcome;
	s->answer->code = code;
	snprintf(s->answer->text, sizeof s->answer->text, "%s", text);
	s->is_over = true;
	return true;
}

static bool
own_reply(struct milter_session *s, struct milterwire_packet const *p)
{
	char text[MILTER_TEXT_MAX + 1];
	unsigned code;

	if (!milterwire_reply_code(p->value, &code, text, MILTER_TEXT_MAX))
		return milter_broken(s, "it sent a reply that is none");
	return decided(
		s, code >= 500 ? MILTER_REJECTED : MILTER_DEFERRED, code, text);
}

/* What ends a step, or the whole; -1 broken, 0 a change or nothing yet, 1 the
 * step is over. */
static int
milter_take_verdict(struct milter_session *s, struct milterwire_packet const *p)
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
		milter_broken(s, "it sent what does not belong there");
		return -1;
	}
}

bool
milter_step(struct milter_session *s, uint32_t quiet)
{
	struct milterwire_packet p;
	int r = 0;

	if ((s->steps & quiet) != 0)
		return true;
	if (!milter_flush(s))
		return false;
	while (r == 0) {
		if (!milter_read(s, &p))
			return false;
		r = milter_take_verdict(s, &p);
	}
	return r > 0 && !s->is_over;
}

bool
milter_no_memory(struct milter_session *s)
{
	return milter_broken(s, "out of memory");
}

static bool
negotiate(struct milter_session *s)
{
	struct milterwire_packet p;
	size_t at;

	if (!milterwire_begin(&s->out, 'O', &at) ||
		!milterwire_put_u32(&s->out, MILTERWIRE_VERSION) ||
		!milterwire_put_u32(&s->out, OFFERED) ||
		!milterwire_put_u32(&s->out, MILTERWIRE_STEPS))
		return milter_no_memory(s);
	milterwire_end(&s->out, at);
	if (!milter_flush(s) || !milter_read(s, &p))
		return false;
	if (p.reply != MILTERWIRE_NEGOTIATED || p.version < 2 ||
		p.version > MILTERWIRE_VERSION)
		return milter_broken(s, "it speaks another version");
	s->steps = p.steps & MILTERWIRE_STEPS;
	return true;
}

/* A change; false: broken. */
static bool
take_change(struct milter_session *s, struct milterwire_packet const *p)
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
		return milter_take_verdict(s, p) >= 0;
	}
	return ok || milter_broken(s, "it wants a change that can't be made");
}

static bool
is_change(enum milterwire_reply r)
{
	return memchr("himb+2-eq", (int)r, 9) != NULL;
}

static bool
send_end(struct milter_session *s)
{
	struct checking_message const *m = s->request->message;
	char id[CHECKING_ID_MAX + 1];
	char const *pairs[] = {"i", milter_string(m->id, id, sizeof id), NULL};
	struct milterwire_packet p;
	size_t at;

	if (!milter_macros(s, 'E', pairs))
		return false;
	if (!milterwire_begin(&s->out, 'E', &at))
		return milter_no_memory(s);
	milterwire_end(&s->out, at);
	if (!milter_flush(s))
		return false;
	do {
		if (!milter_read(s, &p) || !take_change(s, &p))
			return false;
	} while (is_change(p.reply) || p.reply == MILTERWIRE_PROGRESS);
	if (s->has_new_body &&
		!edit_body(s->edit, s->new_body.s, s->new_body.len))
		return milter_no_memory(s);
	return true;
}

void
milter_ask(struct milter_request const *request, struct edit *edit,
	struct milter_answer *answer_r)
{
	struct milter_session s = {
		.request = request, .answer = answer_r, .edit = edit, .fd = -1};
	size_t body, at;
	int error;

	*answer_r = (struct milter_answer){.outcome = MILTER_PASSED};
	milter_renew(&s);
	errno = 0;
	if (milter_connect(&s) && negotiate(&s) && milter_send_connect(&s) &&
		milter_send_helo(&s) && milter_send_sender(&s) &&
		milter_send_recipients(&s) && milter_send_data(&s) &&
		milter_send_header(&s, &body) && milter_send_body(&s, body))
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
