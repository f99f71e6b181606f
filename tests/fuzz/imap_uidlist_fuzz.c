/* Lines of dovecot-uidlist and dovecot-keywords, and names of message files. */
#include <stdlib.h>
#include <string.h>

#include "common/filename.h"
#include "imapd/keywords.h"
#include "common/uidlist.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static void
name(char const *s, size_t len)
{
	char out[FILENAME_MAX_LEN + 1];
	struct filename a, b;
	uint64_t number;
	size_t n;

	filename_parse(s, len, &a);
	(void)!filename_size(s, a.base_len, 'W', &number);
	n = filename_make(s, len, a.system, a.keywords, out);
	if (n == 0)
		return;
	filename_parse(out, n, &b);
	/* What is written is read back. */
	if (b.base_len != a.base_len || b.system != a.system ||
		b.keywords != a.keywords)
		abort();
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	struct uidlist_header header;
	struct uidlist_line line;
	struct keywords keywords;
	char *const copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	(void)!uidlist_parse_header(copy, size, &header);
	(void)!uidlist_parse_line(copy, size, 1, &line);
	(void)!uidlist_parse_line(copy, size, 3, &line);
	keywords_parse(&keywords, copy, size);
	name(copy, size);
	free(copy);
	return 0;
}
