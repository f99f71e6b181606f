/* Mail brought into a mailbox; see import.h. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/sandbox.h"
#include "common/admin/import.h"

#define TIMEOUT_MS 600000
#define BATCH_MAX 100
#define BATCH_OCTETS (16u << 20)
#define BAR 30

static bool
fail(struct import const *m, char const *what)
{
	fprintf(stderr, "%skereru: import: %s: %s\n",
		m->is_terminal ? "\n" : "", what, strerror(errno));
	return false;
}

/* The file with the marks, locked: two runs would bring all twice. */
static bool
open_marks(struct import *m, char const *source)
{
	unsigned char hash[16];
	char name[64] = "kereru-import-", block[8192];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	ssize_t n;

	crypto_generichash(hash, sizeof hash, (unsigned char const *)source,
		strlen(source), NULL, 0);
	sodium_bin2hex(
		name + strlen(name), 2 * sizeof hash + 1, hash, sizeof hash);
	m->mark_fd = open(name,
		O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (m->mark_fd < 0)
		return fail(m, name);
	if (fcntl(m->mark_fd, F_SETLK, &lock) < 0)
		return fail(m, "another run of the same import");
	while ((n = read(m->mark_fd, block, sizeof block)) > 0)
		if (!stralloc_catb(&m->marks, block, (size_t)n))
			return fail(m, "memory");
	/* Each line becomes a string; what a crash has cut short is none. */
	while (m->marks.len > 0 && m->marks.s[m->marks.len - 1] != '\n')
		m->marks.len--;
	for (size_t i = 0; i < m->marks.len; i++)
		if (m->marks.s[i] == '\n')
			m->marks.s[i] = '\0';
	return n == 0 || fail(m, name);
}

char const *
import_mark(struct import const *m, char const *head)
{
	char const *found = NULL;
	size_t const len = strlen(head);

	for (size_t i = 0; i < m->marks.len; i += strlen(m->marks.s + i) + 1)
		if (strncmp(m->marks.s + i, head, len) == 0)
			found = m->marks.s + i + len;
	return found;
}

static bool
write_marks(struct import *m)
{
	size_t at = 0;

	while (at < m->batch_marks.len) {
		ssize_t const n = write(m->mark_fd, m->batch_marks.s + at,
			m->batch_marks.len - at);
		if (n < 0 && errno != EINTR)
			return fail(m, "kereru-import");
		at += n > 0 ? (size_t)n : 0;
	}
	m->batch_marks.len = 0;
	return fdatasync(m->mark_fd) == 0 || fail(m, "kereru-import");
}

bool
import_start(struct import *m, char const *const *argv, char const *source)
{
	int in[2], out[2];
	pid_t pid;

	m->is_terminal = isatty(2) == 1;
	m->what = source;
	if (!open_marks(m, source))
		return false;
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return fail(m, "pipe");
	pid = fork();
	if (pid == 0) {
		if (dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1)
			execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(111);
	}
	close(in[0]);
	close(out[1]);
	if (pid < 0)
		return fail(m, "fork");
	stream_init(&m->stream, out[0], in[1], TIMEOUT_MS);
	return true;
}

void
import_confine(int source_fd)
{
	struct sandbox const sandbox = {.filter = SANDBOX_IMPORT,
		.may_write = true,
		.read_only = {source_fd},
		.read_only_count = source_fd >= 0};

	sandbox_enter_or_exit(&sandbox);
}

/* The answer to the command `x`; its text, without the status. */
static bool
answer(struct import *m, bool *ok_r, char text_r[256])
{
	char const *line;
	size_t len;

	do
		if (stream_line(&m->stream, STREAM_IN - 2, &line, &len, NULL) <=
			0)
			return fail(m, "imapd");
	while (len < 4 || line[0] != 'x' || line[1] != ' ');
	*ok_r = line[2] == 'O';
	(void)snprintf(text_r, 256, "%.*s", (int)(len < 250 ? len - 2 : 250),
		line + 2);
	for (char *p = text_r; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return true;
}

static bool
refused(struct import const *m, char const *text)
{
	fprintf(stderr, "%skereru: import: %s: %s\n",
		m->is_terminal ? "\n" : "", m->folder, text);
	return false;
}

/* On a terminal the bar of the folder that is being brought. */
static void
tell(struct import *m, bool is_end)
{
	uint64_t const percent =
		m->all == 0 || m->done >= m->all ? 100 : m->done * 100 / m->all;
	char bar[BAR + 1];

	if (!m->is_terminal || (percent == m->told_percent && !is_end))
		return;
	m->told_percent = percent;
	for (size_t i = 0; i < BAR; i++)
		bar[i] = i * 100 < percent * BAR ? '#' : '.';
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %3u%% %s: %lu%s", bar, (unsigned)percent,
		m->folder, m->folder_brought, is_end ? "\n" : "");
}

/* The folder here that has this use already: name_r. */
static bool
find_use(struct import *m, char const *use, char *name_r, bool *found_r)
{
	char const *line, *end, *name;
	size_t len;

	*found_r = false;
	stream_puts(&m->stream, "x LIST (SPECIAL-USE) \"\" *\r\n");
	for (;;) {
		if (stream_line(&m->stream, STREAM_IN - 2, &line, &len, NULL) <=
			0)
			return fail(m, "imapd");
		if (len > 2 && line[0] == 'x' && line[1] == ' ')
			return true;
		/* "* LIST (\Sent) "." "name"" */
		end = memchr(line, ')', len);
		name = len > 1 ? memrchr(line, '"', len - 1) : NULL;
		if (end == NULL || name == NULL || name < end ||
			memmem(line, (size_t)(end - line), use, strlen(use)) ==
				NULL)
			continue;
		*found_r = boxname_check(
			name + 1, (size_t)(line + len - name) - 2, name_r);
	}
}

bool
import_folder(struct import *m, char const *name, char const *use, uint64_t all)
{
	char text[256];
	bool ok, found = false;

	strcpy(m->folder, name);
	if (*use != '\0' && !find_use(m, use, m->folder, &found))
		return false;
	m->keywords = 0;
	m->done = 0;
	m->all = all;
	m->told_percent = 101;
	m->folder_brought = 0;
	tell(m, false);
	if (found || boxname_is_inbox(name))
		return true;
	stream_puts(&m->stream, "x CREATE \"");
	stream_puts(&m->stream, name);
	stream_puts(&m->stream, "\"");
	if (*use != '\0') {
		stream_puts(&m->stream, " (USE (");
		stream_puts(&m->stream, use);
		stream_puts(&m->stream, "))");
	}
	stream_puts(&m->stream, "\r\n");
	if (!answer(m, &ok, text))
		return false;
	return ok || strncmp(text, "NO [ALREADYEXISTS]", 18) == 0 ||
	       refused(m, text);
}

/* The APPEND that has been given is done, and known to be. */
static bool
end_batch(struct import *m)
{
	char text[256];
	bool ok;

	if (m->in_batch == 0)
		return true;
	stream_puts(&m->stream, "\r\n");
	if (!answer(m, &ok, text))
		return false;
	if (!ok)
		return refused(m, text);
	m->brought += m->in_batch;
	m->folder_brought += m->in_batch;
	m->in_batch = 0;
	m->octets_in_batch = 0;
	return write_marks(m);
}

/* A folder has room for so many names of keywords; more are left behind. */
static bool
has_room(struct import *m, char const *s, size_t len)
{
	if (*s == '\\')
		return true;
	for (unsigned i = 0; i < m->keywords; i++)
		if (strlen(m->names[i]) == len &&
			strncasecmp(m->names[i], s, len) == 0)
			return true;
	if (m->keywords == sizeof m->names / sizeof *m->names)
		return false;
	memcpy(m->names[m->keywords], s, len);
	m->names[m->keywords++][len] = '\0';
	return true;
}

static void
put_flags(struct import *m, char const *flags)
{
	char const *blank = " (";

	while (*flags != '\0') {
		size_t const len = strcspn(flags, " ");
		if (has_room(m, flags, len)) {
			stream_puts(&m->stream, blank);
			stream_write(&m->stream, flags, len);
			blank = " ";
		}
		flags += len;
		flags += *flags == ' ';
	}
	if (blank[1] == '\0')
		stream_puts(&m->stream, ")");
}

static void
put_date(struct import *m, int64_t date)
{
	static char const months[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t const t = date;
	char text[64];
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 8099 || tm.tm_year < 0)
		return;
	(void)snprintf(text, sizeof text,
		" \"%02d-%s-%04d %02d:%02d:%02d +0000\"", tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		tm.tm_sec);
	stream_puts(&m->stream, text);
}

/* No other host would have shown them, and no literal may hold them (RFC 9051,
 * 4.3). */
static void
take_out_nuls(stralloc *text)
{
	char *to = memchr(text->s, '\0', text->len);
	char const *const end = text->s + text->len;

	if (to == NULL)
		return;
	for (char const *from = to; from < end; from++)
		if (*from != '\0')
			*to++ = *from;
	text->len = (size_t)(to - text->s);
}

bool
import_put(struct import *m, struct import_message *message, char const *mark,
	uint64_t step)
{
	char text[64];

	if (message->text.len > 0)
		take_out_nuls(&message->text);
	if (message->text.len == 0) {
		import_skip(m, step);
		return true;
	}
	if (m->in_batch == 0) {
		stream_puts(&m->stream, "x APPEND \"");
		stream_puts(&m->stream, m->folder);
		stream_puts(&m->stream, "\"");
	}
	put_flags(m, message->flags);
	if (message->has_date)
		put_date(m, message->date);
	(void)snprintf(text, sizeof text, " {%zu+}\r\n", message->text.len);
	stream_puts(&m->stream, text);
	stream_write(&m->stream, message->text.s, message->text.len);
	m->in_batch++;
	m->octets_in_batch += message->text.len;
	m->done += step;
	if (!stralloc_cats(&m->batch_marks, mark) ||
		!stralloc_append(&m->batch_marks, '\n'))
		return fail(m, "memory");
	if ((m->in_batch == BATCH_MAX || m->octets_in_batch > BATCH_OCTETS) &&
		!end_batch(m))
		return false;
	tell(m, false);
	return true;
}

void
import_skip(struct import *m, uint64_t step)
{
	m->skipped++;
	m->done += step;
	tell(m, false);
}

bool
import_end(struct import *m)
{
	if (!end_batch(m))
		return false;
	m->done = m->all;
	tell(m, true);
	if (!m->is_terminal)
		fprintf(stderr, "%s: %lu\n", m->folder, m->folder_brought);
	return true;
}

bool
import_finish(struct import *m)
{
	char text[256];
	bool ok;
	int status;

	stream_puts(&m->stream, "x LOGOUT\r\n");
	ok = answer(m, &ok, text);
	close(m->stream.in_fd);
	close(m->stream.out_fd);
	(void)wait(&status);
	return ok;
}

static bool
is_flag_char(char c)
{
	return c > ' ' && c < 127 && strchr("(){%*\"\\]", c) == NULL;
}

void
import_flag(struct import_message *message, char const *s, size_t len)
{
	static char const *const system[] = {
		"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"};
	size_t const used = strlen(message->flags);
	bool ok = len > 0 && len <= 64;

	if (len > 0 && *s == '\\') {
		ok = false;
		for (size_t i = 0; i < sizeof system / sizeof *system; i++)
			ok = ok || (strlen(system[i]) == len &&
					   strncasecmp(system[i], s, len) == 0);
	} else {
		for (size_t i = 0; ok && i < len; i++)
			ok = is_flag_char(s[i]);
	}
	if (!ok || used + len + 2 > sizeof message->flags)
		return;
	(void)snprintf(message->flags + used, sizeof message->flags - used,
		"%s%.*s", used > 0 ? " " : "", (int)len, s);
}

bool
import_name(char const *s, size_t len, char separator, char *name_r)
{
	char name[BOXNAME_MAX + 1];

	if (len > BOXNAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (separator != '\0' && s[i] == separator)
			name[i] = BOXNAME_SEPARATOR;
		else if (s[i] == BOXNAME_SEPARATOR || s[i] == '/')
			name[i] = '_';
		else
			name[i] = s[i];
	/* It goes into a quoted string as it is. */
	return memchr(name, '"', len) == NULL &&
	       memchr(name, '\\', len) == NULL &&
	       boxname_check(name, len, name_r);
}
