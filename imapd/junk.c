/* Moving a message into or out of Junk teaches; see junk.h. */
#include <fcntl.h>
#include <unistd.h>

#include "common/lessons.h"
#include "common/use.h"
#include "imapd/junk.h"

/* Most mailboxes have no such folder: what else is looked up costs more. */
static bool
is_wanted(int root_fd)
{
	return faccessat(root_fd, LESSONS_NEW, F_OK, 0) == 0;
}

void
junk_copied(struct session *s, char const *to, struct transfer const *t)
{
	char from_use[USE_MAX], to_use[USE_MAX], name[LESSONS_NAME_SIZE];
	enum lesson lesson;
	size_t room;
	int fd;

	if (t->count == 0 || !is_wanted(s->root_fd))
		return;
	use_of(s->root_fd, s->name, from_use);
	use_of(s->root_fd, to, to_use);
	lesson = lessons_of(from_use, to_use);
	fd = lesson != LESSON_NONE ? lessons_open(s->root_fd, &room) : -1;
	if (fd < 0)
		return;
	for (size_t k = 0; k < t->count && k < room; k++) {
		lessons_name(lesson, name);
		if (mailbox_link(&s->mailbox, t->items[k].index, fd, name) < 0)
			break;
	}
	close(fd);
}

bool
junk_teaches(int root_fd, char const *name)
{
	char use[USE_MAX];

	if (!is_wanted(root_fd))
		return false;
	use_of(root_fd, name, use);
	return lessons_of(NULL, use) != LESSON_NONE;
}

void
junk_appended(int root_fd, int folder_fd, char const *file)
{
	char name[LESSONS_NAME_SIZE];
	size_t room;
	int fd = lessons_open(root_fd, &room);

	if (fd < 0)
		return;
	lessons_name(LESSON_SPAM, name);
	(void)!linkat(folder_fd, file, fd, name, 0);
	close(fd);
}
