/* What a mailbox's owner teaches by moving messages; see lessons.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/lessons.h"

/* 16 digits of microseconds, a dot, the kind. */
#define DIGITS 16

static bool
has(char const *use, char const *one)
{
	return use != NULL && strstr(use, one) != NULL;
}

enum lesson
lessons_of(char const *from_use, char const *to_use)
{
	bool was_junk = has(from_use, "\\Junk"),
	     is_junk = has(to_use, "\\Junk");

	if (is_junk)
		return was_junk ? LESSON_NONE : LESSON_SPAM;
	return was_junk && !has(to_use, "\\Trash") ? LESSON_HAM : LESSON_NONE;
}

enum lesson
lessons_kind(char const *name)
{
	if (strspn(name, "0123456789") != DIGITS || name[DIGITS] != '.' ||
		name[DIGITS + 1] == '\0' || name[DIGITS + 2] != '\0')
		return LESSON_NONE;
	if (name[DIGITS + 1] == LESSON_SPAM)
		return LESSON_SPAM;
	return name[DIGITS + 1] == LESSON_HAM ? LESSON_HAM : LESSON_NONE;
}

void
lessons_name(enum lesson lesson, char name_r[LESSONS_NAME_SIZE])
{
	static uint64_t last;
	struct timespec t;
	uint64_t at;

	clock_gettime(CLOCK_REALTIME, &t);
	at = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	last = at > last ? at : last + 1;
	snprintf(name_r, LESSONS_NAME_SIZE, "%016" PRIu64 ".%c", last, lesson);
}

/* The folder's lessons: how many, and the oldest. */
static size_t
look(int new_fd, char name_r[LESSONS_NAME_SIZE])
{
	int fd = openat(new_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;
	size_t n = 0;

	*name_r = '\0';
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((e = readdir(dir)) != NULL) {
		if (lessons_kind(e->d_name) == LESSON_NONE)
			continue;
		n++;
		if (*name_r == '\0' || strcmp(e->d_name, name_r) < 0)
			memcpy(name_r, e->d_name, strlen(e->d_name) + 1);
	}
	closedir(dir);
	return n;
}

/* Whether the folder is the common one and its oldest lesson has waited too
 * long. */
static bool
is_forgotten(char const *folder, char const *oldest)
{
	return strcmp(folder, LESSONS_COMMON) == 0 && *oldest != '\0' &&
	       strtoull(oldest, NULL, 10) / 1000000 + LESSONS_FORGOTTEN_S <
		       (uint64_t)time(NULL);
}

static void
forget(int root_fd, char const *folder, int fd)
{
	char name[LESSONS_NAME_SIZE];

	while (look(fd, name) > 0)
		if (unlinkat(fd, name, 0) < 0)
			return;
	(void)!unlinkat(root_fd, folder, AT_REMOVEDIR);
}

int
lessons_open(int root_fd, char const *folder, size_t *room_r)
{
	char name[LESSONS_NAME_SIZE];
	int fd = openat(root_fd, folder,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	size_t n;

	*room_r = 0;
	if (fd < 0)
		return -1;
	n = look(fd, name);
	if (is_forgotten(folder, name)) {
		forget(root_fd, folder, fd);
		n = LESSONS_MAX;
	}
	if (n < LESSONS_MAX) {
		*room_r = LESSONS_MAX - n;
		return fd;
	}
	close(fd);
	return -1;
}

bool
lessons_oldest(int new_fd, char name_r[LESSONS_NAME_SIZE])
{
	return look(new_fd, name_r) > 0;
}

bool
lessons_create(int root_fd, char const *folder)
{
	return (mkdirat(root_fd, LESSONS_FOLDER, 0700) == 0 ||
		       errno == EEXIST) &&
	       (mkdirat(root_fd, folder, 0700) == 0 || errno == EEXIST);
}
