/* The answer to EHLO. */
#include <skalibs/types.h>
#include "smtpd/hello.h"

void
smtp_hello_send(struct front *front, struct smtp_hello const *h)
{
	struct stream *out = &front->stream;
	char size[UINT64_FMT];

	size[uint64_fmt(size, h->size_max)] = '\0';
	(void)(stream_puts(out, "250-") && stream_puts(out, front->hostname) &&
		stream_puts(out, " Hello ") && stream_puts(out, h->helo) &&
		stream_puts(out, " [") && stream_puts(out, front->client) &&
		stream_puts(out, "]\r\n250-SIZE ") && stream_puts(out, size) &&
		stream_puts(out, "\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
				 "250-ENHANCEDSTATUSCODES\r\n") &&
		(!h->has_starttls || stream_puts(out, "250-STARTTLS\r\n")) &&
		(!h->has_auth ||
			stream_puts(out, "250-AUTH PLAIN LOGIN\r\n")) &&
		stream_puts(out, "250 HELP\r\n"));
}
