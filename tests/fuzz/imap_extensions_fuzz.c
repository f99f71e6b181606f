/* What IMAP's extensions read: URLs, names in UTF-8, LIST, quotas, messages to
 * be made of lines, previews. The first octet says which. */
#include <stdlib.h>
#include <string.h>

#include "common/annotations.h"
#include "imapd/imapurl.h"
#include "imapd/list_args.h"
#include "imapd/notify_args.h"
#include "imapd/preview.h"
#include "common/quota.h"
#include "imapd/recode.h"
#include "imapd/status.h"
#include "common/use.h"
#include "common/utf7.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

/* What UTF-8 becomes is well-formed, and becomes the same again. */
static void
names(char const *s, size_t len)
{
	size_t encoded_len, decoded_len;
	char *encoded, *decoded;

	if (len > 10000)
		return;
	encoded = malloc(UTF7_ROOM(len));
	decoded = malloc(UTF7_ROOM(UTF7_ROOM(len)));
	if (encoded != NULL && decoded != NULL &&
		utf7_encode(s, len, encoded, &encoded_len)) {
		decoded_len = utf7_decode(encoded, encoded_len, decoded);
		if (encoded_len > UTF7_ROOM(len) || decoded_len != len ||
			memcmp(decoded, s, len) != 0)
			abort();
	}
	if (decoded != NULL && boxname_utf7(s, len)) {
		decoded_len = utf7_decode(s, len, decoded);
		if (!utf8_valid(decoded, decoded_len))
			abort();
	}
	free(encoded);
	free(decoded);
}

static void
list(char const *s, size_t len)
{
	static struct list_args args;
	static struct notify_args notify;
	char *const text = malloc(len + 1);
	struct lex l;

	for (int i = 0; text != NULL && i < 3; i++) {
		lex_init(&l, s, len, text);
		if (list_args_lex(&l, i == 1, i == 2, status_lex, &args) &&
			args.count < 8)
			(void)list_args_match(&args, "INBOX.a.b");
	}
	lex_init(&l, s, len, text);
	(void)(text != NULL && notify_args_lex(&l, false, &notify) &&
		notify_args_events(&notify, "a.b", true));
	free(text);
}

static void
message(char const *s, size_t len)
{
	struct structure_part *const parts = calloc(100, sizeof *parts);
	stralloc out = STRALLOC_ZERO;

	if (parts == NULL || len > 100000)
		goto done;
	if (!preview_make(
		    &out, s, parts, structure_parse(s, len, parts, 100)) ||
		!utf8_valid(out.len > 0 ? out.s : "", out.len) ||
		out.len > 4 * (size_t)PREVIEW_CHARACTERS)
		abort();
	out.len = 0;
	(void)!recode_binary(&out, s, len);
done:
	stralloc_free(&out);
	free(parts);
}

static void
others(char const *s, size_t len)
{
	static struct imapurl url;
	char name[ANNOTATIONS_NAME_MAX + 1];
	struct quota q;

	if (imapurl_parse(s, len, &url) && url.uid == 0)
		abort();
	if (quota_parse(s, len, &q) && q.octets < 0)
		abort();
	if (annotations_name(s, len, name) && strlen(name) != len)
		abort();
	(void)use_valid(s, len);
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	copy = malloc(size > 1 ? size - 1 : 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, data + 1, size - 1);
	switch (data[0] & 3) {
	case 0:
		names(copy, size - 1);
		break;
	case 1:
		list(copy, size - 1);
		break;
	case 2:
		message(copy, size - 1);
		break;
	default:
		others(copy, size - 1);
	}
	free(copy);
	return 0;
}
