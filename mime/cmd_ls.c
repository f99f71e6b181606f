/*
 * mime ls: a line for each message of a maildir, or for the files named.
 *
 * Reads anything its caller may read, and changes nothing. Of a maildir whose
 * messages imapd knows none need be opened (heads.h).
 */
#include <string.h>

#include <skalibs/strerr.h>

#include <sodium.h>

#include "mime/address.h"
#include "mime/charset.h"
#include "mime/command.h"
#include "mime/date.h"
#include "mime/heads.h"
#include "mime/place.h"
#include "mime/rfc2047.h"
#include "mime/terminal.h"
#include "mime/threads.h"

/* Columns of the flags and of the sender. */
#define FLAGS_WIDTH 6
#define FROM_WIDTH 20

/* Blanks that a thread's depth can add. */
#define INDENT_MAX 40

struct listing {
	struct heads heads;
	bool with_names;
	bool failed;
	stralloc text, scratch;
	stralloc out;
};

/* Appends s[0..len), harmless, on exactly or at most `width` columns. */
static bool
put_column(stralloc *out, char const *s, size_t len, size_t width, bool fill)
{
	size_t const start = out->len;
	size_t at = start, columns = 0;

	if (!terminal_line(out, s, len))
		return false;
	for (; at < out->len; at++) {
		bool const starts = ((unsigned char)out->s[at] & 0xc0) != 0x80;

		if (starts && columns == width)
			break;
		columns += starts;
	}
	out->len = at;
	for (; fill && columns < width; columns++)
		if (!stralloc_catb(out, " ", 1))
			return false;
	return true;
}

static void
put_digits(char *out, size_t width, int64_t n)
{
	while (width-- > 0) {
		out[width] = (char)('0' + n % 10);
		n /= 10;
	}
}

/* "2026-11-24 09:30", UTC. */
static bool
put_date(stralloc *out, bool known, int64_t seconds)
{
	char text[] = "0000-00-00 00:00";
	int64_t day = seconds / 86400, rest = seconds % 86400;
	int year = 1970, month = 1;

	if (!known || seconds < 0 || seconds >= INT64_C(253402300800))
		return stralloc_cats(out, "-               ");
	year += (int)(day / 366);
	while (date_day_of(year + 1, 1, 1) <= day)
		year++;
	while (month < 12 && date_day_of(year, month + 1, 1) <= day)
		month++;
	day -= date_day_of(year, month, 1);
	put_digits(text, 4, year);
	put_digits(text + 5, 2, month);
	put_digits(text + 8, 2, day + 1);
	put_digits(text + 11, 2, rest / 3600);
	put_digits(text + 14, 2, rest / 60 % 60);
	return stralloc_catb(out, text, sizeof text - 1);
}

/* What the first address of From is called, else the address. */
static bool
put_from(struct listing *l)
{
	struct address_cursor c;
	struct address a;
	struct header_field f;

	l->text.len = 0;
	if (!header_find(l->heads.s, l->heads.len, "from", &f))
		return put_column(&l->out, "", 0, FROM_WIDTH, true);
	if (!stralloc_ready(&l->scratch, ADDRESS_BUF(f.value_len)))
		return false;
	address_init(&c, f.value, f.value_len, l->scratch.s);
	while (address_next(&c, &a) > 0 && l->text.len == 0) {
		if (a.name.len > 0) {
			if (!rfc2047_decode(&l->text, a.name.s, a.name.len))
				return false;
		} else if (a.kind == ADDRESS_MAILBOX && a.local.len > 0) {
			if (!charset_to_utf8(
				    "", 0, a.local.s, a.local.len, &l->text) ||
				(a.host.len > 0 &&
					(!stralloc_cats(&l->text, "@") ||
						!charset_to_utf8("", 0,
							a.host.s, a.host.len,
							&l->text))))
				return false;
		}
	}
	return put_column(&l->out, l->text.s, l->text.len, FROM_WIDTH, true);
}

static bool
put_subject(struct listing *l)
{
	struct header_field f;

	l->text.len = 0;
	if (header_find(l->heads.s, l->heads.len, "subject", &f) &&
		!mime_headers_decode(&f, &l->text))
		return false;
	return terminal_line(&l->out, l->text.s, l->text.len);
}

static bool
put_flags(struct listing *l, char const *path)
{
	char const *const slash = strrchr(path, '/');
	char const *const name = slash ? slash + 1 : path;
	bool const is_new = slash && slash - path >= 3 &&
			    memcmp(slash - 3, "new", 3) == 0 &&
			    (slash - path == 3 || slash[-4] == '/');
	char flags[PLACE_NAME_MAX + 2] = "N";

	if (strlen(name) > PLACE_NAME_MAX)
		flags[0] = '\0';
	else
		place_flags(name, flags + is_new);
	return put_column(&l->out, flags, strlen(flags), FLAGS_WIDTH, true);
}

static int64_t
date_of(struct listing const *l, bool *known_r)
{
	struct header_field f;
	struct date date = {0};

	*known_r = header_find(l->heads.s, l->heads.len, "date", &f) &&
		   date_parse(f.value, f.value_len, &date);
	return date.seconds;
}

/* All of a line before the subject; where the subject starts in the output
 * is where a thread is indented. */
static bool
put_front(struct listing *l, char const *path, int64_t *date_r)
{
	bool known;

	*date_r = date_of(l, &known);
	if (l->with_names && (!terminal_line(&l->out, path, strlen(path)) ||
				     !stralloc_cats(&l->out, "\t")))
		return false;
	return put_flags(l, path) && stralloc_cats(&l->out, " ") &&
	       put_date(&l->out, known, *date_r) &&
	       stralloc_cats(&l->out, "  ") && put_from(l) &&
	       stralloc_cats(&l->out, "  ");
}

/* False: the file cannot be read, which is told and remembered. */
static bool
read_message(
	struct listing *l, struct names const *n, size_t i, char const **path_r)
{
	if (heads_read(&l->heads, n, i, path_r))
		return true;
	strerr_warnwu2sys("read ", names_get(n, i));
	l->failed = true;
	return false;
}

static bool
list(struct listing *l, struct names const *n)
{
	for (size_t i = 0; i < names_count(n); i++) {
		char const *path;
		int64_t date;

		if (read_message(l, n, i, &path) &&
			(!put_front(l, path, &date) || !put_subject(l) ||
				!stralloc_cats(&l->out, "\n") ||
				!command_flush(&l->out, false)))
			return false;
	}
	return true;
}

static void
find_id(struct listing const *l, char const **id_r, size_t *len_r)
{
	struct header_field f;
	char const *start, *end;

	*len_r = 0;
	*id_r = "";
	if (!header_find(l->heads.s, l->heads.len, "message-id", &f) ||
		!(start = memchr(f.value, '<', f.value_len)))
		return;
	end = memchr(start, '>', f.value_len - (size_t)(start - f.value));
	if (end) {
		*id_r = start;
		*len_r = (size_t)(end - start) + 1;
	}
}

static bool
add_to_threads(
	struct listing const *l, struct threads *t, uint32_t i, int64_t date)
{
	struct header_field f = {.value = ""};
	char const *id;
	size_t len;

	find_id(l, &id, &len);
	if (!header_find(l->heads.s, l->heads.len, "references", &f) ||
		!memchr(f.value, '<', f.value_len))
		if (!header_find(l->heads.s, l->heads.len, "in-reply-to", &f))
			f.value_len = 0;
	return threads_add(t, i, date, id, len, f.value, f.value_len);
}

/* Where a line and its subject start, in the text of all lines. */
struct line {
	size_t start, subject, end;
};

static bool
make_lines(struct listing *l, struct names const *n, struct threads *t,
	genalloc *lines)
{
	for (size_t i = 0; i < names_count(n); i++) {
		struct line line = {.start = l->out.len};
		uint32_t const number =
			(uint32_t)genalloc_len(struct line, lines);
		char const *path;
		int64_t date;

		if (!read_message(l, n, i, &path))
			continue;
		if (!put_front(l, path, &date))
			return false;
		line.subject = l->out.len;
		if (!put_subject(l) || !stralloc_cats(&l->out, "\n"))
			return false;
		line.end = l->out.len;
		if (!genalloc_append(struct line, lines, &line) ||
			!add_to_threads(l, t, number, date))
			return false;
	}
	return true;
}

static bool
list_threads(struct listing *l, struct names const *n)
{
	struct threads t = THREADS_ZERO;
	genalloc lines = GENALLOC_ZERO, order = GENALLOC_ZERO;
	stralloc out = STRALLOC_ZERO;

	randombytes_buf(&t.seed, sizeof t.seed);
	if (!make_lines(l, n, &t, &lines) || !threads_sort(&t, &order))
		return false;
	for (size_t i = 0; i < genalloc_len(struct threads_line, &order); i++) {
		struct threads_line const *const at =
			&genalloc_s(struct threads_line, &order)[i];
		struct line const *const line =
			&genalloc_s(struct line, &lines)[at->message];
		uint32_t const indent =
			at->depth < INDENT_MAX / 2 ? at->depth * 2 : INDENT_MAX;

		if (!stralloc_catb(&out, l->out.s + line->start,
			    line->subject - line->start) ||
			!stralloc_readyplus(&out, INDENT_MAX))
			return false;
		memset(out.s + out.len, ' ', indent);
		out.len += indent;
		if (!stralloc_catb(&out, l->out.s + line->subject,
			    line->end - line->subject) ||
			!command_flush(&out, false))
			return false;
	}
	threads_free(&t);
	l->out.len = 0;
	return command_flush(&out, true);
}

static void
add_operands(
	struct listing *l, struct names *n, int argc, char const *const *argv)
{
	stralloc list_text = STRALLOC_ZERO;

	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "-") != 0 &&
			!heads_add(&l->heads, n, argv[i]))
			strerr_diefu2sys(111, "list the maildir ", argv[i]);
	if (argc > 0 && strcmp(argv[argc - 1], "-") != 0)
		return;
	if (!command_read_names(&list_text) ||
		!names_add_list(n, list_text.s, list_text.len))
		strerr_diefu1sys(111, "read the names on standard input");
	stralloc_free(&list_text);
}

int
mime_ls(struct options const *o, int argc, char const *const *argv)
{
	static struct listing l;
	struct names names = NAMES_ZERO;

	l.with_names = options_has(o, 'f');
	if (sodium_init() < 0)
		strerr_dief1x(111, "no random numbers");
	command_enter_reader();
	add_operands(&l, &names, argc, argv);
	if (!(options_has(o, 't') ? list_threads(&l, &names)
				  : list(&l, &names)) ||
		!command_flush(&l.out, true))
		strerr_diefu1sys(111, "write to standard output");
	return l.failed ? 111 : 0;
}
