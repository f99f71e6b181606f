/* Our Received field. */
#include <string.h>
#include "common/datetime.h"
#include "smtpd/received.h"

struct text {
	char *s;
	size_t len;
};

static void
add(struct text *t, char const *s)
{
	size_t n = strlen(s);

	if (n > SMTP_RECEIVED_MAX - t->len)
		n = SMTP_RECEIVED_MAX - t->len;
	memcpy(t->s + t->len, s, n);
	t->len += n;
}

/* RFC 3848; RFC 6531 4.3 */
static char const *
with(struct smtp_received const *r)
{
	static char const *const names[2][2][2] = {
		{{"ESMTP", "ESMTPS"}, {"ESMTPA", "ESMTPSA"}},
		{{"UTF8SMTP", "UTF8SMTPS"}, {"UTF8SMTPA", "UTF8SMTPSA"}}};

	if (!r->is_extended)
		return "SMTP";
	return names[r->is_utf8][r->is_login][r->tls[0] != '\0'];
}

/* TCP-info of RFC 5321 4.4 is an address literal. */
static void
add_origin(struct text *t, struct smtp_received const *r)
{
	add(t, "from ");
	add(t, r->helo);
	add(t, " (");
	if (r->name[0] != '\0') {
		add(t, r->name);
		add(t, " ");
	}
	add(t, strchr(r->client, ':') ? "[IPv6:" : "[");
	add(t, r->client);
	add(t, "])\r\n\t");
}

size_t
smtp_received_format(char out[SMTP_RECEIVED_MAX], struct smtp_received const *r)
{
	struct text t = {out, 0};
	char date[DATETIME_MAX];

	datetime_format(date, r->seconds);
	add(&t, "Received: ");
	if (!r->is_hidden)
		add_origin(&t, r);
	add(&t, "by ");
	add(&t, r->host);
	add(&t, " with ");
	add(&t, with(r));
	add(&t, " id ");
	add(&t, r->id);
	if (r->tls[0] != '\0') {
		add(&t, "\r\n\t(");
		add(&t, r->tls);
		add(&t, ")");
	}
	if (r->recipient != NULL) {
		add(&t, "\r\n\tfor <");
		add(&t, r->recipient);
		add(&t, ">");
	}
	add(&t, ";\r\n\t");
	add(&t, date);
	add(&t, "\r\n");
	return t.len;
}
