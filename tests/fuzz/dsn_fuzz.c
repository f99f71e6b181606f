/* Any answer and recipient: a report has CRLF lines, no NUL, and an end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/queuebody.h"
#include "queue/dsn.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char const *s = (char const *)data;
	size_t why_len = size < 100 ? size : 100;
	struct queuefile_recipient to = {.address = "x@y",
		.address_len = 3,
		.state = QUEUEFILE_FAILED,
		.why = s,
		.why_len = why_len};
	struct queuefile q = {.sender = "a@b",
		.sender_len = 3,
		.recipients = &to,
		.recipient_count = 1};
	struct dsn d = {.hostname = "h",
		.id = "0k3v9a2mj4xz7bqr",
		.to = "a@b",
		.to_len = 3,
		.q = &q};
	stralloc sa = STRALLOC_ZERO;

	(void)queuebody_was_delivered_to(s + why_len, size - why_len, "a@b", 3);
	to.orcpt = s;
	to.orcpt_len = size < 40 ? size : 40;
	if (!dsn_head(&sa, &d) || !dsn_end(&sa, &d))
		return 0;
	for (size_t i = 0; i < sa.len; i++)
		if (sa.s[i] == '\0' ||
			(sa.s[i] == '\n') != (i > 0 && sa.s[i - 1] == '\r'))
			abort();
	stralloc_free(&sa);
	return 0;
}
