/* mime show and text: a message to be read on a terminal. */
#include "mime/body.h"
#include "mime/charset.h"
#include "mime/command.h"
#include "mime/terminal.h"
#include "mime/uufiles.h"

static bool
put_header(struct message const *m, stralloc *out)
{
	static char const *const names[] = {"From", "Sender", "Reply-To", "To",
		"Cc", "Bcc", "Date", "Subject"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct header_field field;

		if (!message_field(m, &m->parts[0], names[i], &field))
			continue;
		if (!stralloc_cats(out, names[i]) ||
			!stralloc_cats(out, ": ") ||
			!mime_headers_value(&field, out) ||
			!stralloc_cats(out, "\n"))
			return false;
	}
	return true;
}

/* Text on its way to the terminal. */
struct show {
	struct terminal terminal;
	stralloc *out;
	char last; /* octet that went out */
};

static bool
push_text(void *arg, char const *s, size_t len)
{
	struct show *const show = arg;

	if (!terminal_push(&show->terminal, s, len, show->out))
		return false;
	if (show->out->len > 0)
		show->last = show->out->s[show->out->len - 1];
	return command_flush(show->out, false);
}

static bool
end_text(struct show const *show)
{
	return show->last == '\n' || stralloc_cats(show->out, "\n");
}

static bool
put_body(struct message const *m, struct structure_part const *part,
	stralloc *out)
{
	struct show show = {.out = out};

	return uufiles_text(m, part, push_text, &show) && end_text(&show);
}

/* All HTML that is shown, as one document through the program for it. */
static bool
put_html(struct message const *m, struct request *r, stralloc *out)
{
	stralloc html = STRALLOC_ZERO, answer = STRALLOC_ZERO,
		 utf8 = STRALLOC_ZERO;
	struct show show = {.out = out};
	static char const nothing[] = "[the program for HTML gave no text]";
	bool ok = true;

	for (size_t i = 0; ok && i < m->count; i++)
		if (body_is_shown(m, &m->parts[i], "text/html"))
			ok = body_text(m, &m->parts[i], body_append, &html);
	ok = ok && html_run(&r->html, html.s, html.len, MESSAGE_MAX, &answer) &&
	     (answer.len > 0 || stralloc_cats(&answer, nothing)) &&
	     charset_to_utf8("utf-8", 5, answer.s, answer.len, &utf8) &&
	     push_text(&show, utf8.s, utf8.len) && end_text(&show);
	stralloc_free(&html);
	stralloc_free(&answer);
	stralloc_free(&utf8);
	return ok;
}

static bool
put_note(struct message const *m, size_t i, stralloc *out)
{
	if (!stralloc_cats(out, "[HTML that no program was named for: ") ||
		!mime_parts_line(m, i, out))
		return false;
	out->len--; /* its newline */
	return stralloc_cats(out, "]\n");
}

/* The texts of a message; raw: HTML as it is written, where no program was
 * named for it. */
static bool
put_texts(struct message const *m, struct request *r, bool raw, stralloc *out)
{
	char const *const type = body_type_shown(m);
	bool done = false;

	for (size_t i = 0; i < m->count; i++) {
		struct structure_part const *part = &m->parts[i];
		bool const html = structure_is(m->text.s, part, "text/html");

		if (!body_is_shown(m, part, type) || (html && done))
			continue;
		if (html && r->html.in_fd >= 0) {
			done = true;
			if (!put_html(m, r, out))
				return false;
		} else if (!(html && !raw ? put_note(m, i, out)
					  : put_body(m, part, out)))
			return false;
	}
	return true;
}

/* The files in the text of part i. */
static bool
put_files(struct message const *m, size_t i, struct uutext *u, stralloc *out)
{
	if (!uufiles_find(m, &m->parts[i], u))
		return false;
	for (size_t k = 0; k < uutext_count(u); k++) {
		if (!stralloc_cats(out, "[") ||
			!mime_parts_file(m, i, u, k, out))
			return false;
		out->len--; /* its newline */
		if (!stralloc_cats(out, "]\n"))
			return false;
	}
	return true;
}

static bool
put_part(struct message const *m, size_t i, stralloc *out)
{
	if (!stralloc_cats(out, "[") || !mime_parts_line(m, i, out))
		return false;
	out->len--; /* its newline */
	return stralloc_cats(out, "]\n");
}

/* Nothing of a message that is one text. */
static bool
put_parts(struct message const *m, stralloc *out)
{
	struct uutext u = {0};
	size_t const start = out->len;
	bool ok = true, any = m->count > 1;

	for (size_t i = 0; ok && i < m->count; i++) {
		ok = (m->count == 1 || put_part(m, i, out)) &&
		     put_files(m, i, &u, out);
		any = any || out->len > start;
		ok = ok && command_flush(out, false);
	}
	uutext_free(&u);
	return ok && (!any || stralloc_cats(out, "\n"));
}

static bool
put_report(struct request const *r, stralloc *out)
{
	struct terminal terminal = {0};

	return r->report.len == 0 ||
	       terminal_push(&terminal, r->report.s, r->report.len, out);
}

bool
mime_show(struct message const *m, struct request *r, stralloc *out)
{
	/* The report is first: nothing of the message can stand above it. */
	return put_report(r, out) && put_header(m, out) &&
	       stralloc_cats(out, "\n") && put_parts(m, out) &&
	       put_texts(m, r, true, out);
}

bool
mime_text(struct message const *m, struct request *r, stralloc *out)
{
	return put_texts(m, r, false, out);
}
