/* `kereru spam`: teach the classifier, ask it, see what it reads. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/command.h"
#include "common/admin/setting.h"
#include "common/admin/values.h"
#include "common/classifier.h"
#include "common/lessons.h"
#include "common/privilege.h"
#include "common/user.h"
#include "mime/spamtext.h"

#define TIMEOUT_MS 30000

static char const usage[] =
	"usage: kereru spam learn [-d FOLDER | -m MAILBOX] [-u] spam|ham "
	"[PATH...]\n"
	"       kereru spam test [-d FOLDER | -m MAILBOX] [PATH...]\n"
	"       kereru spam text [-o FOLDER] [PATH...]\n"
	"       kereru spam gather\n"
	"PATH is a message, or a folder of messages (a maildir too); none: "
	"standard input.\n";

enum verb { VERB_LEARN, VERB_TEST, VERB_TEXT };

struct spam {
	enum verb verb;
	enum classifier_lesson lesson;
	char const *program, *folder;
	char const *out_folder; /* of VERB_TEXT; NULL: standard output */
	char const *mailbox;	/* whose own database; or NULL */
	struct account owner;	/* of the common database, if it is used */
	struct classifier classifier;
	struct message message;
	stralloc text;
	unsigned long count, failed;
};

static bool
read_text(struct spam *s, int fd)
{
	s->message.text.len = 0;
	s->text.len = 0;
	return message_read(&s->message, fd) &&
	       spamtext_make(&s->message, &s->text, NULL, NULL);
}

static bool
test(struct spam *s, char const *name)
{
	static char const *const words[] = {"none", "spam", "ham", "unsure"};
	enum classifier_verdict verdict;
	unsigned n;

	if (!classifier_test(&s->classifier, s->text.s, s->text.len, TIMEOUT_MS,
		    &verdict, &n))
		return false;
	printf("%s %u.%03u %s\n", words[verdict], n / 1000, n % 1000, name);
	return true;
}

/* To standard output, or to a file of the message's own name. */
static bool
write_text(struct spam *s, char const *name)
{
	char const *last = strrchr(name, '/');
	char *path_name = NULL;
	FILE *f = stdout;
	bool ok;

	if (s->out_folder != NULL) {
		if (asprintf(&path_name, "%s/%s", s->out_folder,
			    last != NULL ? last + 1 : name) < 0)
			return false;
		f = fopen(path_name, "w");
		free(path_name);
	}
	if (f == NULL)
		return false;
	ok = fwrite(s->text.s, 1, s->text.len, f) == s->text.len;
	return (f == stdout || fclose(f) == 0) && ok;
}

/* The common database is check's: what root would make there, check and those
 * who teach could not change. The program gets no way back. */
static bool
learn(struct spam *s)
{
	bool const is_root = s->owner.uid != 0 && geteuid() == 0;
	bool ok;

	if (is_root && (setresgid(s->owner.gid, s->owner.gid, 0) < 0 ||
			       setresuid(s->owner.uid, s->owner.uid, 0) < 0))
		return false;
	ok = classifier_learn(
		s->program, s->folder, s->lesson, s->text.s, s->text.len);
	if (is_root && (setresuid(0, 0, 0) < 0 || setresgid(0, 0, 0) < 0))
		return false;
	return ok;
}

/* A database that was made by root before. */
static void
give_words(char const *folder, struct account const *owner)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && geteuid() == 0 &&
		fstatat(fd, "wordlist.db", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == 0)
		(void)!fchownat(fd, "wordlist.db", owner->uid, owner->gid,
			AT_SYMLINK_NOFOLLOW);
	if (fd >= 0)
		close(fd);
}

static void
one(struct spam *s, int fd, char const *name)
{
	bool ok = read_text(s, fd);

	s->count++;
	switch (s->verb) {
	case VERB_LEARN:
		ok = ok && learn(s);
		break;
	case VERB_TEST:
		ok = ok && test(s, name);
		break;
	case VERB_TEXT:
		ok = ok && write_text(s, name);
		break;
	}
	if (!ok) {
		fprintf(stderr, "kereru: %s: %s\n", name, strerror(errno));
		s->failed++;
	}
}

static void path(struct spam *s, char const *name, unsigned depth);

/* Files of a folder; of a maildir those in new and cur. */
static void
folder(struct spam *s, char const *name, unsigned depth)
{
	DIR *dir = opendir(name);
	struct dirent *entry;

	if (dir == NULL) {
		fprintf(stderr, "kereru: %s: %s\n", name, strerror(errno));
		s->failed++;
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		char *below;
		struct stat st;

		if (entry->d_name[0] == '.' ||
			asprintf(&below, "%s/%s", name, entry->d_name) < 0)
			continue;
		if (stat(below, &st) == 0 &&
			(S_ISREG(st.st_mode) ||
				strcmp(entry->d_name, "new") == 0 ||
				strcmp(entry->d_name, "cur") == 0))
			path(s, below, depth + 1);
		free(below);
	}
	closedir(dir);
}

static void
path(struct spam *s, char const *name, unsigned depth)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		fprintf(stderr, "kereru: %s: %s\n", name, strerror(errno));
		s->failed++;
	} else if (S_ISDIR(st.st_mode) && depth < 2) {
		folder(s, name, depth);
	} else if (S_ISREG(st.st_mode)) {
		one(s, fd, name);
	}
	if (fd >= 0)
		close(fd);
}

static int
run(struct spam *s, int argc, char const *const *argv)
{
	if (s->verb == VERB_TEST &&
		!classifier_start(&s->classifier, s->program, s->folder)) {
		fprintf(stderr, "kereru: %s: %s\n", s->program,
			strerror(errno));
		return COMMAND_TEMPORARY;
	}
	if (argc == 0)
		one(s, 0, "standard input");
	for (int i = 0; i < argc; i++)
		path(s, argv[i], 0);
	classifier_end(&s->classifier);
	if (s->verb == VERB_LEARN)
		printf("%lu message%s learnt, %lu failed\n",
			s->count - s->failed,
			s->count - s->failed == 1 ? "" : "s", s->failed);
	if (fflush(stdout) != 0)
		return COMMAND_TEMPORARY;
	return s->failed > 0 ? COMMAND_TEMPORARY : COMMAND_OK;
}

static bool
parse(struct spam *s, int argc, char const *const *argv, int *at_r)
{
	bool forgets = false, is_spam;
	int i = 2;

	if (argc < 2)
		return false;
	if (strcmp(argv[1], "learn") == 0)
		s->verb = VERB_LEARN;
	else if (strcmp(argv[1], "test") == 0)
		s->verb = VERB_TEST;
	else if (strcmp(argv[1], "text") == 0)
		s->verb = VERB_TEXT;
	else
		return false;
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-d") == 0 && i + 1 < argc)
			s->folder = argv[++i];
		else if (strcmp(argv[i], "-m") == 0 && i + 1 < argc)
			s->mailbox = argv[++i];
		else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			s->out_folder = argv[++i];
		else if (strcmp(argv[i], "-u") == 0)
			forgets = true;
		else
			return false;
	}
	if (s->verb == VERB_LEARN) {
		if (i == argc || (strcmp(argv[i], "spam") != 0 &&
					 strcmp(argv[i], "ham") != 0))
			return false;
		is_spam = *argv[i++] == 's';
		s->lesson = is_spam ? (forgets ? CLASSIFIER_FORGET_SPAM
					       : CLASSIFIER_LEARN_SPAM)
				    : (forgets ? CLASSIFIER_FORGET_HAM
					       : CLASSIFIER_LEARN_HAM);
	}
	*at_r = i;
	return true;
}

/* Become the mailbox, whose rights are enough for all that follows: messages
 * are foreign, and so is what the owner put into the folder. */
static bool
become(struct values const *v, char const *mailbox)
{
	struct table users = TABLE_ZERO;
	uint32_t min, max;
	char tables[512];
	char const *home = NULL;
	uid_t uid;
	int fd, found = 0;
	bool ok;

	snprintf(tables, sizeof tables, "%s/tables", values_text(v, "state"));
	fd = open(tables, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && table_refresh(&users, fd, "users.cdb") &&
		setting_uids(values_text(v, "mailbox-uids"), &min, &max))
		found = user_find(&users, mailbox, strlen(mailbox), min, max,
			&uid, &home);
	if (fd >= 0)
		close(fd);
	ok = found > 0 && chdir(home) == 0 && privilege_drop(uid, uid);
	if (!ok)
		fprintf(stderr, "kereru: %s: %s\n", mailbox,
			found > 0 ? strerror(errno)
				  : "there is no such mailbox here");
	table_close(&users);
	if (!ok)
		return false;
	(void)umask(077);
	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && lessons_create(fd, LESSONS_NEW);
	if (!ok)
		fprintf(stderr, "kereru: %s: %s\n", LESSONS_FOLDER,
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

/* spam-gather(8) once, now. */
static int
gather(struct values const *v)
{
	char program[512], tables[512];

	snprintf(program, sizeof program, "%s/spam-gather",
		values_text(v, "libexec"));
	snprintf(tables, sizeof tables, "%s/tables", values_text(v, "state"));
	(void)execl(program, program, "-t", tables, "-1", (char *)NULL);
	fprintf(stderr, "kereru: %s: %s\n", program, strerror(errno));
	return COMMAND_TEMPORARY;
}

int
command_spam(struct command_context const *x, int argc, char const *const *argv)
{
	static struct spam s = {.classifier = CLASSIFIER_ZERO};
	struct values v = VALUES_ZERO;
	struct faults f = {0};
	char common[512];
	int at, code = COMMAND_PERMANENT;

	if (argc == 2 && strcmp(argv[1], "gather") == 0) {
		if (values_read(&v, x->folder, &f) && f.count == 0)
			code = gather(&v);
		values_free(&v);
		return code;
	}
	if (!parse(&s, argc, argv, &at)) {
		fputs(usage, stderr);
		return COMMAND_PERMANENT;
	}
	if (s.verb == VERB_TEXT)
		return run(&s, argc - at, argv + at);
	if (values_read(&v, x->folder, &f) && f.count == 0) {
		s.program = values_text(&v, "classifier");
		snprintf(common, sizeof common, "%s/check",
			values_text(&v, "state"));
		if (s.folder == NULL && s.mailbox == NULL &&
			values_account(&v, "check", &s.owner))
			give_words(common, &s.owner);
		if (s.folder == NULL)
			s.folder = common;
		if (s.mailbox != NULL)
			s.folder = LESSONS_FOLDER;
		if (*s.program == '\0')
			fprintf(stderr, "kereru: the settings name no "
					"classifier\n");
		else if (s.mailbox != NULL && !become(&v, s.mailbox))
			code = COMMAND_TEMPORARY;
		else
			code = run(&s, argc - at, argv + at);
	}
	values_free(&v);
	return code;
}
