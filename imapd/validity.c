/* UIDVALIDITY values; see validity.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "imapd/validity.h"

#define STEM "dovecot-uidvalidity."
#define NAME_MAX_LEN (sizeof STEM + 8)

static void
make_name(char out[NAME_MAX_LEN], uint32_t value)
{
	(void)snprintf(out, NAME_MAX_LEN, STEM "%08lx", (unsigned long)value);
}

/* The greatest that stands there; 0 if there is none. */
static bool
last(int root_fd, uint32_t *value_r)
{
	int const fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;

	if (d == NULL)
		return false;
	*value_r = 0;
	while ((e = readdir(d)) != NULL) {
		char const *const hex = e->d_name + strlen(STEM);
		char *end;
		unsigned long n;

		if (strncmp(e->d_name, STEM, strlen(STEM)) != 0 ||
			strlen(hex) != 8)
			continue;
		n = strtoul(hex, &end, 16);
		if (*end == '\0' && n > *value_r)
			*value_r = (uint32_t)n;
	}
	closedir(d);
	return true;
}

static bool
take(int root_fd, uint32_t old, uint32_t value)
{
	char from[NAME_MAX_LEN], to[NAME_MAX_LEN];
	int fd;

	make_name(from, old);
	make_name(to, value);
	if (old != 0)
		return renameat2(root_fd, from, root_fd, to,
			       RENAME_NOREPLACE) == 0 ||
		       (errno == EINVAL &&
			       renameat(root_fd, from, root_fd, to) == 0);
	fd = openat(root_fd, to,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	return close(fd) == 0;
}

bool
validity_next(int root_fd, uint32_t *validity_r)
{
	/* Others may take the same step: then look again. */
	for (int tries = 0; tries < 100; tries++) {
		uint32_t const now = (uint32_t)time(NULL);
		uint32_t old, value;

		if (!last(root_fd, &old))
			return false;
		value = old >= now && old < UINT32_MAX ? old + 1 : now;
		if (take(root_fd, old, value)) {
			*validity_r = value;
			return true;
		}
		if (errno != ENOENT && errno != EEXIST)
			return false;
	}
	return false;
}
