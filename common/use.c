/* What a mailbox is for; see use.h. */
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/annotations.h"
#include "common/boxname.h"
#include "common/use.h"

static struct {
	char const *name;
	char const *attribute;
} const names[] = {
	{"Archive", "\\Archive"},
	{"Archives", "\\Archive"},
	{"Drafts", "\\Drafts"},
	{"Junk", "\\Junk"},
	{"Spam", "\\Junk"},
	{"Sent", "\\Sent"},
	{"Sent Messages", "\\Sent"},
	{"Trash", "\\Trash"},
};

char const *
use_find(char const *s, size_t len)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i].attribute) == len &&
			strncasecmp(names[i].attribute, s, len) == 0)
			return names[i].attribute;
	return NULL;
}

/* Put the attributes in our spelling into use_r, which may be NULL. */
static bool
parse(char const *s, size_t len, char *use_r)
{
	char text[USE_MAX] = "";
	size_t used = 0;

	for (size_t pos = 0; pos < len;) {
		char const *const blank = memchr(s + pos, ' ', len - pos);
		size_t const end = blank != NULL ? (size_t)(blank - s) : len;
		char const *const use = use_find(s + pos, end - pos);
		size_t const n = use != NULL ? strlen(use) : 0;

		if (use == NULL || strstr(text, use) != NULL ||
			used + n + 2 > sizeof text)
			return false;
		if (used > 0)
			text[used++] = ' ';
		memcpy(text + used, use, n + 1);
		used += n;
		pos = end + 1;
	}
	if (use_r != NULL)
		memcpy(use_r, text, sizeof text);
	return true;
}

bool
use_valid(char const *s, size_t len)
{
	return parse(s, len, NULL);
}

/* False: nothing is kept, or nothing that we know. */
static bool
kept(int root_fd, char const *name, char *use_r)
{
	char dir[BOXNAME_MAX + 2];
	stralloc value = STRALLOC_ZERO;
	bool found = false;
	int fd;

	boxname_dir(name, dir);
	fd = openat(
		root_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (annotations_get(fd, ANNOTATIONS_MAILBOX, ANNOTATIONS_USE, &value) >
		0)
		found = parse(value.s != NULL ? value.s : "", value.len, use_r);
	close(fd);
	stralloc_free(&value);
	return found;
}

void
use_of(int root_fd, char const *name, char *use_r)
{
	use_r[0] = '\0';
	if (boxname_is_inbox(name) || kept(root_fd, name, use_r))
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcasecmp(name, names[i].name) == 0)
			memcpy(use_r, names[i].attribute,
				strlen(names[i].attribute) + 1);
}
