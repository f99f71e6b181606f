/*
 * Digests of a list (RFC 2046, 5.1.5; see list.h). What the next one will have
 * lies in the folder `digest`, a file of CRLF text for each posting by the name
 * of its id.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/datetime.h"
#include "common/drop.h"
#include "common/queuebody.h"
#include "local/list/list.h"
#include "local/list/listtext.h"
#include "mime/encode.h"
#include "mime/header.h"

/* Postings of one digest: when so many wait, it is due. */
#define POSTINGS_MAX 200
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct waiting {
	char id[ID_LEN + 1];
	uint64_t size, time;
};

struct digest {
	struct list *l;
	int folder_fd;
	struct waiting list[POSTINGS_MAX];
	size_t count;
	uint64_t octets;
	bool has_utf8; /* a header that is not ASCII (RFC 6532) */
	stralloc head; /* up to the first part */
	char outer[ID_LEN + 3], inner[ID_LEN + 3];
};

static bool
has_readers(struct list const *l)
{
	for (size_t i = 0; i < l->members.count; i++)
		if (l->members.list[i].mode == MEMBER_DIGEST)
			return true;
	return false;
}

struct writing {
	int fd, error;
};

static void
write_piece(void *data, char const *s, size_t len)
{
	struct writing *const w = data;

	while (len > 0 && w->error == 0) {
		ssize_t const n = write(w->fd, s, len);

		if (n < 0 && errno != EINTR)
			w->error = errno;
		else if (n > 0) {
			s += n;
			len -= (size_t)n;
		}
	}
}

static bool
write_file(int folder_fd, struct list_mail const *mail)
{
	char temporary[ID_LEN + 5];
	struct writing w = {.error = 0};
	enum queuebody_result r;
	bool ok;

	(void)snprintf(temporary, sizeof temporary, "tmp.%s", mail->id);
	w.fd = openat(folder_fd, temporary,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w.fd < 0)
		return false;
	r = queuebody_copy(mail->fd, mail->message_offset, mail->message_len,
		write_piece, &w);
	ok = r == QUEUEBODY_OK && w.error == 0 && fsync(w.fd) == 0;
	if (w.error != 0)
		errno = w.error;
	ok = close(w.fd) == 0 && ok &&
	     renameat(folder_fd, temporary, folder_fd, mail->id) == 0 &&
	     fsync(folder_fd) == 0;
	if (!ok) {
		int const error = errno;

		(void)unlinkat(folder_fd, temporary, 0);
		errno = error;
	}
	return ok;
}

bool
list_digest_add(struct list *l, struct list_mail *mail)
{
	size_t count;
	int folder_fd;
	bool ok;

	if (!list_load_members(l))
		return false;
	if (!has_readers(l))
		return true;
	folder_fd = openat(l->folder_fd, LIST_DIGEST, FOLDER_FLAGS);
	if (folder_fd < 0)
		return false;
	ok = write_file(folder_fd, mail);
	close(folder_fd);
	return ok && list_digest_send(l, false, &count);
}

static int
compare(void const *a, void const *b)
{
	struct waiting const *const x = a, *const y = b;

	return memcmp(x->id, y->id, ID_LEN);
}

static bool
read_folder(struct digest *g)
{
	int const fd = openat(g->folder_fd, ".", FOLDER_FLAGS);
	DIR *const dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((entry = readdir(dir)) != NULL && g->count < POSTINGS_MAX) {
		struct waiting *const w = &g->list[g->count];
		struct stat st;

		if (!id_valid(entry->d_name, strlen(entry->d_name)) ||
			fstatat(g->folder_fd, entry->d_name, &st,
				AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		memcpy(w->id, entry->d_name, sizeof w->id);
		w->size = (uint64_t)st.st_size;
		w->time = (uint64_t)st.st_mtime;
		g->octets += w->size;
		g->count++;
	}
	closedir(dir);
	qsort(g->list, g->count, sizeof *g->list, compare);
	return true;
}

static bool
is_due(struct digest const *g)
{
	struct listset const *const set = &g->l->set;

	if (g->octets >= set->digest_size || g->count == POSTINGS_MAX)
		return true;
	for (size_t i = 0; i < g->count; i++)
		if (g->list[i].time + set->digest_hours * 3600 <= g->l->now)
			return true;
	return false;
}

/* The start of a posting's file: its header, for the table. */
static bool
read_header(struct digest *g, size_t i, stralloc *out)
{
	int const fd = openat(
		g->folder_fd, g->list[i].id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;
	bool ok;

	out->len = 0;
	if (fd < 0)
		return false;
	ok = stralloc_ready(out, 65536);
	n = ok ? read(fd, out->s, 65536) : -1;
	close(fd);
	if (n < 0)
		return false;
	out->len = header_end(out->s, (size_t)n, (size_t)n);
	for (size_t k = 0; k < out->len; k++)
		g->has_utf8 |= (unsigned char)out->s[k] > 127;
	return true;
}

static bool
put_table(struct digest *g, stralloc *out)
{
	stralloc header = STRALLOC_ZERO, author = STRALLOC_ZERO;
	bool ok = true;

	for (size_t i = 0; ok && i < g->count; i++) {
		char number[24];

		author.len = 0;
		(void)snprintf(number, sizeof number, "%3zu. ", i + 1);
		ok = read_header(g, i, &header) && stralloc_cats(out, number) &&
		     listhead_text(out, header.s, header.len, "subject") &&
		     stralloc_cats(out, " (") &&
		     listhead_text(out, header.s, header.len, "from") &&
		     stralloc_cats(out, ")\n");
	}
	stralloc_free(&header);
	stralloc_free(&author);
	return ok;
}

static bool
put(stralloc *out, char const *s)
{
	return stralloc_cats(out, s);
}

/* A text of ours, LF, as it goes into the queue. */
static bool
put_crlf(stralloc *out, stralloc const *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->s[i] != '\r' &&
			!(s->s[i] == '\n' ? put(out, "\r\n")
					  : stralloc_append(out, s->s[i])))
			return false;
	return true;
}

static bool
make_head(struct digest *g)
{
	struct list *const l = g->l;
	char date[DATETIME_MAX], id[ID_LEN + 1];
	stralloc text = STRALLOC_ZERO, part = STRALLOC_ZERO;
	size_t column = 9;
	bool ok;

	id_make(id);
	(void)snprintf(g->outer, sizeof g->outer, "a_%.16s", id);
	(void)snprintf(g->inner, sizeof g->inner, "b_%.16s", id);
	datetime_format(date, l->now);
	ok = listhead_fields(&g->head, &l->set, l->set.url.len > 0) &&
	     put(&text, "Postings of the list ") &&
	     stralloc_catb(&text, l->set.name.s, l->set.name.len) &&
	     put(&text, ":\n\n") && put_table(g, &text) &&
	     put(&part, "From: ") &&
	     encode_phrase(&part, l->set.name.s, l->set.name.len, &column) &&
	     put(&part, " <") &&
	     listrole_address(&part, &l->set, LISTROLE_REQUEST, "") &&
	     put(&part, ">\nReply-To: <") &&
	     listrole_address(&part, &l->set, LISTROLE_POST, "") &&
	     put(&part, ">\nTo: <") &&
	     listrole_address(&part, &l->set, LISTROLE_POST, "") &&
	     put(&part, ">\nSubject: ") &&
	     encode_words(&part, l->set.name.s, l->set.name.len, &column) &&
	     put(&part, " digest, ") && stralloc_catb(&part, date, 16) &&
	     put(&part, "\nDate: ") && put(&part, date) &&
	     put(&part, "\nMessage-ID: <") && put(&part, id) &&
	     put(&part, "@") && put(&part, l->hostname) &&
	     put(&part, ">\nMIME-Version: 1.0\n"
			"Content-Type: multipart/mixed; boundary=\"") &&
	     put(&part, g->outer) && put(&part, "\"\n\n--") &&
	     put(&part, g->outer) && put(&part, "\n") &&
	     listtext_body(&part, text.s, text.len) && put(&part, "\n--") &&
	     put(&part, g->outer) &&
	     put(&part, "\nContent-Type: multipart/digest; boundary=\"") &&
	     put(&part, g->inner) && put(&part, "\"\n\n") &&
	     put_crlf(&g->head, &part);
	stralloc_free(&text);
	stralloc_free(&part);
	return ok;
}

static void
put_piece(void *data, char const *s, size_t len)
{
	drop_message(data, s, len);
}

static void
put_words(struct drop *d, char const *before, char const *s, char const *behind)
{
	drop_message(d, before, strlen(before));
	drop_message(d, s, strlen(s));
	drop_message(d, behind, strlen(behind));
}

static bool
write_digest(struct drop *d, void *data)
{
	struct digest *const g = data;

	drop_message(d, g->head.s, g->head.len);
	for (size_t i = 0; i < g->count; i++) {
		int const fd = openat(g->folder_fd, g->list[i].id,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		enum queuebody_result r;

		if (fd < 0)
			return false;
		put_words(d, "--", g->inner, "\r\n\r\n");
		r = queuebody_copy(fd, 0, g->list[i].size, put_piece, d);
		close(fd);
		if (r == QUEUEBODY_SHORT)
			errno = EIO;
		if (r != QUEUEBODY_OK)
			return false;
		drop_message(d, "\r\n", 2);
	}
	put_words(d, "--", g->inner, "--\r\n");
	put_words(d, "\r\n--", g->outer, "--\r\n");
	return true;
}

static bool
remove_sent(struct digest *g)
{
	for (size_t i = 0; i < g->count; i++)
		if (unlinkat(g->folder_fd, g->list[i].id, 0) < 0 &&
			errno != ENOENT)
			return false;
	return fsync(g->folder_fd) == 0;
}

bool
list_digest_send(struct list *l, bool is_forced, size_t *count_r)
{
	static struct digest g;
	size_t sent;
	bool ok;

	g = (struct digest){.l = l,
		.folder_fd = openat(l->folder_fd, LIST_DIGEST, FOLDER_FLAGS)};
	*count_r = 0;
	if (g.folder_fd < 0)
		return false;
	ok = read_folder(&g);
	if (ok && g.count > 0 && (is_forced || is_due(&g))) {
		/* Postings may have 8-bit lines. */
		ok = make_head(&g) &&
		     list_send(l, MEMBER_DIGEST,
			     QUEUEFILE_8BIT | (g.has_utf8 ? QUEUEFILE_UTF8 : 0),
			     write_digest, &g, &sent) &&
		     remove_sent(&g);
		*count_r = ok ? g.count : 0;
	}
	stralloc_free(&g.head);
	close(g.folder_fd);
	return ok;
}
