/* The folders of a mailbox that deliveries are put into; see boxes.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "common/flags.h"
#include "common/keywordfile.h"
#include "common/maildir.h"
#include "local/boxes.h"
#include "local/sieve/flags.h"

static int
open_folder(int root_fd, char const *dir, bool create)
{
	int fd = openat(
		root_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT || !create)
		return fd;
	if (!maildir_create(root_fd, dir))
		return -1;
	return openat(
		root_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
boxes_open_alone(struct boxes const *b, char const *name, bool create)
{
	char dir[BOXNAME_MAX + 2];

	boxname_dir(name, dir);
	return open_folder(b->root_fd, dir, create);
}

int
boxes_open(struct boxes *b, char const *name, bool create)
{
	int fd;

	if (boxname_is_inbox(name))
		return b->root_fd;
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->list[i].name, name) == 0)
			return b->list[i].fd;
	errno = EMFILE;
	if (b->count == BOXES_MAX)
		return -1;
	fd = boxes_open_alone(b, name, create);
	if (fd < 0)
		return -1;
	b->list[b->count].fd = fd;
	memcpy(b->list[b->count].name, name, strlen(name) + 1);
	b->count++;
	return fd;
}

void
boxes_close(struct boxes *b)
{
	while (b->count > 0)
		close(b->list[--b->count].fd);
}

static unsigned
system_flag(char const *s, size_t len)
{
	static struct {
		char const *name;
		unsigned flag;
	} const names[] = {{"\\Answered", FLAG_ANSWERED},
		{"\\Flagged", FLAG_FLAGGED}, {"\\Deleted", FLAG_DELETED},
		{"\\Seen", FLAG_SEEN}, {"\\Draft", FLAG_DRAFT}};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i].name) == len &&
			strncasecmp(names[i].name, s, len) == 0)
			return names[i].flag;
	return 0;
}

/* The bits of keywords; what finds no letter is left out. */
static bool
keyword_bits(int folder_fd, struct keyword const *list, size_t count,
	uint32_t *bits_r)
{
	struct keywords k;
	size_t missing = 0;

	*bits_r = 0;
	if (count == 0)
		return true;
	if (!keywords_read(&k, folder_fd))
		return false;
	for (size_t i = 0; i < count; i++)
		missing += keywords_find(&k, list[i].s, list[i].len) < 0;
	if (missing > 0 && !keywords_add(&k, folder_fd, list, count) &&
		errno != ENOSPC)
		return false;
	for (size_t i = 0; i < count; i++) {
		int const n = keywords_find(&k, list[i].s, list[i].len);

		if (n >= 0)
			*bits_r |= UINT32_C(1) << n;
	}
	return true;
}

bool
boxes_letters(int folder_fd, char const *flags, char *letters_r)
{
	struct keyword list[FLAG_KEYWORDS_MAX];
	size_t count = 0, pos = 0, len;
	char const *word;
	char name[FILENAME_MAX_LEN + 1];
	unsigned system = 0;
	uint32_t bits;

	while (sieve_flags_next(flags, strlen(flags), &pos, &word, &len) > 0) {
		unsigned const flag = system_flag(word, len);

		system |= flag;
		if (flag == 0 && *word != '\\' && count < FLAG_KEYWORDS_MAX &&
			len <= FLAG_KEYWORD_LEN)
			list[count++] = (struct keyword){word, len};
	}
	if (!keyword_bits(folder_fd, list, count, &bits))
		return false;
	/* "x:2,FS" */
	len = filename_make("x", 1, system, bits, name);
	memcpy(letters_r, name + (len > 4 ? 4 : len), len > 4 ? len - 3 : 1);
	return true;
}
