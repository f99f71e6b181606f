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

/* RFC 3848 */
static char const *
with(struct smtp_received const *r)
{
	bool secure = r->tls[0] != '\0';

	if (!r->is_extended)
		return "SMTP";
	if (r->is_login)
		return secure ? "ESMTPSA" : "ESMTPA";
	return secure ? "ESMTPS" : "ESMTP";
}

size_t
smtp_received_format(char out[SMTP_RECEIVED_MAX], struct smtp_received const *r)
{
	struct text t = {out, 0};
	char date[DATETIME_MAX];

	datetime_format(date, r->seconds);
	add(&t, "Received: from ");
	add(&t, r->helo);
	/* TCP-info of RFC 5321 4.4 is an address literal. */
	add(&t, strchr(r->client, ':') ? " ([IPv6:" : " ([");
	add(&t, r->client);
	add(&t, "])\r\n\tby ");
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
