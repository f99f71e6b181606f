/* The text of FETCH responses; see body.h. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "imapd/body.h"
#include "imapd/crlf.h"
#include "mime/imap.h"
#include "mime/section.h"

/* Where the octets are. */
struct source {
	bool missing;	 /* there is no such part: NIL */
	char const *s;	 /* in memory, or NULL: in the file, from here to */
	uint64_t offset; /* its end */
	uint64_t len;
	uint64_t size; /* in CRLF form */
};

static char block[CONTENT_BLOCK];

static ssize_t
read_block(int fd, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(fd, block, sizeof block, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n;
}

static bool
count_file(struct content *c, struct source *from)
{
	struct crlf crlf = {0};
	ssize_t n;

	from->len = from->size = 0;
	while ((n = read_block(c->fd, from->offset + from->len)) > 0) {
		from->size += crlf_size(&crlf, block, (size_t)n);
		from->len += (uint64_t)n;
	}
	return n == 0;
}

static void
in_memory(struct source *from, char const *s, size_t len)
{
	struct crlf crlf = {0};

	from->s = s;
	from->len = len;
	from->size = crlf_size(&crlf, s, len);
}

/* All behind `offset`. What fits into the buffer is read once. */
static bool
rest_of_file(struct content *c, size_t offset, struct source *from)
{
	from->offset = offset;
	if (c->st.st_size > CONTENT_BLOCK && !c->whole)
		return count_file(c, from);
	if (!content_whole(c))
		return false;
	in_memory(from, c->s + offset, c->len - offset);
	return true;
}

static bool
find_source(
	struct content *c, struct section const *section, struct source *from)
{
	struct section_span span;

	*from = (struct source){0};
	if (section->path_len == 0 && section->kind == SECTION_ALL)
		return rest_of_file(c, 0, from);
	if (section->path_len == 0) {
		if (!content_header(c))
			return false;
		if (section->kind == SECTION_TEXT)
			return rest_of_file(c, c->header_len, from);
		in_memory(from, c->s, c->header_len);
		return true;
	}
	if (!content_parts(c))
		return false;
	from->missing = !section_find(section, c->parts, c->parts_count, &span);
	if (!from->missing)
		in_memory(from, c->s + span.offset, span.len);
	return true;
}

static bool
send_source(struct session *s, struct content *c, struct source const *from,
	uint64_t skip, uint64_t left)
{
	struct crlf crlf = {.skip = skip, .left = left};
	uint64_t at = 0;

	if (from->s != NULL)
		return crlf_send(&crlf, s->stream, from->s, (size_t)from->len);
	while (crlf.left > 0) {
		ssize_t const n = read_block(c->fd, from->offset + at);

		if (n <= 0) {
			/* Shorter than a moment ago: what was announced
			 * cannot be sent. */
			s->stream->error = EIO;
			return false;
		}
		if (!crlf_send(&crlf, s->stream, block, (size_t)n))
			return false;
		at += (uint64_t)n;
	}
	return true;
}

static bool
add_names(stralloc *out, struct fetch_args const *args,
	struct fetch_item const *item)
{
	for (size_t i = 0; i < item->names_count; i++) {
		struct section_name const *const name =
			&args->names[item->names_start + i];
		bool plain = name->len > 0;

		for (size_t k = 0; k < name->len; k++)
			plain = plain && name->s[k] > ' ' && name->s[k] < 127 &&
				name->s[k] != '"' && name->s[k] != '\\' &&
				name->s[k] != '(' && name->s[k] != ')' &&
				name->s[k] != '{' && name->s[k] != '%' &&
				name->s[k] != '*';
		if (!stralloc_cats(out, i == 0 ? " (" : " ") ||
			!(plain ? stralloc_catb(out, name->s, name->len)
				: imap_string(out, name->s, name->len)))
			return false;
	}
	return item->names_count == 0 || stralloc_cats(out, ")");
}

/* "BODY[1.2.HEADER.FIELDS (TO)]<0>" */
static bool
add_label(stralloc *out, struct fetch_args const *args,
	struct fetch_item const *item)
{
	static char const *const kinds[] = {[SECTION_ALL] = "",
		[SECTION_HEADER] = "HEADER",
		[SECTION_FIELDS] = "HEADER.FIELDS",
		[SECTION_FIELDS_NOT] = "HEADER.FIELDS.NOT",
		[SECTION_TEXT] = "TEXT",
		[SECTION_MIME] = "MIME"};
	struct section const *const section = &item->section;
	char number[32];

	if (item->kind != FETCH_SECTION)
		return stralloc_cats(out, item->kind == FETCH_RFC822 ? "RFC822"
					  : item->kind == FETCH_RFC822_HEADER
						  ? "RFC822.HEADER"
						  : "RFC822.TEXT");
	if (!stralloc_cats(out, "BODY["))
		return false;
	for (unsigned i = 0; i < section->path_len; i++) {
		(void)snprintf(number, sizeof number, "%s%lu", i > 0 ? "." : "",
			(unsigned long)section->path[i]);
		if (!stralloc_cats(out, number))
			return false;
	}
	if (section->path_len > 0 && section->kind != SECTION_ALL &&
		!stralloc_cats(out, "."))
		return false;
	if (!stralloc_cats(out, kinds[section->kind]) ||
		!add_names(out, args, item) || !stralloc_cats(out, "]"))
		return false;
	if (!item->partial)
		return true;
	(void)snprintf(
		number, sizeof number, "<%lu>", (unsigned long)item->origin);
	return stralloc_cats(out, number);
}

static bool
is_fields(struct section const *section)
{
	return section->kind == SECTION_FIELDS ||
	       section->kind == SECTION_FIELDS_NOT;
}

/* The chosen fields are put together in text, in CRLF form. */
static bool
choose_fields(struct fetch_args const *args, struct fetch_item const *item,
	struct source *from, stralloc *text)
{
	if (from->missing)
		return true;
	if (!section_fields(text, from->s, (size_t)from->len,
		    args->names + item->names_start, item->names_count,
		    item->section.kind == SECTION_FIELDS_NOT))
		return false;
	in_memory(from, text->s, text->len);
	return true;
}

/* The part of `size` octets that an item asks for. */
static void
clip(struct fetch_item const *item, uint64_t size, uint64_t *skip_r,
	uint64_t *left_r)
{
	*skip_r = 0;
	*left_r = size;
	if (!item->partial)
		return;
	*skip_r = item->origin < size ? item->origin : size;
	*left_r -= *skip_r;
	if (*left_r > item->length)
		*left_r = item->length;
}

static bool
send_item(struct session *s, struct content *c, struct fetch_args const *args,
	struct fetch_item const *item, struct source const *from)
{
	uint64_t skip, left;
	char number[32];

	if (!add_label(&s->out, args, item))
		return false;
	if (from->missing) {
		if (!stralloc_cats(&s->out, " NIL"))
			return false;
		session_send(s);
		return true;
	}
	clip(item, from->size, &skip, &left);
	(void)snprintf(
		number, sizeof number, " {%llu}\r\n", (unsigned long long)left);
	if (!stralloc_cats(&s->out, number))
		return false;
	session_send(s);
	return left == 0 || send_source(s, c, from, skip, left);
}

bool
body_send_fields(struct session *s, char const *header, size_t len,
	struct fetch_args const *args, struct fetch_item const *item)
{
	stralloc text = STRALLOC_ZERO;
	struct source from = {0};
	bool ok;

	in_memory(&from, header, len);
	ok = choose_fields(args, item, &from, &text) &&
	     send_item(s, NULL, args, item, &from);
	stralloc_free(&text);
	return ok;
}

bool
body_send(struct session *s, struct content *c, struct fetch_args const *args,
	struct fetch_item const *item)
{
	stralloc text = STRALLOC_ZERO;
	struct source from;
	bool const ok = find_source(c, &item->section, &from) &&
			(!is_fields(&item->section) ||
				choose_fields(args, item, &from, &text)) &&
			send_item(s, c, args, item, &from);

	stralloc_free(&text);
	return ok;
}

/* What an item asks for; chosen fields are put together in text. */
static bool
find_item(struct content *c, struct fetch_args const *args, stralloc *text,
	struct source *from)
{
	struct fetch_item const *const item = &args->items[0];

	return find_source(c, &item->section, from) &&
	       (!is_fields(&item->section) ||
		       choose_fields(args, item, from, text)) &&
	       !from->missing;
}

bool
body_find(struct content *c, struct fetch_args const *args, uint64_t *size_r)
{
	stralloc text = STRALLOC_ZERO;
	struct source from;
	uint64_t skip;
	bool const ok = find_item(c, args, &text, &from);

	if (ok)
		clip(&args->items[0], from.size, &skip, size_r);
	stralloc_free(&text);
	return ok;
}

static bool
copy_clipped(struct content *c, struct fetch_item const *item,
	struct source const *from,
	bool (*put)(void *data, char const *s, size_t len), void *data)
{
	stralloc text = STRALLOC_ZERO;
	uint64_t skip, left;
	bool ok;

	/* Octets are counted as they are sent, so it is made so. */
	clip(item, from->size, &skip, &left);
	ok = (from->s != NULL || content_whole(c)) &&
	     section_crlf(&text,
		     from->s != NULL ? from->s : c->s + from->offset,
		     (size_t)from->len, false) &&
	     skip + left <= text.len && put(data, text.s + skip, (size_t)left);
	stralloc_free(&text);
	return ok;
}

static bool
copy_all(struct content *c, struct source const *from,
	bool (*put)(void *data, char const *s, size_t len), void *data)
{
	uint64_t at = 0;
	ssize_t n;

	if (from->s != NULL)
		return put(data, from->s, (size_t)from->len);
	while ((n = read_block(c->fd, from->offset + at)) > 0) {
		if (!put(data, block, (size_t)n))
			return false;
		at += (uint64_t)n;
	}
	return n == 0;
}

bool
body_copy(struct content *c, struct fetch_args const *args,
	bool (*put)(void *data, char const *s, size_t len), void *data)
{
	struct fetch_item const *const item = &args->items[0];
	stralloc text = STRALLOC_ZERO;
	struct source from;
	bool const ok = find_item(c, args, &text, &from) &&
			(item->partial ? copy_clipped(c, item, &from, put, data)
				       : copy_all(c, &from, put, data));

	stralloc_free(&text);
	return ok;
}

bool
body_size(struct content *c, uint64_t *size_r)
{
	struct source from = {0};

	if (!rest_of_file(c, 0, &from))
		return false;
	*size_r = from.size;
	return true;
}
