/*
 * mime compose: a message made of a draft and files.
 *
 * Reads anything its caller may read, and changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>
#include <skalibs/strerr.h>

#include "common/id.h"
#include "mime/command.h"
#include "mime/draft.h"

struct files {
	struct draft_attachment list[DRAFT_ATTACHMENTS_MAX];
	size_t count, octets;
};

static void
read_all(stralloc *text, int fd, char const *name, size_t max)
{
	ssize_t n;

	do {
		if (!stralloc_readyplus(text, 65536))
			strerr_diefu2sys(111, "read ", name);
		n = read(fd, text->s + text->len, 65536);
		if (n < 0 && errno != EINTR)
			strerr_diefu2sys(111, "read ", name);
		text->len += n > 0 ? (size_t)n : 0;
		if (text->len > max)
			strerr_dief2x(111, name,
				" is too large: a message has at most 128 MiB");
	} while (n != 0);
}

static void
attach(struct files *f, char const *path, bool message)
{
	char const *const slash = strrchr(path, '/');
	int const fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	stralloc content = STRALLOC_ZERO;

	if (fd < 0)
		strerr_diefu2sys(111, "attach ", path);
	if (f->count == DRAFT_ATTACHMENTS_MAX)
		strerr_dief1x(100, "too many files to attach");
	read_all(&content, fd, path, MESSAGE_MAX / 2 - f->octets);
	close(fd);
	f->octets += content.len;
	f->list[f->count++] =
		(struct draft_attachment){.name = slash ? slash + 1 : path,
			.s = content.s,
			.len = content.len,
			.message = message};
}

/* The paths stay: list points to them. */
static void
attach_field(struct files *f, struct header_field const *field)
{
	bool const message = header_is(field, DRAFT_ATTACH_MESSAGE);
	stralloc path = STRALLOC_ZERO;

	if (!message && !header_is(field, DRAFT_ATTACH))
		return;
	if (!stralloc_ready(&path, field->value_len + 1))
		strerr_diefu1sys(111, "read the draft");
	path.len = header_unfold(field->value, field->value_len, path.s);
	while (path.len > 0 && strchr(" \t\r", path.s[path.len - 1]))
		path.len--;
	if (!stralloc_0(&path))
		strerr_diefu1sys(111, "read the draft");
	if (path.s[0] != '\0')
		attach(f, path.s, message);
}

static void
attach_all(struct files *f, struct options const *o, stralloc const *text)
{
	struct header_field field;
	size_t pos = 0;

	while (header_next(text->s, text->len, &pos, &field) > 0)
		attach_field(f, &field);
	for (size_t i = 0; i < o->count; i++)
		if (o->list[i].letter == 'a')
			attach(f, o->list[i].value, false);
}

int
mime_compose(struct options const *o, int argc, char const *const *argv)
{
	static struct files files;
	char const *const name = argc > 0 ? argv[0] : "-";
	stralloc text = STRALLOC_ZERO, out = STRALLOC_ZERO;
	char id[ID_LEN + 1], boundary[ID_SECRET_LEN + 3] = "=_";
	struct draft_error error;
	int const fd = command_open(name);

	if (sodium_init() < 0)
		strerr_dief1x(111, "no random numbers");
	id_make(id);
	id_secret(boundary + 2);
	command_enter_reader();
	read_all(&text, fd, name, MESSAGE_MAX / 2);
	attach_all(&files, o, &text);

	struct draft const draft = {.s = text.s,
		.len = text.len,
		.attachments = files.list,
		.attachments_count = files.count,
		.now = (uint64_t)time(NULL),
		.id = id,
		.boundary = boundary};

	if (!draft_compose(&draft, &out, &error)) {
		char line[24];

		if (!error.what)
			strerr_diefu2sys(111, "compose ", name);
		(void)snprintf(line, sizeof line, "%zu", error.line);
		if (error.line == 0)
			strerr_dief3x(100, name, ": it ", error.what);
		strerr_dief5x(100, name, ":", line, ": this ", error.what);
	}
	if (!command_flush(&out, true))
		strerr_diefu1sys(111, "write to standard output");
	return 0;
}
