/*
 * mime search: the files of the messages in which words occur.
 *
 * Reads anything its caller may read, and changes nothing.
 */
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "mime/body.h"
#include "mime/charset.h"
#include "mime/command.h"
#include "mime/unwrap.h"
#include "mime/fold.h"
#include "mime/names.h"

struct search {
	stralloc *words;
	size_t count;
	stralloc path;
	stralloc hay; /* what is looked through, folded */
};

static bool
gather_header(struct message const *m, struct structure_part const *part,
	stralloc *hay)
{
	struct header_field f;
	size_t pos = 0;

	while (header_next(m->text.s + part->header_offset, part->header_len,
		       &pos, &f) > 0)
		if (!charset_to_utf8("", 0, f.name, f.name_len, hay) ||
			!stralloc_cats(hay, ": ") ||
			!mime_headers_decode(&f, hay) ||
			!stralloc_cats(hay, "\n"))
			return false;
	return true;
}

/* The headers of messages, that in it too; names of files; texts. */
static bool
gather(struct message const *m, stralloc *hay)
{
	hay->len = 0;
	for (size_t i = 0; i < m->count; i++) {
		struct structure_part const *part = &m->parts[i];
		bool const is_message =
			part->parent == STRUCTURE_NONE ||
			m->parts[part->parent].kind == STRUCTURE_MESSAGE;

		if (is_message && !gather_header(m, part, hay))
			return false;
		if (!message_filename(m, part, hay) ||
			!stralloc_cats(hay, "\n"))
			return false;
		if (part->kind == STRUCTURE_LEAF && !part->opaque &&
			structure_is(m->text.s, part, "text/") &&
			!body_text(m, part, body_append, hay))
			return false;
	}
	fold(hay->s, hay->len);
	return true;
}

static bool
has_all(struct search const *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!memmem(s->hay.s, s->hay.len, s->words[i].s,
			    s->words[i].len))
			return false;
	return true;
}

/* A name that a terminal would not show as it is cannot stand on a line. */
static bool
is_plain(char const *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static bool
look(struct search *s, struct names const *n, size_t i, bool *failed,
	stralloc *out)
{
	static struct message m;
	char const *path;
	int const fd = names_open(n, i, &s->path, &path);
	bool read_it;

	read_it = fd >= 0 && message_prepare(&m, fd) && message_read(&m, fd) &&
		  message_unwrap(&m);
	if (!read_it) {
		strerr_warnwu2sys("read ", path);
		*failed = true;
	}
	if (fd >= 0)
		close(fd);
	if (!read_it)
		return true;
	if (!gather(&m, &s->hay))
		return false;
	if (!has_all(s))
		return true;
	if (!is_plain(path)) {
		strerr_warnw1x("a file with control characters in its name "
			       "has the words too");
		*failed = true;
		return true;
	}
	return stralloc_cats(out, path) && stralloc_cats(out, "\n") &&
	       command_flush(out, false);
}

static void
take_words(struct search *s, int argc, char const *const *argv)
{
	static stralloc words[OPTIONS_MAX];

	s->words = words;
	for (int i = 1; i < argc; i++) {
		stralloc *const word = &words[s->count++];

		if (argv[i][0] == '\0')
			strerr_dief1x(100, "an empty word is in every message");
		if (!stralloc_cats(word, argv[i]))
			strerr_diefu1sys(111, "keep the words");
		fold(word->s, word->len);
	}
}

int
mime_search(struct options const *o, int argc, char const *const *argv)
{
	struct search s = {.path = STRALLOC_ZERO};
	struct names names = NAMES_ZERO;
	stralloc out = STRALLOC_ZERO;
	bool failed = false;

	(void)o;
	take_words(&s, argc, argv);
	command_enter_reader();
	if (strcmp(argv[0], "-") == 0) {
		stralloc list = STRALLOC_ZERO;

		if (!command_read_names(&list) ||
			!names_add_list(&names, list.s, list.len))
			strerr_diefu1sys(
				111, "read the names on standard input");
		stralloc_free(&list);
	} else if (!names_add(&names, argv[0]))
		strerr_diefu2sys(111, "list the maildir ", argv[0]);
	for (size_t i = 0; i < names_count(&names); i++)
		if (!look(&s, &names, i, &failed, &out))
			strerr_diefu1sys(111, "write to standard output");
	if (!command_flush(&out, true))
		strerr_diefu1sys(111, "write to standard output");
	return failed ? 111 : 0;
}
