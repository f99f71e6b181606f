/* What a mailing list reads: settings, members, commands, open questions, what
 * came back; and the header and the footer that it makes of a posting. */
#include <stdlib.h>
#include <string.h>
#include "local/list/listask.h"
#include "local/list/listbody.h"
#include "local/list/listbounce.h"
#include "local/list/listcmd.h"
#include "local/list/listhead.h"
#include "local/list/listrole.h"
#include "local/list/members.h"
#include "local/list/oneclick.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static void
read_members(char const *s, size_t size)
{
	struct members m = MEMBERS_ZERO, again = MEMBERS_ZERO;
	stralloc out = STRALLOC_ZERO;
	size_t const n = size < 40 ? size : 40;
	bool const fits = members_may_be(s, n);

	if (!members_read(&m, s, size) ||
		!members_put(&out, &m, size, "a@b.test", 8, MEMBER_DIGEST) ||
		!members_read(&again, out.s, out.len))
		abort();
	if (members_find(&again, "A@b.test", 8) == NULL ||
		again.count < m.count || again.count > m.count + 1)
		abort();
	out.len = 0;
	if (fits && !members_remove(&out, &m, size, s, n))
		abort();
	members_free(&m);
	members_free(&again);
	stralloc_free(&out);
}

static void
read_state(char const *s, size_t size)
{
	unsigned char const key[LISTTOKEN_KEY] = {1};
	char word[LISTTOKEN_LEN + 1];
	stralloc out = STRALLOC_ZERO;
	struct listask ask, found;
	struct listbounce b;

	if (listask_parse(s, size, &ask) &&
		(!listask_format(&out, &ask) ||
			!listask_word(word, key, &ask) ||
			(ask.expires > 0 && !listask_find(out.s, out.len, key,
						    ask.expires - 1, word,
						    LISTTOKEN_LEN, &found))))
		abort();
	out.len = 0;
	if (!listask_update(&out, s, size, 5, NULL, NULL))
		abort();
	(void)listbounce_find(s, size, "a@b.test", 8, &b);
	(void)listbounce_count(&b, 20000, 3);
	out.len = 0;
	if (!listbounce_update(&out, s, size, 20000, &b))
		abort();
	stralloc_free(&out);
}

static void
make_posting(struct listset const *set, char const *s, size_t size)
{
	struct listhead const h = {.set = set,
		.rewrites_from = size & 1,
		.leaves_unsubscribe = size & 2,
		.boundary = size & 4 ? "x" : NULL};
	enum listbody_way const way = listbody_way(s, size, size & 8);
	stralloc out = STRALLOC_ZERO;
	struct header_field f;

	(void)listhead_automatic(s, size);
	(void)listhead_loop(set, s, size);
	(void)listhead_auth("x.test", s, size);
	(void)listhead_author(&out, s, size);
	out.len = 0;
	if (!listhead_make(&out, &h, s, size) ||
		!header_find(out.s, out.len, "list-id", &f))
		abort();
	/* What was made is known again: no loop. */
	if (listhead_loop(set, out.s, out.len) == NULL)
		abort();
	if (!listbody_before(&out, way, "x", s, size) ||
		!listbody_behind(&out, way, "x", s, size))
		abort();
	stralloc_free(&out);
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	static char const text[] =
		"address Dev@x.test\nowner o@x.test\nsubject-tag [x]\n";
	char const *const s = (char const *)data;
	struct listcmd list[LISTCMD_MAX];
	struct listset_fault fault;
	struct listset_text detail;
	struct oneclick o;
	struct listset set;
	char *path;

	if (size == 0 || size > 8192)
		return 0;
	(void)listset_parse(s, size, &set, &fault);
	if (!listset_parse(text, sizeof text - 1, &set, &fault))
		abort();
	(void)listrole_find(&set, s, size, &detail);
	(void)listcmd_read(s, size / 2, s + size / 2, size - size / 2, list);
	(void)oneclick_body(s, size);
	path = strndup(s, size);
	if (path == NULL)
		abort();
	(void)oneclick_path(path, &o);
	free(path);
	read_members(s, size);
	read_state(s, size);
	make_posting(&set, s, size);
	return 0;
}
