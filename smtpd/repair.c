/* Line ends of a message from a trusted host, made right. */
#include "smtpd/repair.h"

/* Octets at the start of s that are text of a line. */
static size_t
text(char const *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] != '\r' && s[n] != '\n' && s[n] != '\0')
		n++;
	return n;
}

void
smtp_repair_push(struct smtp_repair *r, char const *s, size_t len,
	smtp_put *put, void *data)
{
	size_t i = 0;

	while (i < len) {
		size_t n;

		if (s[i] == '\0') {
			i++;
			continue;
		}
		if (r->after_cr || s[i] == '\n')
			put(data, "\r\n", 2);
		if (s[i] == '\n') {
			r->after_cr = false;
			i++;
			continue;
		}
		r->after_cr = s[i] == '\r';
		if (r->after_cr) {
			i++;
			continue;
		}
		n = text(s + i, len - i);
		put(data, s + i, n);
		i += n;
	}
}

void
smtp_repair_end(struct smtp_repair *r, smtp_put *put, void *data)
{
	if (r->after_cr)
		put(data, "\r\n", 2);
	r->after_cr = false;
}
