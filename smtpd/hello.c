/* The answer to EHLO. */
#include <string.h>
#include <skalibs/types.h>
#include "common/datetime.h"
#include "smtpd/hello.h"

static void
line(struct stream *out, char const *text)
{
	(void)(stream_puts(out, "250-") && stream_puts(out, text) &&
		stream_puts(out, "\r\n"));
}

static void
number_line(struct stream *out, char const *keyword, uint64_t n)
{
	char text[64];
	size_t len = strlen(keyword);

	memcpy(text, keyword, len);
	text[len + uint64_fmt(text + len, n)] = '\0';
	line(out, text);
}

/* RFC 4865 4: how many seconds, and until when. */
static void
future_release(struct stream *out, uint64_t max, uint64_t now)
{
	char text[64 + UINT64_FMT + DATETIME_MAX] = "FUTURERELEASE ";
	size_t len = strlen(text);

	len += uint64_fmt(text + len, max);
	text[len++] = ' ';
	datetime_format_utc(text + len, now + max);
	line(out, text);
}

void
smtp_hello_send(struct front *front, struct smtp_hello const *h)
{
	struct stream *out = &front->stream;

	(void)(stream_puts(out, "250-") && stream_puts(out, front->hostname) &&
		stream_puts(out, " Hello ") && stream_puts(out, h->helo) &&
		stream_puts(out, " [") && stream_puts(out, front->client) &&
		stream_puts(out, "]\r\n"));
	number_line(out, "SIZE ", h->size_max);
	line(out, "ETRN");
	line(out, "EXPN");
	line(out, "PIPELINING");
	line(out, "8BITMIME");
	line(out, "SMTPUTF8");
	line(out, "CHUNKING");
	line(out, "BINARYMIME");
	line(out, "DSN");
	line(out, "ENHANCEDSTATUSCODES");
	number_line(out, "LIMITS RCPTMAX=", h->recipients_max);
	if (h->is_login) {
		line(out, "DELIVERBY");
		line(out, "MT-PRIORITY");
		if (h->hold_max > 0)
			future_release(out, h->hold_max, h->now);
	}
	if (h->is_tls)
		line(out, "REQUIRETLS");
	if (h->has_starttls)
		line(out, "STARTTLS");
	if (h->has_auth) {
		(void)stream_puts(out, "250-AUTH");
		front_say_mechanisms(front, " ");
		(void)stream_puts(out, " PLAIN LOGIN\r\n");
	}
	if (h->has_xclient)
		line(out, "XCLIENT NAME ADDR PORT PROTO HELO");
	(void)stream_puts(out, "250 HELP\r\n");
}
