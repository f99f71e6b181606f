/* A mailbox's Sieve script over a message that arrives; see filter.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/queuebody.h"
#include "common/use.h"
#include "local/filter.h"
#include "local/forwardfile.h"
#include "local/seen.h"
#include "local/sieve/name.h"
#include "mime/header.h"

#define PATH_ROOM (SIEVE_NAME_SCRIPT_MAX + 32)
/* Received fields of a message of its own header. */
#define ADDED_MAX (128 * 1024)

/* A file of the mailbox's own that nobody else writes to. */
static int
read_file(int fd, stralloc *text)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st) < 0)
		return -1;
	errno = EPERM;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
		(st.st_mode & S_IWOTH))
		return -1;
	errno = EFBIG;
	if (st.st_size > SIEVE_SCRIPT_MAX ||
		!stralloc_readyplus(text, SIEVE_SCRIPT_MAX + 1))
		return -1;
	for (size_t left = SIEVE_SCRIPT_MAX; left > 0 && n != 0;) {
		n = read(fd, text->s + text->len, left);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			text->len += (size_t)n;
			left -= (size_t)n;
		}
	}
	return 1;
}

static int
read_at(int root_fd, char const *path, stralloc *text)
{
	int const fd = openat(
		root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int r, error;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	r = read_file(fd, text);
	error = errno;
	close(fd);
	errno = error;
	return r;
}

int
filter_read_script(int root_fd, char const *name, stralloc *text)
{
	char file[PATH_ROOM];
	int const folder = openat(root_fd, FILTER_FOLDER,
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (folder < 0)
		return errno == ENOENT ? 0 : -1;
	snprintf(file, sizeof file, "%s%s", name, FILTER_SUFFIX);
	r = read_at(folder, file, text);
	close(folder);
	return r;
}

/* What the link says: "sieve/NAME.sieve", and nothing else is followed. */
static bool
script_of(char const *target, size_t len, char *name_r)
{
	static char const folder[] = FILTER_FOLDER "/";
	static char const suffix[] = FILTER_SUFFIX;
	size_t const around = sizeof folder - 1 + sizeof suffix - 1;

	if (len <= around || len - around > SIEVE_NAME_SCRIPT_MAX ||
		memcmp(target, folder, sizeof folder - 1) != 0 ||
		memcmp(target + len - (sizeof suffix - 1), suffix,
			sizeof suffix - 1) != 0)
		return false;
	memcpy(name_r, target + sizeof folder - 1, len - around);
	name_r[len - around] = '\0';
	return sieve_name_script(name_r, len - around);
}

enum filter_active
filter_active(int root_fd, char name_r[SIEVE_NAME_SCRIPT_MAX + 1])
{
	char target[PATH_ROOM];
	ssize_t const n =
		readlinkat(root_fd, FILTER_ACTIVE, target, sizeof target);

	if (n < 0)
		return errno == ENOENT	 ? FILTER_NONE
		       : errno == EINVAL ? FILTER_FILE
					 : FILTER_ODD;
	errno = ELOOP;
	return (size_t)n < sizeof target && script_of(target, (size_t)n, name_r)
		       ? FILTER_LINK
		       : FILTER_ODD;
}

/* The file that stands for a script. */
static int
read_forward(int root_fd, stralloc *text, stralloc *programs)
{
	stralloc file = STRALLOC_ZERO;
	int r = read_at(root_fd, FILTER_FORWARD, &file);

	errno = ENOMEM;
	if (r > 0 && !forwardfile_script(text, file.s, file.len, programs))
		r = -1;
	stralloc_free(&file);
	return r;
}

int
filter_read(int root_fd, stralloc *text, stralloc *programs)
{
	char name[SIEVE_NAME_SCRIPT_MAX + 1];

	switch (filter_active(root_fd, name)) {
	case FILTER_NONE:
		return read_forward(root_fd, text, programs);
	case FILTER_FILE:
		return read_at(root_fd, FILTER_ACTIVE, text);
	case FILTER_LINK:
		return filter_read_script(root_fd, name, text);
	case FILTER_ODD:
		break;
	}
	return -1;
}

static int
load(void *data, char const *name, bool is_global, stralloc *text)
{
	struct filter const *const f = data;

	/* There are no scripts for all mailboxes. */
	return is_global ? 0 : filter_read_script(f->root_fd, name, text);
}

static bool
mailbox_exists(void *data, char const *name)
{
	struct filter const *const f = data;
	char dir[BOXNAME_MAX + 8];
	struct stat st;

	boxname_dir(name, dir);
	strcat(dir, "/cur");
	return fstatat(f->root_fd, dir, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static bool
is_used_for(int root_fd, char const *name, char const *use)
{
	char uses[USE_MAX];
	char const *at = uses;
	size_t const len = strlen(use);

	use_of(root_fd, name, uses);
	while (*at != '\0') {
		size_t const n = strcspn(at, " ");

		if (n == len && strncasecmp(at, use, len) == 0)
			return true;
		at += n + strspn(at + n, " ");
	}
	return false;
}

bool
filter_find_use(int root_fd, char const *use, char name_r[BOXNAME_MAX + 1])
{
	int const fd = openat(
		root_fd, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;
	bool found = false;

	if (d == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL)
		found = e->d_name[0] == '.' &&
			boxname_check(
				e->d_name + 1, strlen(e->d_name + 1), name_r) &&
			is_used_for(root_fd, name_r, use);
	closedir(d);
	return found;
}

static bool
has_use(void *data, char const *name, char const *use)
{
	struct filter const *const f = data;
	char any[BOXNAME_MAX + 1];

	if (name == NULL)
		return filter_find_use(f->root_fd, use, any);
	return mailbox_exists(data, name) && is_used_for(f->root_fd, name, use);
}

static bool
was_seen(void *data, char const *handle, size_t handle_len, char const *id,
	size_t id_len)
{
	struct filter const *const f = data;
	char hash[SEEN_HASH_SIZE];

	seen_hash(hash, SEEN_MESSAGE, handle, handle_len, id, id_len);
	return seen_has(f->root_fd, hash, f->now);
}

struct sieve_host
filter_host(struct filter const *f)
{
	return (struct sieve_host){.data = (void *)(uintptr_t)f,
		.mailbox_exists = mailbox_exists,
		.has_use = has_use,
		.was_seen = was_seen};
}

unsigned
filter_spam(char const *added, size_t len, bool is_junk)
{
	struct header_field field;
	size_t at = 0;
	unsigned score = 0;

	if (len == 0 || !header_find(added, len, "x-spam", &field))
		return is_junk ? 10 : 0;
	while (at < field.value_len && strchr(" \t", field.value[at]) != NULL)
		at++;
	if (is_junk)
		return 10;
	if (field.value_len - at >= 3 &&
		strncasecmp(field.value + at, "yes", 3) == 0)
		return 8;
	/* "no; score=3.25": 1 is surely none, 7 is nearly. */
	while (at < field.value_len && field.value[at] != '=')
		at++;
	for (at++; at < field.value_len && score < 6 &&
		   field.value[at] >= '0' && field.value[at] <= '9';
		at++)
		score = score * 10 + (unsigned)(field.value[at] - '0');
	return 1 + (score > 6 ? 6 : score);
}

static void
put(void *data, char const *s, size_t len)
{
	stralloc *const out = data;

	/* There was room made for it. */
	if (len <= out->a - out->len) {
		memcpy(out->s + out->len, s, len);
		out->len += len;
	}
}

static bool
read_part(int fd, uint64_t offset, uint64_t len, stralloc *out)
{
	errno = ENOMEM;
	if (!stralloc_readyplus(out, (size_t)len + 1))
		return false;
	switch (queuebody_copy(fd, offset, len, put, out)) {
	case QUEUEBODY_OK:
		return true;
	case QUEUEBODY_SHORT:
		errno = EIO;
		return false;
	case QUEUEBODY_FAILED:
		return false;
	}
	return false;
}

/* Without the empty line at its end. */
static size_t
without_end(char const *s, size_t len)
{
	if (len > 0 && s[len - 1] == '\n' && (len == 1 || s[len - 2] == '\n'))
		return len - 1;
	if (len > 1 && s[len - 1] == '\n' && s[len - 2] == '\r' &&
		(len == 2 || s[len - 3] == '\n'))
		return len - 2;
	return len;
}

/* The header, and as much of the rest as the script looks at. */
static bool
read_message(struct job const *job, int fd, bool reads_body,
	struct filtered *out, stralloc *message)
{
	uint64_t const added =
		job->added_len < ADDED_MAX ? job->added_len : ADDED_MAX;
	size_t const max = reads_body ? SIEVE_BODY_MAX : HEADER_MAX;
	uint64_t const wanted = job->message_len < max ? job->message_len : max;

	if (!read_part(fd, job->added_offset, added, &out->header) ||
		!read_part(fd, job->message_offset, wanted, message))
		return false;
	out->own_len = header_end(message->s, message->len, HEADER_MAX);
	out->is_header_whole =
		added == job->added_len &&
		(out->own_len < message->len || wanted == job->message_len) &&
		!(job->flags & QUEUEFILE_BINARY);
	errno = ENOMEM;
	return stralloc_catb(&out->header, message->s,
		without_end(message->s, out->own_len));
}

static void
evaluate(struct filter const *f, struct sieve_program const *p,
	struct job const *job, stralloc const *message, struct filtered *out)
{
	struct job_recipient const *const to = &job->recipients[0];
	unsigned const spam = filter_spam(out->header.s,
		job->added_len < ADDED_MAX ? job->added_len : ADDED_MAX,
		(job->flags & QUEUEFILE_JUNK) != 0);
	struct sieve_mail const mail = {.header = out->header.s,
		.header_len = out->header.len,
		.message = message->s,
		.message_len = message->len,
		.size = job->message_len,
		.from = job->sender,
		.from_len = job->sender_len,
		.to = to->address,
		.to_len = to->address_len,
		.now = (int64_t)f->now,
		.spam = spam,
		.spam_percent = spam > 0 ? (int)(spam - 1) * 100 / 9 : -1,
		.hostname = f->hostname,
		.host = filter_host(f)};

	sieve_run(p, &mail, &out->result);
}

/* A script that can't be run keeps the message. */
static void
set_fault(struct sieve_result *r, struct sieve_fault const *fault)
{
	*r = (struct sieve_result){.failed = true, .fault = *fault, .count = 1};
	r->actions[0] = (struct sieve_action){
		.kind = SIEVE_DO_KEEP, .target = "", .flags = ""};
}

bool
filter_run(struct filter const *f, stralloc const *script,
	struct job const *job, int fd, struct filtered *out)
{
	struct sieve_program p = SIEVE_PROGRAM_ZERO;
	struct sieve_loader const loader = {
		.data = (void *)(uintptr_t)f, .load = load};
	stralloc message = STRALLOC_ZERO;
	struct sieve_fault fault;
	bool compiled, ok;
	int error;

	out->header = (stralloc)STRALLOC_ZERO;
	out->result.count = 0;
	out->result.memory = (struct sieve_memory){0};
	compiled = sieve_compile(&p, script->len > 0 ? script->s : "",
		script->len, &loader, &fault);
	ok = read_message(job, fd, p.reads_body, out, &message);
	error = errno;
	if (ok && compiled)
		evaluate(f, &p, job, &message, out);
	else if (ok)
		set_fault(&out->result, &fault);
	stralloc_free(&message);
	sieve_program_free(&p);
	errno = error;
	return ok;
}

void
filter_free(struct filtered *f)
{
	stralloc_free(&f->header);
	sieve_result_free(&f->result);
}
