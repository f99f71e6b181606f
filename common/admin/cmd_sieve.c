/*
 * `kereru sieve`: look for faults in a script, and apply one to mail that is
 * there already. Of what a script wants done, only what stays within the
 * mailbox is: nothing is sent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/stralloc.h>
#include "common/admin/command.h"
#include "common/keywordfile.h"
#include "common/maildir.h"
#include "common/privilege.h"
#include "common/quota.h"
#include "local/boxes.h"
#include "local/filter.h"
#include "local/sieve/flags.h"
#include "mime/header.h"

static char const usage[] =
	"usage: kereru sieve check SCRIPT...\n"
	"       kereru sieve run [-n] [-d] SCRIPT FOLDER\n"
	"FOLDER is a mailbox's maildir, or a folder in it (.Lists). -n shows "
	"what would\n"
	"be done, -d deletes what the script throws away.\n";

struct sieving {
	bool only_shows, deletes;
	stralloc script;
	struct sieve_program program;
	struct filter filter;
	struct boxes boxes;
	int folder_fd;
	char name[BOXNAME_MAX + 1]; /* of the folder */
	struct keywords keywords;
	stralloc message;
	unsigned long count, moved, failed;
};

static int
fail(char const *what, char const *on)
{
	fprintf(stderr, "kereru sieve: %s %s: %s\n", what, on, strerror(errno));
	return COMMAND_TEMPORARY;
}

static bool
read_all(int fd, size_t max, stralloc *out)
{
	ssize_t n = 1;

	while (n != 0 && out->len < max) {
		if (!stralloc_readyplus(out, 65536))
			return false;
		n = read(fd, out->s + out->len, 65536);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			out->len += (size_t)n;
	}
	return true;
}

static bool
read_script(char const *path, stralloc *out)
{
	int const fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	out->len = 0;
	if (fd < 0)
		return false;
	ok = stralloc_ready(out, 1) && read_all(fd, SIEVE_SCRIPT_MAX + 1, out);
	close(fd);
	return ok;
}

static void
tell_fault(char const *path, struct sieve_fault const *f)
{
	printf("%s: %s%sline %u: %s\n", path, f->script,
		f->script[0] != '\0' ? ", " : "", f->line, f->text);
}

static int
check(int argc, char const *const *argv)
{
	struct sieve_program p = SIEVE_PROGRAM_ZERO;
	stralloc text = STRALLOC_ZERO;
	struct sieve_fault fault;
	int code = COMMAND_OK;

	if (argc < 1)
		return fputs(usage, stderr), COMMAND_PERMANENT;
	for (int i = 0; i < argc; i++) {
		if (!read_script(argv[i], &text))
			return fail("can't read", argv[i]);
		if (!sieve_compile(&p, text.s, text.len, NULL, &fault)) {
			tell_fault(argv[i], &fault);
			code = COMMAND_PERMANENT;
		}
		sieve_program_free(&p);
	}
	stralloc_free(&text);
	return code;
}

/* The address in a field that delivery has put in front. */
static char const *
envelope_address(stralloc const *header, char const *name, size_t *len_r)
{
	struct header_field f;
	char const *s;
	size_t len;

	*len_r = 0;
	if (!header_find(header->s, header->len, name, &f))
		return "";
	s = f.value;
	len = f.value_len;
	while (len > 0 && strchr(" \t<", *s) != NULL) {
		s++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n>", s[len - 1]) != NULL)
		len--;
	*len_r = len;
	return s;
}

static void
evaluate(struct sieving *s, uint64_t size, struct sieve_result *result)
{
	stralloc const *const m = &s->message;
	stralloc header = *m;
	struct sieve_mail mail = {.message = m->s,
		.message_len = m->len,
		.size = size,
		.now = (int64_t)s->filter.now,
		.spam_percent = -1,
		.hostname = s->filter.hostname,
		.host = filter_host(&s->filter)};

	header.len = header_end(m->s, m->len, HEADER_MAX);
	mail.header = header.s;
	mail.header_len = header.len;
	mail.from = envelope_address(&header, "return-path", &mail.from_len);
	mail.to = envelope_address(&header, "delivered-to", &mail.to_len);
	mail.spam = filter_spam(header.s, header.len, false);
	if (mail.spam > 0)
		mail.spam_percent = (int)(mail.spam - 1) * 100 / 9;
	sieve_run(&s->program, &mail, result);
}

/* Where an action puts a copy; as on disk. */
static void
target_of(struct sieving const *s, struct sieve_action const *a, char *name_r)
{
	if (a->kind == SIEVE_DO_KEEP)
		strcpy(name_r, s->name);
	else if (a->use == NULL ||
		 !filter_find_use(s->boxes.root_fd, a->use, name_r))
		memcpy(name_r, a->target, a->target_len + 1);
}

/* The flags that the file has, by their names, and those of the script. */
static bool
all_flags(struct sieving const *s, char const *file, char const *more,
	stralloc *out)
{
	static char const *const names[FLAG_COUNT] = {
		"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"};
	struct filename f;

	filename_parse(file, strlen(file), &f);
	out->len = 0;
	for (unsigned i = 0; i < FLAG_COUNT; i++)
		if ((f.system >> i & 1) &&
			!sieve_flags_add(out, names[i], strlen(names[i])))
			return false;
	for (unsigned i = 0; i < FLAG_KEYWORDS_MAX; i++)
		if ((f.keywords >> i & 1) &&
			!sieve_flags_add(out, s->keywords.names[i],
				strlen(s->keywords.names[i])))
			return false;
	return sieve_flags_add(out, more, strlen(more)) && stralloc_0(out);
}

/* Another name of the file in another folder, durable. */
static bool
link_into(struct sieving *s, int from_fd, char const *file,
	struct sieve_action const *a, char const *name)
{
	char letters[FILENAME_MAX_LEN + 1], target[2 * FILENAME_MAX_LEN];
	int const to_fd = boxes_open_alone(
		&s->boxes, name, a->may_create || a->kind == SIEVE_DO_KEEP);
	stralloc flags = STRALLOC_ZERO;
	struct filename f;
	bool ok = to_fd >= 0;

	filename_parse(file, strlen(file), &f);
	ok = ok && all_flags(s, file, a->flags, &flags) &&
	     boxes_letters(to_fd, flags.s, letters);
	if (ok)
		snprintf(target, sizeof target, "cur/%.*s:2,%s",
			(int)f.base_len, file, letters);
	ok = ok && linkat(from_fd, file, to_fd, target, 0) == 0 &&
	     maildir_sync(to_fd, "cur");
	if (to_fd >= 0)
		close(to_fd);
	stralloc_free(&flags);
	return ok;
}

static void
show(char const *file, char const *what, char const *target)
{
	printf("%s %s%s%s\n", file, what, *target != '\0' ? " " : "", target);
}

/* True: it has been done, and the message need not stay for it. */
static bool
perform(struct sieving *s, int from_fd, char const *file,
	struct sieve_action const *a, bool *stays)
{
	static char const *const names[] = {
		"keep", "fileinto", "redirect", "reject", "vacation"};
	char name[BOXNAME_MAX + 1];

	if (a->kind != SIEVE_DO_KEEP && a->kind != SIEVE_DO_FILEINTO) {
		show(file, "not done:", names[a->kind]);
		/* What would go elsewhere is not lost for that. */
		*stays = true;
		return true;
	}
	target_of(s, a, name);
	if (strcmp(name, s->name) == 0) {
		*stays = true;
		return true;
	}
	show(file, "into", name);
	s->moved++;
	return s->only_shows || link_into(s, from_fd, file, a, name);
}

static bool
remove_file(struct sieving *s, int from_fd, char const *file, bool is_lost)
{
	if (s->only_shows)
		return true;
	if (unlinkat(from_fd, file, 0) < 0 || fsync(from_fd) < 0)
		return false;
	if (is_lost)
		quota_note(s->boxes.root_fd, -(int64_t)quota_size(file), -1);
	return true;
}

static bool
sort_file(struct sieving *s, int from_fd, char const *file)
{
	static struct sieve_result result;
	int const fd = openat(from_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool ok, stays = false;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT;
	s->message.len = 0;
	ok = fstat(fd, &st) == 0 && stralloc_ready(&s->message, 1) &&
	     read_all(fd, SIEVE_BODY_MAX, &s->message);
	close(fd);
	if (!ok)
		return false;
	evaluate(s, (uint64_t)st.st_size, &result);
	if (result.failed) {
		tell_fault(file, &result.fault);
		stays = true;
	}
	for (size_t i = 0; ok && !result.failed && i < result.count; i++)
		ok = perform(s, from_fd, file, &result.actions[i], &stays);
	if (ok && result.count == 0)
		show(file, s->deletes ? "deleted" : "would be thrown away", "");
	if (ok && !stays && (result.count > 0 || s->deletes))
		ok = remove_file(s, from_fd, file, result.count == 0);
	sieve_result_free(&result);
	return ok;
}

/* The names first: what is moved must not be met again. */
static bool
sort_folder(struct sieving *s, char const *sub)
{
	int const fd = openat(s->folder_fd, sub,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	stralloc names = STRALLOC_ZERO;
	struct dirent const *e;
	bool ok = true;

	if (d == NULL)
		return false;
	while (ok && (e = readdir(d)) != NULL)
		ok = e->d_name[0] == '.' ||
		     stralloc_catb(&names, e->d_name, strlen(e->d_name) + 1);
	for (size_t pos = 0; ok && pos < names.len;
		pos += strlen(names.s + pos) + 1) {
		s->count++;
		if (!sort_file(s, fd, names.s + pos)) {
			(void)fail("can't sort", names.s + pos);
			s->failed++;
		}
	}
	closedir(d);
	stralloc_free(&names);
	return ok;
}

/* The maildir that a folder belongs to, and its name there. */
static bool
open_folder(struct sieving *s, char const *path)
{
	char const *base = strrchr(path, '/');
	struct stat st;

	base = base != NULL ? base + 1 : path;
	s->folder_fd =
		open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->folder_fd < 0 || fstat(s->folder_fd, &st) < 0)
		return false;
	/* Whose mailbox it is does the rest. */
	if (geteuid() == 0 && st.st_uid != 0 &&
		!privilege_drop(st.st_uid, st.st_gid))
		return false;
	strcpy(s->name, "INBOX");
	s->boxes.root_fd = s->folder_fd;
	if (*base == '.' && boxname_check(base + 1, strlen(base + 1), s->name))
		s->boxes.root_fd = openat(
			s->folder_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->filter.root_fd = s->boxes.root_fd;
	return s->boxes.root_fd >= 0 &&
	       keywords_read(&s->keywords, s->folder_fd);
}

static int
run(struct sieving *s, char const *script, char const *folder)
{
	struct sieve_fault fault;
	bool ok;

	if (!read_script(script, &s->script))
		return fail("can't read", script);
	if (!sieve_compile(
		    &s->program, s->script.s, s->script.len, NULL, &fault)) {
		tell_fault(script, &fault);
		return COMMAND_PERMANENT;
	}
	if (!open_folder(s, folder))
		return fail("can't open", folder);
	ok = sort_folder(s, "new") && sort_folder(s, "cur");
	if (!ok)
		return fail("can't read", folder);
	printf("%lu messages, %lu %s\n", s->count, s->moved,
		s->only_shows ? "would be moved" : "moved");
	return s->failed > 0 ? COMMAND_TEMPORARY : COMMAND_OK;
}

int
command_sieve(
	struct command_context const *x, int argc, char const *const *argv)
{
	static struct sieving s;
	int i = 2;

	(void)x;
	s.filter.hostname = "localhost";
	s.filter.now = (uint64_t)time(NULL);
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return check(argc - 2, argv + 2);
	for (; i < argc && argv[i][0] == '-'; i++) {
		s.only_shows = s.only_shows || strcmp(argv[i], "-n") == 0;
		s.deletes = s.deletes || strcmp(argv[i], "-d") == 0;
		if (strcmp(argv[i], "-n") != 0 && strcmp(argv[i], "-d") != 0)
			argc = 0;
	}
	if (argc != i + 2 || strcmp(argv[1], "run") != 0)
		return fputs(usage, stderr), COMMAND_PERMANENT;
	return run(&s, argv[i], argv[i + 1]);
}
