/* What a list writes to people itself; see listtext.h. */
#include "local/list/listtext.h"
#include <string.h>
#include "common/datetime.h"
#include "common/id.h"
#include "local/list/listhead.h"
#include "local/list/listrole.h"
#include "mime/encode.h"

static bool
put(stralloc *out, char const *s)
{
	return stralloc_cats(out, s);
}

/* On one line, encoded where need be. */
static bool
put_subject(stralloc *out, char const *s)
{
	size_t column = 9;

	return put(out, "Subject: ") &&
	       encode_words(out, s, strlen(s), &column) && put(out, "\n");
}

/* The fields of the list, but for the ends of the lines. */
static bool
put_list(stralloc *out, struct listset const *set)
{
	stralloc crlf = STRALLOC_ZERO;
	bool ok = listhead_fields(&crlf, set, false);

	for (size_t i = 0; ok && i < crlf.len; i++)
		ok = crlf.s[i] == '\r' || stralloc_append(out, crlf.s[i]);
	stralloc_free(&crlf);
	return ok;
}

bool
listtext_fields(stralloc *out, struct listtext const *t)
{
	char date[DATETIME_MAX], id[ID_LEN + 1];
	size_t column = 6;

	datetime_format(date, t->now);
	id_make(id);
	return put(out, "From: ") &&
	       encode_phrase(out, t->set->name.s, t->set->name.len, &column) &&
	       put(out, " <") &&
	       listrole_address(out, t->set,
		       t->is_from_owner ? LISTROLE_OWNER : LISTROLE_REQUEST,
		       "") &&
	       put(out, ">\nTo: <") && stralloc_catb(out, t->to, t->to_len) &&
	       put(out, ">\n") &&
	       (t->answers == NULL ||
		       (put(out, "Reply-To: <") &&
			       listrole_address(out, t->set, LISTROLE_CONFIRM,
				       t->answers) &&
			       put(out, ">\n"))) &&
	       put_subject(out, t->subject) && put(out, "Date: ") &&
	       put(out, date) && put(out, "\nMessage-ID: <") && put(out, id) &&
	       put(out, "@") && put(out, t->hostname) && put(out, ">\n") &&
	       (t->thread == NULL || t->thread[0] == '\0' ||
		       (put(out, "In-Reply-To: ") && put(out, t->thread) &&
			       put(out, "\nReferences: ") &&
			       put(out, t->thread) && put(out, "\n"))) &&
	       put(out, "Auto-Submitted: auto-replied\n"
			"X-Auto-Response-Suppress: All\n") &&
	       put_list(out, t->set) && put(out, "MIME-Version: 1.0\n");
}

bool
listtext_body(stralloc *out, char const *s, size_t len)
{
	enum encode_text const e = encode_choose(s, len);

	return put(out, "Content-Type: text/plain; charset=utf-8\n"
			"Content-Transfer-Encoding: ") &&
	       put(out, encode_name(e)) && put(out, "\n\n") &&
	       encode_text(out, e, s, len);
}

bool
listtext_make(
	stralloc *out, struct listtext const *t, char const *s, size_t len)
{
	return listtext_fields(out, t) && listtext_body(out, s, len);
}
