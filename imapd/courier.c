/* A maildir that comes from Courier; see courier.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imapd/courier.h"
#include "common/filename.h"
#include "imapd/keywords.h"
#include "common/uidlist.h"

#define UIDS_FILE "courierimapuiddb"
#define KEYWORDS_DIR "courierimapkeywords"
#define KEYWORDS_FILE "dovecot-keywords"
/* Keywords of the list; those beyond our letters are passed over. */
#define NAMES_MAX 1024

static bool
next_line(stralloc const *text, size_t *pos, char const **s_r, size_t *len_r)
{
	char const *lf;

	if (*pos >= text->len)
		return false;
	*s_r = text->s + *pos;
	lf = memchr(*s_r, '\n', text->len - *pos);
	*len_r = lf != NULL ? (size_t)(lf - *s_r) : text->len - *pos;
	*pos += *len_r + 1;
	return true;
}

static bool
add_uid(stralloc *text, struct uidlist_line const *line)
{
	char number[32];

	(void)snprintf(
		number, sizeof number, "%lu :", (unsigned long)line->uid);
	return stralloc_cats(text, number) &&
	       stralloc_catb(text, line->name, line->name_len) &&
	       stralloc_catb(text, "\n", 1);
}

/* The folder's UIDs as the text of a dovecot-uidlist. */
static int
read_uids(int folder_fd, stralloc *text)
{
	stralloc old = STRALLOC_ZERO;
	int r = uidlist_read_file(folder_fd, UIDS_FILE, &old);
	struct uidlist_header header;
	struct uidlist_line line;
	uint32_t last = 0;
	size_t pos = 0, len;
	char const *s;

	/* "1 validity next", then "uid name": the form of Dovecot's first
	 * version. */
	if (r > 0 && (!next_line(&old, &pos, &s, &len) ||
			     !uidlist_parse_header(s, len, &header) ||
			     header.version != 1))
		r = 0;
	if (r > 0 && !uidlist_header_make(text, header.validity, header.next))
		r = -1;
	while (r > 0 && next_line(&old, &pos, &s, &len))
		if (uidlist_parse_line(s, len, 1, &line) && line.uid > last) {
			last = line.uid;
			if (!add_uid(text, &line))
				r = -1;
		}
	stralloc_free(&old);
	return r;
}

int
courier_subscriptions(int root_fd, stralloc *text)
{
	static char const prefix[] = "INBOX.";
	stralloc old = STRALLOC_ZERO;
	int r = uidlist_read_file(root_fd, "courierimapsubscribed", &old);
	size_t pos = 0, len;
	char const *s;

	while (r > 0 && next_line(&old, &pos, &s, &len)) {
		/* Courier shows all folders below INBOX. */
		if (len > strlen(prefix) &&
			memcmp(s, prefix, strlen(prefix)) == 0) {
			s += strlen(prefix);
			len -= strlen(prefix);
		}
		if (!stralloc_catb(text, s, len) ||
			!stralloc_catb(text, "\n", 1))
			r = -1;
	}
	stralloc_free(&old);
	return r;
}

/* The keywords of one message; the last of its name holds. */
struct entry {
	size_t name, len; /* in text */
	uint64_t age;	  /* 0: in the list; larger is newer */
	uint32_t bits;
};

struct adoption {
	struct keywords keywords;
	unsigned letters;	/* of them used */
	uint8_t map[NAMES_MAX]; /* number in the list -> letter, or 255 */
	unsigned names;
	stralloc text; /* names of files */
	struct entry *v;
	size_t count, allocated;
};

/* The letter of a keyword, made if there is room; -1: none. */
static int
letter(struct adoption *a, char const *s, size_t len)
{
	int const k = keywords_find(&a->keywords, s, len);

	if (k >= 0)
		return k;
	if (len == 0 || len > FLAG_KEYWORD_LEN ||
		a->letters == FLAG_KEYWORDS_MAX)
		return -1;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] > '~' ||
			strchr("(){%*\"\\]", s[i]) != NULL)
			return -1;
	memcpy(a->keywords.names[a->letters], s, len);
	a->keywords.names[a->letters][len] = '\0';
	return (int)a->letters++;
}

static bool
add_entry(struct adoption *a, char const *s, size_t len, uint64_t age,
	uint32_t bits)
{
	if (a->count == a->allocated) {
		size_t const more = a->allocated + a->allocated / 2 + 64;
		struct entry *const v = reallocarray(a->v, more, sizeof *v);

		if (v == NULL)
			return false;
		a->v = v;
		a->allocated = more;
	}
	a->v[a->count] = (struct entry){a->text.len, len, age, bits};
	if (!stralloc_catb(&a->text, s, len))
		return false;
	a->count++;
	return true;
}

/* "name:0 2 5" */
static bool
list_line(struct adoption *a, char const *s, size_t len)
{
	char const *const colon = memrchr(s, ':', len);
	size_t pos = colon != NULL ? (size_t)(colon - s) + 1 : len;
	uint32_t bits = 0;

	while (pos < len) {
		size_t n = 0;

		for (; pos < len && s[pos] >= '0' && s[pos] <= '9'; pos++)
			if (n < NAMES_MAX)
				n = n * 10 + (size_t)(s[pos] - '0');
		if (n < a->names && a->map[n] != 255)
			bits |= UINT32_C(1) << a->map[n];
		while (pos < len && (s[pos] < '0' || s[pos] > '9'))
			pos++;
	}
	return colon == NULL || bits == 0 ||
	       add_entry(a, s, (size_t)(colon - s), 0, bits);
}

/* Names of keywords, an empty line, then those of messages. */
static bool
read_list(struct adoption *a, int dir_fd)
{
	stralloc text = STRALLOC_ZERO;
	bool ok = uidlist_read_file(dir_fd, ":list", &text) >= 0, names = true;
	size_t pos = 0, len;
	char const *s;

	while (ok && next_line(&text, &pos, &s, &len)) {
		if (names && len == 0)
			names = false;
		else if (!names)
			ok = list_line(a, s, len);
		else if (a->names < NAMES_MAX) {
			int const k = letter(a, s, len);

			a->map[a->names++] = k < 0 ? 255 : (uint8_t)k;
		}
	}
	stralloc_free(&text);
	return ok;
}

/* A file of changes, "name" or ".7.name": keywords, one a line. */
static bool
read_change(struct adoption *a, int dir_fd, char const *file)
{
	stralloc text = STRALLOC_ZERO;
	char const *name = file;
	uint64_t age = 1;
	uint32_t bits = 0;
	size_t pos = 0, len;
	char const *s;
	bool ok;

	if (*file == '.') {
		for (name++; *name >= '0' && *name <= '9'; name++)
			if (age < UINT64_MAX / 20)
				age = age * 10 + (uint64_t)(*name - '0');
		if (*name++ != '.')
			return true;
	}
	ok = uidlist_read_file(dir_fd, file, &text) >= 0;
	while (ok && next_line(&text, &pos, &s, &len)) {
		int const k = letter(a, s, len);

		if (k >= 0)
			bits |= UINT32_C(1) << k;
	}
	stralloc_free(&text);
	return ok && add_entry(a, name, strlen(name), age, bits);
}

static bool
read_all(struct adoption *a, int folder_fd)
{
	int const fd = openat(folder_fd, KEYWORDS_DIR,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	bool ok = d != NULL && read_list(a, fd);
	struct dirent const *e;

	while (ok && (e = readdir(d)) != NULL)
		if (e->d_name[0] != ':' && strcmp(e->d_name, ".") != 0 &&
			strcmp(e->d_name, "..") != 0)
			ok = read_change(a, fd, e->d_name);
	if (d != NULL)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return ok;
}

static int
compare_names(char const *a, size_t a_len, char const *b, size_t b_len)
{
	int const r = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return r != 0 ? r : (a_len > b_len) - (a_len < b_len);
}

static int
compare(void const *x, void const *y, void *data)
{
	struct adoption const *const a = data;
	struct entry const *const p = x, *const q = y;
	int const r = compare_names(
		a->text.s + p->name, p->len, a->text.s + q->name, q->len);

	return r != 0 ? r : (p->age > q->age) - (p->age < q->age);
}

/* The newest entry of a name. */
static uint32_t
bits_of(struct adoption const *a, char const *name, size_t len)
{
	size_t low = 0, high = a->count;

	/* The first that is greater. */
	while (low < high) {
		size_t const middle = low + (high - low) / 2;
		struct entry const *const e = &a->v[middle];

		if (compare_names(a->text.s + e->name, e->len, name, len) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (low == 0 || compare_names(a->text.s + a->v[low - 1].name,
				a->v[low - 1].len, name, len) != 0)
		return 0;
	return a->v[low - 1].bits;
}

static bool
rename_files(struct adoption const *a, int folder_fd)
{
	int const fd = openat(folder_fd, "cur",
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	char name[FILENAME_MAX_LEN + 1];
	bool ok = d != NULL;
	struct dirent const *e;

	while (ok && (e = readdir(d)) != NULL) {
		size_t const len = strlen(e->d_name);
		struct filename f;
		uint32_t bits;

		filename_parse(e->d_name, len, &f);
		bits = bits_of(a, e->d_name, f.base_len);
		if (bits == 0 || bits == f.keywords ||
			filename_make(e->d_name, len, f.system, bits, name) ==
				0)
			continue;
		ok = renameat(fd, e->d_name, fd, name) == 0 || errno == ENOENT;
	}
	ok = ok && fsync(fd) == 0;

	int const error = errno;

	if (d != NULL)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	errno = error;
	return ok;
}

static bool
write_names(struct adoption const *a, int folder_fd)
{
	stralloc text = STRALLOC_ZERO;
	char number[16];
	bool ok = true;

	for (unsigned i = 0; ok && i < a->letters; i++) {
		(void)snprintf(number, sizeof number, "%u ", i);
		ok = stralloc_cats(&text, number) &&
		     stralloc_cats(&text, a->keywords.names[i]) &&
		     stralloc_catb(&text, "\n", 1);
	}
	ok = ok && uidlist_replace(folder_fd, KEYWORDS_FILE,
			   text.s != NULL ? text.s : "", text.len);
	stralloc_free(&text);
	return ok;
}

static bool
is_there(int folder_fd, char const *name)
{
	return faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
adopt_keywords(int folder_fd)
{
	struct adoption *const a = calloc(1, sizeof *a);
	bool ok = a != NULL && read_all(a, folder_fd);

	if (ok && a->count > 1)
		qsort_r(a->v, a->count, sizeof *a->v, compare, a);
	/* The names come last: until they are there it is done anew. */
	ok = ok && rename_files(a, folder_fd) && write_names(a, folder_fd);

	int const error = errno;

	if (a != NULL) {
		stralloc_free(&a->text);
		free(a->v);
		free(a);
	}
	errno = error;
	return ok;
}

static bool
adopt_uids(int folder_fd)
{
	stralloc text = STRALLOC_ZERO;
	int const r = read_uids(folder_fd, &text);
	bool const ok =
		r == 0 || (r > 0 && uidlist_replace(folder_fd, UIDLIST_FILE,
					    text.s, text.len));

	stralloc_free(&text);
	return ok;
}

static bool
has_uids(int folder_fd)
{
	return !is_there(folder_fd, UIDLIST_FILE) &&
	       is_there(folder_fd, UIDS_FILE);
}

static bool
has_keywords(int folder_fd)
{
	return is_there(folder_fd, KEYWORDS_DIR) &&
	       !is_there(folder_fd, KEYWORDS_FILE);
}

bool
courier_adopt(int folder_fd)
{
	int lock, error;
	bool ok;

	if (!has_uids(folder_fd) && !has_keywords(folder_fd))
		return true;
	if (!uidlist_lock(folder_fd, &lock))
		return false;
	/* Another session may have been faster. */
	ok = (!has_keywords(folder_fd) || adopt_keywords(folder_fd)) &&
	     (!has_uids(folder_fd) || adopt_uids(folder_fd));
	error = errno;
	uidlist_unlock(folder_fd, lock);
	errno = error;
	return ok;
}
