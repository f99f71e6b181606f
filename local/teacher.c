/* Carrying a mailbox's lessons to the common classifier. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/lessons.h"
#include "common/log.h"
#include "common/pair.h"
#include "common/sandbox.h"
#include "local/lessontext.h"
#include "local/pupil.h"
#include "local/teacher.h"

#define MEMORY_MAX (96u * 1024 * 1024)
#define FILES_MAX 32

/* The maildir, if it is this uid's own; then what is made in it is. */
static int
open_lessons(char const *home)
{
	int home_fd =
		    open(home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
	    fd = -1;
	struct stat st;

	if (home_fd >= 0 && fstat(home_fd, &st) == 0 &&
		st.st_uid == geteuid() &&
		lessons_create(home_fd, LESSONS_COMMON))
		fd = openat(home_fd, LESSONS_COMMON,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (home_fd >= 0)
		close(home_fd);
	return fd;
}

/* Its text in a file; -1: it is none that can be learnt. */
static int
text_of(int folder_fd, char const *name)
{
	static struct message message;
	static stralloc text = STRALLOC_ZERO;
	int fd = openat(folder_fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
	    text_fd = -1;
	struct stat st;

	message.text.len = 0;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		lessontext_read(&message.text, fd, 0, (uint64_t)st.st_size))
		text_fd = lessontext_make(&message, &text);
	if (fd >= 0)
		close(fd);
	return text_fd;
}

int
teacher_run(char const *home, int pupil_fd)
{
	struct sandbox box = {.filter = SANDBOX_LOCAL,
		.memory = MEMORY_MAX,
		.files = FILES_MAX,
		.may_write = true};
	char name[LESSONS_NAME_SIZE];
	int folder_fd = open_lessons(home);

	if (folder_fd < 0) {
		log_error("no-lessons", NULL, "maildir", home, (char *)0);
		return 111;
	}
	box.read_write[box.read_write_count++] = folder_fd;
	sandbox_enter_or_exit(&box);
	/* Not for ever: the owner may leave new ones as quickly. */
	for (unsigned n = 0; n < LESSONS_MAX; n++) {
		enum pupil_answer answer = PUPIL_DONE;
		int text_fd;

		if (!lessons_oldest(folder_fd, name))
			return 0;
		text_fd = text_of(folder_fd, name);
		if (text_fd >= 0) {
			answer = pupil_teach(
				pupil_fd, lessons_kind(name), text_fd);
			close(text_fd);
		}
		/* The rest waits for another day. */
		if (answer == PUPIL_ENOUGH)
			return 0;
		if (answer != PUPIL_DONE || unlinkat(folder_fd, name, 0) < 0)
			return 111;
	}
	return 0;
}
