/* Base subjects, sort keys, message ids, and threads of what lines say. */
#include <stdlib.h>
#include <string.h>

#include "imapd/base_subject.h"
#include "imapd/casemap.h"
#include "imapd/msgid.h"
#include "imapd/thread.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static uint32_t
same(void const *arg, uint32_t message)
{
	(void)arg;
	return message + 1;
}

/* Each line is a message: its id, its references, its subject. */
static void
threads(enum thread_algorithm how, char const *s, size_t len)
{
	stralloc out = STRALLOC_ZERO;
	struct thread t;
	uint32_t count = 0;
	size_t depth = 0, numbers = 0;

	thread_init(&t, how);
	while (len > 0) {
		char const *const lf = memchr(s, '\n', len);
		size_t const n = lf != NULL ? (size_t)(lf - s) : len;
		struct thread_message const m = {.message = count++,
			.date = n > 0 ? s[0] : 0,
			.id = s,
			.id_len = n < 8 ? n : 8,
			.references = s,
			.references_len = n,
			.in_reply_to = s,
			.in_reply_to_len = n,
			.subject = s,
			.subject_len = n < 2 ? n : 2,
			.reply = n & 1};

		if (!thread_add(&t, &m))
			abort();
		s += n + (lf != NULL);
		len -= n + (lf != NULL);
	}
	if (!thread_finish(&t) || !thread_write(&t, same, NULL, &out))
		abort();
	for (size_t i = 0; i < out.len; i++) {
		depth += out.s[i] == '(';
		depth -= out.s[i] == ')';
		numbers += out.s[i] >= '0' && out.s[i] <= '9' &&
			   (i == 0 || out.s[i - 1] < '0');
	}
	/* Every message once. */
	if (depth != 0 || numbers != count)
		abort();
	stralloc_free(&out);
	thread_free(&t);
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	char *const copy = malloc(size > 0 ? size : 1);
	char id[MSGID_MAX];
	stralloc key = STRALLOC_ZERO;
	size_t start, pos = 0;
	bool reply;

	if (copy == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	while (msgid_next(copy, size, &pos, id) > 0)
		continue;
	if (!casemap_append(&key, copy, size))
		abort();
	threads(THREAD_REFERENCES, copy, size);
	threads(THREAD_ORDEREDSUBJECT, copy, size);
	threads(THREAD_REFS, copy, size);
	if (base_subject(copy, size, &start, &reply) + start > size)
		abort();
	stralloc_free(&key);
	free(copy);
	return 0;
}
