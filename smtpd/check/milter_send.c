/* What a milter is told, step by step. */
#include <stdio.h>
#include <string.h>
#include "smtpd/check/milter_run.h"

bool
milter_macros(struct milter_session *s, char command, char const *const *pairs)
{
	size_t at;

	if (!milterwire_begin(&s->out, 'D', &at) ||
		!milterwire_put(&s->out, &command, 1))
		return milter_no_memory(s);
	for (; pairs[0] != NULL; pairs += 2)
		if (*pairs[1] != '\0' &&
			(!milterwire_puts(&s->out, pairs[0]) ||
				!milterwire_puts(&s->out, pairs[1])))
			return milter_no_memory(s);
	milterwire_end(&s->out, at);
	return true;
}

static bool
text_packet(struct milter_session *s, char command, char const *before,
	char const *text, char const *behind)
{
	size_t at;

	if (!milterwire_begin(&s->out, command, &at) ||
		!milterwire_put(&s->out, before, strlen(before)) ||
		!milterwire_put(&s->out, text, strlen(text)) ||
		!milterwire_puts(&s->out, behind))
		return milter_no_memory(s);
	milterwire_end(&s->out, at);
	return true;
}

char const *
milter_string(struct checking_bytes b, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)b.len, b.s);
	return out;
}

bool
milter_send_connect(struct milter_session *s)
{
	struct checking_message const *m = s->request->message;
	char client[CHECKING_CLIENT_MAX + 8], name[CHECKING_NAME_MAX + 1];
	char const *pairs[] = {"j", s->request->hostname, "{daemon_name}",
		"kereru", "v", "Kereru " KERERU_VERSION, "_", client, NULL};
	bool is_v6;
	size_t at;

	milter_string(m->client, client, sizeof client);
	is_v6 = strchr(client, ':') != NULL;
	if ((s->steps & MILTERWIRE_NO_CONNECT) != 0)
		return true;
	if (m->name.len > 0)
		milter_string(m->name, name, sizeof name);
	else
		snprintf(name, sizeof name, "[%s]", client);
	if (!milter_macros(s, 'C', pairs))
		return false;
	if (!milterwire_begin(&s->out, 'C', &at) ||
		!milterwire_puts(&s->out, name))
		return milter_no_memory(s);
	/* Family, port, address; without an address it is not known. */
	if (m->client.len == 0) {
		if (!milterwire_put(&s->out, "U", 1))
			return milter_no_memory(s);
	} else if (!milterwire_put(&s->out, is_v6 ? "6\0\0" : "4\0\0", 3) ||
		   (is_v6 && !milterwire_put(&s->out, "IPv6:", 5)) ||
		   !milterwire_puts(&s->out, client)) {
		return milter_no_memory(s);
	}
	milterwire_end(&s->out, at);
	return milter_step(s, MILTERWIRE_QUIET_CONNECT);
}

bool
milter_send_helo(struct milter_session *s)
{
	struct checking_message const *m = s->request->message;
	char helo[CHECKING_NAME_MAX + 1], tls[CHECKING_TLS_MAX + 1];
	char const *pairs[] = {
		"{tls_version}", milter_string(m->tls, tls, sizeof tls), NULL};

	milter_string(m->helo, helo, sizeof helo);
	if ((s->steps & MILTERWIRE_NO_HELO) != 0)
		return true;
	tls[strcspn(tls, " ")] = '\0';
	return milter_macros(s, 'H', pairs) &&
	       text_packet(s, 'H', "", helo, "") &&
	       milter_step(s, MILTERWIRE_QUIET_HELO);
}

bool
milter_send_sender(struct milter_session *s)
{
	struct checking_message const *m = s->request->message;
	char sender[CHECKING_PATH_MAX + 1], mailbox[CHECKING_PATH_MAX + 1],
		id[CHECKING_ID_MAX + 1];
	char const *pairs[] = {"i", milter_string(m->id, id, sizeof id),
		"{mail_addr}", milter_string(m->sender, sender, sizeof sender),
		"{auth_authen}",
		milter_string(m->mailbox, mailbox, sizeof mailbox), NULL};

	if ((s->steps & MILTERWIRE_NO_MAIL) != 0)
		return true;
	return milter_macros(s, 'M', pairs) &&
	       text_packet(s, 'M', "<", sender, ">") &&
	       milter_step(s, MILTERWIRE_QUIET_MAIL);
}

/* A recipient alone can't be refused any more: when all are, the message is. */
bool
milter_send_recipients(struct milter_session *s)
{
	char const *to = s->request->to;
	size_t refused = 0, count = 0;

	if ((s->steps & MILTERWIRE_NO_RCPT) != 0)
		return true;
	for (size_t at = 0; at < s->request->to_len;
		at += strlen(to + at) + 1) {
		char const *pairs[] = {"{rcpt_addr}", to + at, NULL};

		count++;
		if (!milter_macros(s, 'R', pairs) ||
			!text_packet(s, 'R', "<", to + at, ">"))
			return false;
		if (milter_step(s, MILTERWIRE_QUIET_RCPT))
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

bool
milter_send_data(struct milter_session *s)
{
	size_t at;

	if ((s->steps & MILTERWIRE_NO_DATA) != 0)
		return true;
	if (!milterwire_begin(&s->out, 'T', &at))
		return milter_no_memory(s);
	milterwire_end(&s->out, at);
	return milter_step(s, MILTERWIRE_QUIET_DATA);
}

/* Name and value; folds as LF, as other servers send them. */
static bool
header_packet(struct milter_session *s, struct header_field const *field)
{
	char const *value = field->value;
	size_t len = field->value_len, at;

	if (!milterwire_begin(&s->out, 'L', &at) ||
		!milterwire_put(&s->out, field->name, field->name_len) ||
		!milterwire_put(&s->out, "", 1))
		return milter_no_memory(s);
	if ((s->steps & MILTERWIRE_LEADING_SPACE) == 0 && len > 0 &&
		*value == ' ') {
		value++;
		len--;
	}
	for (size_t i = 0; i < len; i++)
		if (value[i] != '\r' && value[i] != '\0' &&
			!stralloc_append(&s->out, value[i]))
			return milter_no_memory(s);
	if (!milterwire_put(&s->out, "", 1))
		return milter_no_memory(s);
	milterwire_end(&s->out, at);
	return milter_step(s, MILTERWIRE_QUIET_HEADER);
}

bool
milter_send_header(struct milter_session *s, size_t *body_r)
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
		return milter_no_memory(s);
	milterwire_end(&s->out, at);
	return milter_step(s, MILTERWIRE_QUIET_EOH);
}

bool
milter_send_body(struct milter_session *s, size_t body)
{
	if ((s->steps & MILTERWIRE_NO_BODY) != 0)
		return true;
	while (body < s->edit->len && !s->skips_body) {
		size_t left = s->edit->len - body, at;
		size_t n = left < MILTERWIRE_PIECE ? left : MILTERWIRE_PIECE;

		if (!milterwire_begin(&s->out, 'B', &at) ||
			!milterwire_put(&s->out, s->edit->s + body, n))
			return milter_no_memory(s);
		milterwire_end(&s->out, at);
		body += n;
		if (!milter_step(s, MILTERWIRE_QUIET_BODY))
			return false;
		/* Without answers it gathers here. */
		if (s->out.len > 4 * MILTERWIRE_PIECE && !milter_flush(s))
			return false;
	}
	return true;
}
