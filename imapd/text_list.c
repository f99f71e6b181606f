/* The list of segments; see text_list.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "imapd/text_list.h"

#define NEW_FILE TEXT_LIST_FILE ".new"
#define LOCK_FILE TEXT_LIST_FILE ".lock"
#define MAGIC UINT32_C(0x7458726b)

/* As it is in the file. */
struct image {
	uint32_t magic;
	struct text_list list;
	uint32_t crc; /* of what is before it */
};

void
text_list_name(uint32_t number, char out[TEXT_NAME_MAX])
{
	(void)snprintf(out, TEXT_NAME_MAX, TEXT_LIST_FILE ".%lu",
		(unsigned long)number);
}

bool
text_list_read(int dir_fd, struct text_list *list_r)
{
	struct image image;
	int const fd = openat(
		dir_fd, TEXT_LIST_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	*list_r = (struct text_list){.next = 1};
	if (fd < 0)
		return false;
	n = read(fd, &image, sizeof image);
	close(fd);
	if (n != sizeof image || image.magic != MAGIC ||
		image.crc != crc32c(0, &image, offsetof(struct image, crc)) ||
		image.list.count > TEXT_SEGMENTS_MAX)
		return false;
	*list_r = image.list;
	return true;
}

bool
text_list_write(int dir_fd, struct text_list const *list)
{
	struct image image;
	int fd;
	bool ok;

	memset(&image, 0, sizeof image);
	image.magic = MAGIC;
	image.list = *list;
	image.crc = crc32c(0, &image, offsetof(struct image, crc));
	if (unlinkat(dir_fd, NEW_FILE, 0) < 0 && errno != ENOENT)
		return false;
	fd = openat(dir_fd, NEW_FILE,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	/* Not synced: what a power cut leaves is told by the sums. */
	ok = write(fd, &image, sizeof image) == sizeof image;
	ok = close(fd) == 0 && ok;
	return ok && renameat(dir_fd, NEW_FILE, dir_fd, TEXT_LIST_FILE) == 0;
}

static bool
is_listed(struct text_list const *list, char const *name)
{
	char wanted[TEXT_NAME_MAX];

	for (uint32_t k = 0; k < list->count; k++) {
		text_list_name(list->numbers[k], wanted);
		if (strcmp(name, wanted) == 0)
			return true;
	}
	return false;
}

void
text_list_clean(int dir_fd, struct text_list const *list)
{
	static char const stem[] = TEXT_LIST_FILE ".";
	size_t const len = sizeof stem - 1;
	int const fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, stem, len) == 0 &&
			e->d_name[len] >= '0' && e->d_name[len] <= '9' &&
			!is_listed(list, e->d_name))
			(void)unlinkat(dir_fd, e->d_name, 0);
	closedir(d);
}

bool
text_list_lock(int dir_fd, int *lock_r)
{
	*lock_r = openat(dir_fd, LOCK_FILE,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*lock_r < 0)
		return false;
	if (flock(*lock_r, LOCK_EX | LOCK_NB) == 0)
		return true;
	close(*lock_r);
	*lock_r = -1;
	return false;
}
