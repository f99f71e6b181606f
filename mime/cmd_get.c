/*
 * mime get: parts of a message as files.
 *
 * The folder is opened first; after that nothing outside of it can be opened
 * (by Landlock, but for root). Files are made by O_EXCL below its descriptor:
 * nothing is replaced, no link followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/strerr.h>

#include "mime/body.h"
#include "mime/command.h"
#include "mime/safename.h"
#include "mime/uufiles.h"
#include "mime/unwrap.h"

/* Files of the same name: after so many something else is wrong. */
#define SAME_MAX 1000

static struct message message;

/* What is to be written: part i, or file k of those in its text. */
struct target {
	size_t i, k; /* NO_FILE: the part itself */
};
#define NO_FILE SIZE_MAX

/* The files in the text of the part that was looked at last. */
static struct uutext files;

/* "part-2.1", and what may be known of its kind. */
static bool
make_name(size_t i, stralloc *name)
{
	static char const *const kinds[][2] = {{"text/plain", ".txt"},
		{"text/html", ".html"}, {"message/rfc822", ".eml"},
		{"image/png", ".png"}, {"image/jpeg", ".jpg"},
		{"image/gif", ".gif"}, {"application/pdf", ".pdf"}};

	if (!stralloc_cats(name, "part-") || !message_number(&message, i, name))
		return false;
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
		if (structure_is(
			    message.text.s, &message.parts[i], kinds[k][0]))
			return stralloc_cats(name, kinds[k][1]);
	return true;
}

static bool
name_of(struct target t, stralloc *name)
{
	stralloc wish = STRALLOC_ZERO;
	bool ok = (t.k == NO_FILE ? message_filename(&message,
					    &message.parts[t.i], &wish)
				  : uufiles_name(&files, t.k, &wish)) &&
		  safename(wish.len > 0 ? wish.s : "", wish.len, name);

	if (ok && name->len == 0)
		ok = t.k == NO_FILE ? make_name(t.i, name)
				    : stralloc_cats(name, "file");
	stralloc_free(&wish);
	return ok;
}

/* Create `name`, or "name (2)" with its extension behind, and so on. */
static int
create(int folder, stralloc *name)
{
	char const *const dot = memrchr(name->s, '.', name->len);
	int const stem = dot ? (int)(dot - name->s) : (int)name->len;
	int const rest = (int)name->len - stem;
	char path[SAFENAME_MAX + 64];
	int fd = -1;

	for (int n = 1; fd < 0 && n < SAME_MAX; n++) {
		int const len = n == 1 ? snprintf(path, sizeof path, "%.*s",
						 stem + rest, name->s)
				       : snprintf(path, sizeof path,
						 "%.*s (%d)%.*s", stem, name->s,
						 n, rest, name->s + stem);

		if (len < 0 || (size_t)len >= sizeof path) {
			errno = ENAMETOOLONG;
			return -1;
		}
		fd = openat(folder, path,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	if (fd >= 0 && !stralloc_copys(name, path))
		return -1;
	return fd;
}

static bool
write_octets(void *arg, char const *s, size_t len)
{
	int const fd = *(int const *)arg;

	return allwrite(fd, s, len) == len;
}

static bool
put_octets(struct target t, int fd)
{
	struct structure_part const *const part = &message.parts[t.i];

	return t.k == NO_FILE
		       ? body_octets(&message, part, write_octets, &fd)
		       : uufiles_octets(&message, part, uutext_get(&files, t.k),
				 write_octets, &fd);
}

static bool
put_number(struct target t, stralloc *out)
{
	return t.k == NO_FILE ? message_number(&message, t.i, out)
			      : mime_parts_file_number(&message, t.i, t.k, out);
}

/* 1: made, and told; 0: said why not; -1: memory or output. */
static int
save(int folder, struct target t, stralloc *out)
{
	stralloc name = STRALLOC_ZERO;
	int fd;
	bool ok;

	if (!name_of(t, &name))
		return -1;
	fd = create(folder, &name);
	if (!stralloc_0(&name))
		return -1;
	ok = fd >= 0 && put_octets(t, fd);
	if (fd >= 0 && close(fd) < 0)
		ok = false;
	if (!ok) {
		strerr_warnwu2sys("write ", name.s);
		if (fd >= 0)
			(void)unlinkat(folder, name.s, 0);
	}
	/* The number, for people; a tab, then what was made. */
	if (ok && (!put_number(t, out) || !stralloc_cats(out, "\t") ||
			  !stralloc_cats(out, name.s) ||
			  !stralloc_cats(out, "\n")))
		return -1;
	stralloc_free(&name);
	return ok;
}

/* A message in the message is kept whole, not its parts. */
static bool
is_in_message(size_t i)
{
	for (uint32_t at = message.parts[i].parent; at != STRUCTURE_NONE;
		at = message.parts[at].parent)
		if (message.parts[at].kind == STRUCTURE_MESSAGE)
			return true;
	return false;
}

static size_t
find_part(char const *number, size_t len)
{
	stralloc s = STRALLOC_ZERO;

	for (size_t i = 0; i < message.count; i++) {
		s.len = 0;
		if (message.parts[i].kind == STRUCTURE_MULTIPART)
			continue;
		if (!message_number(&message, i, &s))
			strerr_diefu1sys(111, "look for the part");
		if (s.len == len && memcmp(s.s, number, len) == 0) {
			stralloc_free(&s);
			return i;
		}
	}
	strerr_dief3x(100, "the message has no part ", number,
		" that is no multipart");
}

static void
find_files(size_t i)
{
	if (!uufiles_find(&message, &message.parts[i], &files))
		strerr_diefu1sys(111, "look for files in the text");
}

/* "2.1", or of a file in its text "2.1:1". */
static struct target
find_target(char const *number)
{
	size_t const len = strcspn(number, ":");
	size_t k = 0, i = find_part(number, len);
	char const *c = number + len;

	if (*c == '\0')
		return (struct target){i, NO_FILE};
	find_files(i);
	for (c++; *c >= '0' && *c <= '9' && k <= UUTEXT_FILES_MAX; c++)
		k = k * 10 + (size_t)(*c - '0');
	if (*c != '\0' || k == 0 || k > uutext_count(&files))
		strerr_dief2x(100, "there is no file in the text ", number);
	return (struct target){i, k - 1};
}

/* To standard output, as it is. */
static int
print(char const *number)
{
	if (!put_octets(find_target(number), 1))
		strerr_diefu1sys(111, "write to standard output");
	return 0;
}

static int
save_named(int folder, int argc, char const *const *argv)
{
	stralloc out = STRALLOC_ZERO;
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		int const r = save(folder, find_target(argv[i]), &out);

		failed |= r == 0;
		if (r < 0)
			strerr_diefu1sys(111, "tell what was written");
	}
	if (!command_flush(&out, true))
		strerr_diefu1sys(111, "write to standard output");
	return failed ? 111 : 0;
}

/* 0: something was not written. */
static int
save_part(int folder, size_t i, stralloc *name, stralloc *out)
{
	struct structure_part const *const part = &message.parts[i];
	int r = 1;

	name->len = 0;
	if (!message_filename(&message, part, name))
		return -1;
	if (part->kind == STRUCTURE_MULTIPART || is_in_message(i))
		return 1;
	if (name->len > 0 || part->kind == STRUCTURE_MESSAGE ||
		message_is_attachment(&message, part))
		return save(folder, (struct target){i, NO_FILE}, out);
	find_files(i);
	for (size_t k = 0; r >= 0 && k < uutext_count(&files); k++) {
		int const done = save(folder, (struct target){i, k}, out);

		r = done <= 0 ? done : r;
	}
	return r;
}

/* All that is meant to be kept, or has a name. */
static int
save_all(int folder)
{
	stralloc out = STRALLOC_ZERO, name = STRALLOC_ZERO;
	int failed = 0;

	for (size_t i = 0; i < message.count; i++) {
		int const r = save_part(folder, i, &name, &out);

		failed |= r == 0;
		if (r < 0)
			strerr_diefu1sys(111, "tell what was written");
	}
	if (!command_flush(&out, true))
		strerr_diefu1sys(111, "write to standard output");
	return failed ? 111 : 0;
}

int
mime_get(struct options const *o, int argc, char const *const *argv)
{
	bool const all = options_has(o, 'a'), to_output = options_has(o, 'c');
	char const *const dir = options_value(o, 'd', ".");
	int folder, fd;

	if (all ? argc != 1 || to_output : argc < 2)
		strerr_dieusage(100, "mime get [-d dir] file number ... | "
				     "get -a [-d dir] file | "
				     "get -c file number");
	if (to_output && (argc != 2 || isatty(1)))
		strerr_dief1x(100, "-c writes the octets of one part: not to a "
				   "terminal");
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		strerr_diefu2sys(111, "open the folder ", dir);
	fd = command_open(argv[0]);
	command_enter_writer(&folder, to_output ? 0 : 1);
	if (!message_prepare(&message, fd) || !message_read(&message, fd) ||
		!message_unwrap(&message))
		strerr_diefu2sys(111, "read ", argv[0]);
	if (to_output)
		return print(argv[1]);
	return all ? save_all(folder) : save_named(folder, argc, argv);
}
