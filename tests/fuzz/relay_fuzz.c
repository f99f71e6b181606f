/* What the imapd of a shared mailbox says, and access control lists. */
#include <stdlib.h>
#include <string.h>

#include "imapd/acl.h"
#include "imapd/relay_line.h"
#include "imapd/share.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

/* What is put in comes out again. */
static void
list(char const *s, size_t len)
{
	stralloc text = STRALLOC_ZERO, out = STRALLOC_ZERO;
	struct acl_entry e;
	size_t pos = 0, count = 0;

	while (acl_next(s, len, &pos, &e))
		count++;
	if (stralloc_copyb(&text, s, len) && count < ACL_ENTRIES_MAX &&
		acl_edit(&text, ACL_SET, "bob@example.org", RIGHT_POST, &out) &&
		!(acl_rights(out.s, out.len, "bob@example.org") & RIGHT_POST) &&
		acl_rights(s, len, "bob@example.org") & RIGHT_POST)
		abort();
	stralloc_free(&text);
	stralloc_free(&out);
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	char *const s = malloc(size + 1), *const text = malloc(size + 1);
	char id[ACL_IDENTIFIER_MAX + 1];
	struct relay_message message;
	stralloc out = STRALLOC_ZERO;
	struct relay_line line;
	struct share share;
	size_t pos = 0;
	bool literal;
	uint64_t n;

	if (s != NULL && text != NULL && size < 100000) {
		memcpy(s, data, size);
		relay_line_parse(s, size, text, &line);
		(void)!relay_line_message(s, size, &message);
		if (relay_line_sound(s, size, &literal, &n) && literal &&
			n > UINT32_MAX)
			abort();
		(void)!relay_line_command(&out, s, size);
		list(s, size);
		if (size <= ACL_IDENTIFIER_MAX && acl_identifier(s, size, id) &&
			strlen(id) > ACL_IDENTIFIER_MAX)
			abort();
		s[size] = '\0';
		while (share_next(s, &pos, "bob@example.org", &share))
			(void)share_holds(&share, "Shared.a");
	}
	stralloc_free(&out);
	free(s);
	free(text);
	return 0;
}
