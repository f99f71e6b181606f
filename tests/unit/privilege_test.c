/* privilege.h, sandbox.h: what is given up does not come back. Each case runs
 * in a child, which exits with the number of the line that failed. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/privilege.h"
#include "common/sandbox.h"

#define UID 64998
#define GID 64997
#define CHECK(x)                                                               \
	do {                                                                   \
		if (!(x))                                                      \
			_exit(__LINE__ % 250 + 1);                             \
	} while (0)

static void
in_child(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
drop(void)
{
	gid_t groups[] = {1, 2, 3};

	CHECK(setgroups(3, groups) == 0);
	CHECK(privilege_drop(UID, GID));
	CHECK(getuid() == UID && geteuid() == UID);
	CHECK(getgid() == GID && getegid() == GID);
	CHECK(getgroups(0, NULL) == 0);
	CHECK(setuid(0) < 0 && seteuid(0) < 0 && setgid(0) < 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(!privilege_drop(UID + 1, GID));
}

static void
drop_to_root(void)
{
	CHECK(!privilege_drop(0, GID) && errno == EPERM);
	CHECK(!privilege_drop(UID, 0) && errno == EPERM);
	CHECK(getuid() == 0 && getgid() == 0);
}

static void
enter_root(void)
{
	char folder[] = "/tmp/kereru-root-XXXXXX";
	int fd;

	CHECK(mkdtemp(folder) != NULL);
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0 && rmdir(folder) == 0);
	CHECK(!privilege_chroot(-1));
	CHECK(access("/etc/passwd", F_OK) == 0);
	CHECK(privilege_chroot(fd));
	CHECK(access("/etc/passwd", F_OK) < 0);
	CHECK(access("/../etc/passwd", F_OK) < 0);
}

/* A folder that UID owns, with a file; the path stays valid. */
static int
make_folder(char path[])
{
	int fd, file;

	CHECK(mkdtemp(path) != NULL && chown(path, UID, GID) == 0);
	fd = open(path, O_PATH | O_DIRECTORY);
	file = openat(fd, "f", O_CREAT | O_WRONLY, 0666);
	CHECK(fd >= 0 && file >= 0 && fchown(file, UID, GID) == 0);
	close(file);
	return fd;
}

static void
remove_folder(char const *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY);

	unlinkat(fd, "f", 0);
	unlinkat(fd, "g", 0);
	close(fd);
	rmdir(path);
}

static char readable[] = "/tmp/kereru-ro-XXXXXX";
static char writable[] = "/tmp/kereru-rw-XXXXXX";
static int readable_fd, writable_fd;

static void
fence(void)
{
	struct sandbox s = {.filter = SANDBOX_IMAPD,
		.may_write = true,
		.read_only = {readable_fd},
		.read_only_count = 1,
		.read_write = {writable_fd},
		.read_write_count = 1};
	char const *missing;

	CHECK(privilege_drop(UID, GID));
	CHECK(sandbox_enter(&s, &missing) == NULL);
	if (missing != NULL && strcmp(missing, "landlock") == 0)
		return;
	CHECK(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	CHECK(openat(readable_fd, "f", O_RDONLY) >= 0);
	CHECK(openat(readable_fd, "f", O_WRONLY) < 0);
	CHECK(openat(readable_fd, "g", O_CREAT | O_WRONLY, 0600) < 0);
	CHECK(openat(writable_fd, "f", O_RDWR) >= 0);
	CHECK(openat(writable_fd, "g", O_CREAT | O_WRONLY, 0600) >= 0);
	CHECK(unlinkat(writable_fd, "g", 0) == 0);
}

static void
limits(void)
{
	struct sandbox s = {.filter = SANDBOX_FRONT, .files = 20};
	struct rlimit r;
	char const *missing;
	pid_t pid;

	CHECK(privilege_drop(UID, GID));
	CHECK(sandbox_enter(&s, &missing) == NULL);
	CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_max == 20);
	CHECK(getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max == 0);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK(pid < 0 && errno == EAGAIN);
	/* A write to a file is an error to answer, not the end. */
	CHECK(write(writable_fd, "x", 1) < 0 && errno == EFBIG);
}

static void
dropped_rights_stay_dropped(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	in_child(drop);
}

static void
root_is_no_account_to_drop_to(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	in_child(drop_to_root);
}

static void
chroot_hides_everything(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	in_child(enter_root);
}

static void
folders_are_fenced(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	readable_fd = make_folder(readable);
	writable_fd = make_folder(writable);
	in_child(fence);
	remove_folder(readable);
	remove_folder(writable);
}

static void
limits_hold(void **state)
{
	char path[] = "/tmp/kereru-file-XXXXXX";

	(void)state;
	if (getuid() != 0)
		skip();
	writable_fd = mkstemp(path);
	assert_true(writable_fd >= 0);
	in_child(limits);
	unlink(path);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(dropped_rights_stay_dropped),
		cmocka_unit_test(root_is_no_account_to_drop_to),
		cmocka_unit_test(chroot_hides_everything),
		cmocka_unit_test(folders_are_fenced),
		cmocka_unit_test(limits_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
