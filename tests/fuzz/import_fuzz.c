/* kereru import: an mbox file, and what a server says. The first octet says
 * which. */
#include <stdlib.h>
#include <string.h>

#include "common/admin/imap_reply.h"
#include "common/admin/mbox.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static void
mbox(char const *s, size_t len)
{
	struct import_message m = {.text = STRALLOC_ZERO};
	size_t pos = 0, before = 0;

	while (mbox_next(s, len, &pos, &m) > 0) {
		/* It goes on, and ends. */
		if (pos <= before || pos > len)
			abort();
		before = pos;
	}
	stralloc_free(&m.text);
}

static void
reply(char const *s, size_t len)
{
	char *const text = malloc(len + 1);
	char name[BOXNAME_MAX + 1];
	struct lex_text prefix;
	struct imap_fetch f;
	struct imap_list l;
	uint32_t n;

	if (text == NULL)
		return;
	if (imap_reply_fetch(s, len, text, &f) && f.body.s != NULL &&
		f.body.len > len)
		abort();
	if (imap_reply_list(s, len, text, &l))
		(void)!import_name(l.name.s, l.name.len, l.separator, name);
	(void)!imap_reply_namespace(s, len, text, &prefix);
	(void)!imap_reply_code(s, len, "UIDVALIDITY", &n);
	(void)!imap_reply_exists(s, len, &n);
	free(text);
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	char *const s = malloc(size > 0 ? size : 1);

	if (s != NULL && size > 0 && size < 100000) {
		memcpy(s, data + 1, size - 1);
		if (data[0] & 1)
			mbox(s, size - 1);
		else
			reply(s, size - 1);
	}
	free(s);
	return 0;
}
