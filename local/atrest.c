/* What is delivered, encrypted to the mailbox's key: the delivery's side. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/pair.h"
#include "local/atrest.h"
#include "local/locker.h"

/* More than the locker itself waits. */
#define ANSWER_MS ((LOCKER_SECONDS + 30) * 1000)

enum atrest
atrest_look(int folder_fd)
{
	struct stat st;

	if (fstatat(folder_fd, ATREST_KEY, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? ATREST_CLEAR : ATREST_REFUSED;
	return S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
			       !(st.st_mode & S_IWOTH)
		       ? ATREST_LOCKED
		       : ATREST_REFUSED;
}

/* What was said of the message may have something of the message in it. */
static void
copy_reason(char why[ATREST_WHY], char const *s, size_t len)
{
	size_t n = 0;

	for (; n < len && n + 1 < ATREST_WHY; n++)
		why[n] = s[n] >= ' ' && s[n] < 127 ? s[n] : '?';
	why[n] = '\0';
}

static void
set_reason(char why[ATREST_WHY], char const *s)
{
	copy_reason(why, s, strlen(s));
}

static bool
send_files(int locker_fd, int const fds[LOCKER_FILES], char why[ATREST_WHY])
{
	if (pair_send(locker_fd, "e", 1, fds, LOCKER_FILES))
		return true;
	set_reason(why, "what encrypts has ended");
	return false;
}

/* The answer: '+', or '-' and a reason. False: there was none. */
static bool
wait_for_answer(
	int locker_fd, int channel_fd, char *answer, size_t max, size_t *len)
{
	/* Of the channel its end alone is waited for. */
	struct pollfd p[] = {
		{.fd = locker_fd, .events = POLLIN}, {.fd = channel_fd}};
	ssize_t n;
	int r;

	do
		r = poll(p, 2, ANSWER_MS);
	while (r < 0 && errno == EINTR);
	n = r > 0 && p[0].revents != 0
		    ? pair_receive(locker_fd, answer, max, NULL, 0, NULL)
		    : -1;
	*len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static bool
ask(int locker_fd, int channel_fd, int const fds[LOCKER_FILES],
	char why[ATREST_WHY], bool *is_lost)
{
	char answer[LOCKER_ANSWER_MAX];
	struct stat st;
	size_t len;

	*is_lost = !send_files(locker_fd, fds, why);
	if (*is_lost)
		return false;
	*is_lost = !wait_for_answer(
		locker_fd, channel_fd, answer, sizeof answer, &len);
	if (*is_lost) {
		set_reason(why, "what encrypts gave no answer");
		return false;
	}
	if (answer[0] != '+') {
		copy_reason(why, answer + 1, len - 1);
		return false;
	}
	if (fstat(fds[LOCKER_OUT], &st) == 0 && st.st_size > 0)
		return true;
	set_reason(why, "nothing came of it");
	return false;
}

int
atrest_lock(int locker_fd, int channel_fd, int clear_fd, char why_r[ATREST_WHY],
	bool *is_lost_r)
{
	int fds[LOCKER_FILES] = {clear_fd, memfd_create("locked", MFD_CLOEXEC),
		memfd_create("said", MFD_CLOEXEC)};
	bool ok = fds[LOCKER_OUT] >= 0 && fds[LOCKER_SAID] >= 0 &&
		  lseek(clear_fd, 0, SEEK_SET) == 0;

	*is_lost_r = false;
	if (ok)
		ok = ask(locker_fd, channel_fd, fds, why_r, is_lost_r);
	else
		set_reason(why_r, "there is no room for it");
	if (fds[LOCKER_SAID] >= 0)
		close(fds[LOCKER_SAID]);
	if (ok)
		return fds[LOCKER_OUT];
	if (fds[LOCKER_OUT] >= 0)
		close(fds[LOCKER_OUT]);
	return -1;
}
