/* Files for a web server: written whole, or as they were. */
#include <errno.h>
#include <fcntl.h>
#include <skalibs/allreadwrite.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/webfile.h"

int
webfile_root(char const *path)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
webfile_folder(int fd, char const *path)
{
	char name[256];
	int at = dup(fd);

	while (at >= 0 && *path != '\0') {
		size_t len = strcspn(path, "/");
		int next = -1;
		if (len == 0 || len >= sizeof name) {
			errno = ENAMETOOLONG;
		} else {
			snprintf(name, sizeof name, "%.*s", (int)len, path);
			if (mkdirat(at, name, 0755) == 0 || errno == EEXIST)
				next = openat(at, name,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
						O_CLOEXEC);
		}
		close(at);
		at = next;
		path += len;
		path += *path == '/';
	}
	return at;
}

bool
webfile_write(int fd, char const *name, char const *s, size_t len)
{
	static char const temporary[] = ".new";
	int file;
	bool ok;

	/* What a killed run left, or somebody else put there. */
	if (unlinkat(fd, temporary, 0) < 0 && errno != ENOENT)
		return false;
	file = openat(fd, temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	ok = file >= 0 && fchmod(file, 0644) == 0 &&
	     allwrite(file, s, len) == len && fsync(file) == 0;
	if (file >= 0 && close(file) < 0)
		ok = false;
	return ok && renameat(fd, temporary, fd, name) == 0 && fsync(fd) == 0;
}
