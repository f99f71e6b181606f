/* The logs of all services, as one; see logs.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/admin/logs.h"

/* s6-log's files: @ and a TAI64N stamp, which sorts by time; then current. */
static int
is_log(struct dirent const *e)
{
	return *e->d_name == '@' || strcmp(e->d_name, "current") == 0;
}

static int
is_service(struct dirent const *e)
{
	return *e->d_name != '.' &&
	       strlen(e->d_name) < sizeof((struct logs_service *)0)->name;
}

static bool
map_file(int folder_fd, char const *name, struct logs_file *f_r)
{
	int const fd =
		openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	bool ok = true;

	*f_r = (struct logs_file){0};
	/* It may have been removed since the folder was read. */
	if (fd < 0)
		return errno == ENOENT;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		f_r->len = (size_t)st.st_size;
		f_r->map = mmap(NULL, f_r->len, PROT_READ, MAP_PRIVATE, fd, 0);
		ok = f_r->map != MAP_FAILED;
		if (!ok)
			f_r->map = NULL;
	}
	close(fd);
	return ok;
}

static bool
map_service(int folder_fd, struct logs_service *s)
{
	int const fd =
		openat(folder_fd, s->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries = NULL;
	int n = fd < 0 ? -1 : scandirat(fd, ".", &entries, is_log, alphasort);
	bool ok = n >= 0;

	s->files = n > 0 ? calloc((size_t)n, sizeof *s->files) : NULL;
	for (int i = 0; i < n; i++) {
		ok = ok && s->files != NULL &&
		     map_file(fd, entries[i]->d_name, &s->files[s->count++]);
		free(entries[i]);
	}
	free(entries);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
is_wanted(char const *name, char const *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return count == 0;
}

bool
logs_open(struct logs *logs, int folder_fd, char const *const *names,
	size_t count)
{
	struct dirent **entries = NULL;
	int const n =
		scandirat(folder_fd, ".", &entries, is_service, alphasort);
	bool ok = n >= 0;

	*logs = (struct logs){0};
	for (int i = 0; i < n; i++) {
		char const *const name = entries[i]->d_name;
		if (ok && is_wanted(name, names, count) &&
			logs->count < LOGS_SERVICES_MAX) {
			struct logs_service *s = &logs->services[logs->count++];
			strcpy(s->name, name);
			ok = map_service(folder_fd, s);
		}
		free(entries[i]);
	}
	free(entries);
	logs_seek(logs, NULL, NULL);
	return ok;
}

/* The next line in a file, from s->pos on; false: it has none. */
static bool
next_in_file(struct logs const *logs, struct logs_service *s)
{
	struct logs_file const *f = &s->files[s->at];

	while (s->pos < f->len) {
		char const *start = f->map + s->pos;
		char const *end = f->map + f->len;
		if (logs->needle != NULL) {
			char const *found = memmem(start, (size_t)(end - start),
				logs->needle, logs->needle_len);
			char const *lf;
			if (found == NULL)
				return false;
			lf = memrchr(start, '\n', (size_t)(found - start));
			start = lf == NULL ? start : lf + 1;
		}
		char const *lf = memchr(start, '\n', (size_t)(end - start));
		if (lf == NULL)
			lf = end;
		s->pos = (size_t)(lf - f->map) + 1;
		s->text = start;
		s->text_len = (size_t)(lf - start);
		if (logline_parse(start, s->text_len, &s->line))
			return true;
	}
	return false;
}

static void
step(struct logs const *logs, struct logs_service *s)
{
	s->has_line = false;
	while (s->at < s->count && !s->has_line) {
		s->has_line = next_in_file(logs, s);
		if (!s->has_line) {
			s->at++;
			s->pos = 0;
		}
	}
}

/* Where the line begins that pos lies in. */
static size_t
line_start(struct logs_file const *f, size_t pos)
{
	char const *lf = memrchr(f->map, '\n', pos);

	return lf == NULL ? 0 : (size_t)(lf - f->map) + 1;
}

static bool
is_before(struct logs_file const *f, size_t pos, char const *since)
{
	size_t const len = strlen(since);

	return f->len - pos > len && memcmp(f->map + pos, since, len) < 0;
}

/* Lines of a file stand in the order of time: the first that is not before. */
static size_t
find_time(struct logs_file const *f, char const *since)
{
	size_t low = 0, high = f->len;

	while (low < high) {
		size_t const at = line_start(f, low + (high - low) / 2);
		char const *lf;
		if (!is_before(f, at, since)) {
			high = at;
			continue;
		}
		lf = memchr(f->map + at, '\n', f->len - at);
		low = lf == NULL ? f->len : (size_t)(lf - f->map) + 1;
	}
	return low;
}

static void
seek(struct logs_service *s, char const *since)
{
	s->at = s->pos = 0;
	if (since == NULL)
		return;
	for (; s->at < s->count; s->at++) {
		s->pos = find_time(&s->files[s->at], since);
		if (s->pos < s->files[s->at].len)
			return;
	}
}

void
logs_seek(struct logs *logs, char const *since, char const *needle)
{
	logs->needle = needle;
	logs->needle_len = needle == NULL ? 0 : strlen(needle);
	for (size_t i = 0; i < logs->count; i++) {
		seek(&logs->services[i], since);
		step(logs, &logs->services[i]);
	}
}

bool
logs_next(struct logs *logs, struct logs_line *line_r)
{
	struct logs_service *first = NULL;

	for (size_t i = 0; i < logs->count; i++) {
		struct logs_service *s = &logs->services[i];
		if (s->has_line &&
			(first == NULL || memcmp(s->line.time, first->line.time,
						  LOGLINE_TIME_LEN) < 0))
			first = s;
	}
	if (first == NULL)
		return false;
	*line_r = (struct logs_line){
		first->name, first->text, first->text_len, first->line};
	step(logs, first);
	return true;
}

void
logs_close(struct logs *logs)
{
	for (size_t i = 0; i < logs->count; i++) {
		struct logs_service *s = &logs->services[i];
		for (size_t k = 0; k < s->count; k++)
			if (s->files[k].map != NULL)
				munmap(s->files[k].map, s->files[k].len);
		free(s->files);
	}
	logs->count = 0;
}
