/* Counting how sessions went: see stscounts.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "common/log.h"
#include "remote/stscounts.h"

static void
day_of(time_t t, char day_r[11])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
		strftime(day_r, 11, "%Y-%m-%d", &tm) == 0)
		memcpy(day_r, "0000-00-00", 11);
}

/* Of a success nothing but the number is ever told. */
static void
make_line(struct stswire_report const *r, char line_r[STSCOUNTS_LINE])
{
	bool is_success = r->result == TLSRPT_SUCCESS;

	snprintf(line_r, STSCOUNTS_LINE,
		"%s\t%s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s\n",
		tlsrpt_policy_name(r->policy), tlsrpt_name(r->result),
		(int)r->domain_len, r->domain,
		is_success ? 0 : (int)r->host_len, r->host,
		is_success ? 0 : (int)r->to_len, r->to,
		is_success ? 0 : (int)r->from_len, r->from,
		is_success ? 0 : (int)r->why_len, r->why);
}

static void
remove_old(struct stscounts const *c, time_t now)
{
	char oldest[11];
	int fd = openat(c->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;

	day_of(now - (time_t)STSCOUNTS_DAYS * 24 * 3600, oldest);
	while (folder != NULL && (e = readdir(folder)) != NULL)
		if (e->d_name[0] != '.' && strcmp(e->d_name, oldest) < 0)
			(void)unlinkat(c->folder_fd, e->d_name, 0);
	if (folder != NULL)
		closedir(folder);
}

void
stscounts_add(struct stscounts *c, struct stswire_report const *r, time_t now)
{
	char line[STSCOUNTS_LINE], day[11];

	day_of(now, day);
	if (strcmp(day, c->day) != 0) {
		stscounts_save(c);
		memcpy(c->day, day, sizeof day);
		remove_old(c, now);
	}
	make_line(r, line);
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->list[i].line, line) == 0) {
			c->list[i].n++;
			return;
		}
	if (c->count == STSCOUNTS_MAX)
		stscounts_save(c);
	memcpy(c->list[c->count].line, line, sizeof line);
	c->list[c->count++].n = 1;
}

static bool
write_all(struct stscounts *c, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < c->count; i++) {
		char text[STSCOUNTS_LINE + 24];
		int n = snprintf(text, sizeof text, "%llu\t%s",
			(unsigned long long)c->list[i].n, c->list[i].line);
		st.st_size += n;
		if (st.st_size > STSCOUNTS_FILE_MAX) {
			errno = EFBIG;
			return false;
		}
		if (allwrite(fd, text, (size_t)n) < (size_t)n)
			return false;
	}
	return true;
}

void
stscounts_save(struct stscounts *c)
{
	int fd;
	bool ok;

	if (c->count == 0)
		return;
	fd = openat(c->folder_fd, c->day,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	ok = fd >= 0 && write_all(c, fd);
	if (!ok && !c->has_failed)
		log_error("counts-not-written", NULL, "day", c->day, (char *)0);
	c->has_failed = !ok;
	c->count = 0;
	if (fd >= 0)
		close(fd);
}
