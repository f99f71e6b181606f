/* Moving a message into or out of Junk teaches; see junk.h. */
#include <fcntl.h>
#include <unistd.h>

#include "common/lessons.h"
#include "common/use.h"
#include "imapd/junk.h"

/* Who learns: the mailbox's own classifier, that of the whole host. */
static char const *const learners[] = {LESSONS_NEW, LESSONS_COMMON};
#define LEARNERS (sizeof learners / sizeof *learners)

/* Most mailboxes have no such folder: what else is looked up costs more. */
static bool
is_wanted(int root_fd)
{
	for (size_t i = 0; i < LEARNERS; i++)
		if (faccessat(root_fd, learners[i], F_OK, 0) == 0)
			return true;
	return false;
}

static void
leave(struct session *s, char const *learner, enum lesson lesson,
	struct transfer const *t)
{
	char name[LESSONS_NAME_SIZE];
	size_t room;
	int fd = lessons_open(s->root_fd, learner, &room);

	if (fd < 0)
		return;
	for (size_t k = 0; k < t->count && k < room; k++) {
		lessons_name(lesson, name);
		if (mailbox_link(&s->mailbox, t->items[k].index, fd, name) < 0)
			break;
	}
	close(fd);
}

void
junk_copied(struct session *s, char const *to, struct transfer const *t)
{
	char from_use[USE_MAX], to_use[USE_MAX];
	enum lesson lesson;

	if (t->count == 0 || !is_wanted(s->root_fd))
		return;
	use_of(s->root_fd, s->name, from_use);
	use_of(s->root_fd, to, to_use);
	lesson = lessons_of(from_use, to_use);
	for (size_t i = 0; lesson != LESSON_NONE && i < LEARNERS; i++)
		leave(s, learners[i], lesson, t);
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

	for (size_t i = 0; i < LEARNERS; i++) {
		int fd = lessons_open(root_fd, learners[i], &room);

		if (fd < 0)
			continue;
		lessons_name(LESSON_SPAM, name);
		(void)!linkat(folder_fd, file, fd, name, 0);
		close(fd);
	}
}
