/* Any octets as an SMTP reply: what is taken is within them, what is kept is
 * printable, and the announcements of a greeting can be read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "remote/reply.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
check_text(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			abort();
	if (s[len] != '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	struct reply_ehlo ehlo;
	struct reply reply;
	size_t used = 0;
	int r = reply_parse(s, size, &reply, &used);

	if (r <= 0)
		return 0;
	if (used > size || reply.code < 200 || reply.code > 559 ||
		(reply.has_enhanced && reply.enhanced[0] != reply.code / 100))
		abort();
	check_text(reply.text, reply.text_len);
	reply_ehlo(s, used, &ehlo);
	check_text(ehlo.name, strlen(ehlo.name));
	/* What was used up is a reply by itself. */
	if (reply_parse(s, used, &reply, &used) != 1)
		abort();
	return 0;
}
