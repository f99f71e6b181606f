/*
 * Postings that wait for a moderator; see list.h. A held posting is a file of
 * the folder `held` by the name of its id: a line `ADDED FLAGS SENDER`, then
 * the added lines, then the message, as the queue has them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/log.h"
#include "common/queuebody.h"
#include "local/list/list.h"
#include "local/list/listtext.h"
#include "mime/header.h"

/* Octets of a held message that its moderators are shown. */
#define SHOWN_MAX 65536
#define HEAD_MAX 512
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct copy {
	int fd, error;
};

static void
copy_piece(void *data, char const *s, size_t len)
{
	struct copy *const c = data;

	while (len > 0 && c->error == 0) {
		ssize_t const n = write(c->fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->error = errno;
			return;
		}
		s += n;
		len -= (size_t)n;
	}
}

static bool
copy_part(struct copy *c, int fd, uint64_t offset, uint64_t len)
{
	enum queuebody_result const r =
		queuebody_copy(fd, offset, len, copy_piece, c);

	if (r == QUEUEBODY_SHORT)
		errno = EIO;
	else if (r == QUEUEBODY_OK)
		errno = c->error;
	return r == QUEUEBODY_OK && c->error == 0;
}

static bool
write_held(int folder_fd, struct list_mail const *mail)
{
	char head[HEAD_MAX], temporary[ID_LEN + 5];
	int const n = snprintf(head, sizeof head, "%llu %u %.*s\n",
		(unsigned long long)mail->added_len, mail->flags,
		(int)mail->sender_len, mail->sender);
	struct copy c = {.error = 0};
	int error;
	bool ok;

	errno = EMSGSIZE;
	if (n < 0 || (size_t)n >= sizeof head)
		return false;
	(void)snprintf(temporary, sizeof temporary, "tmp.%s", mail->id);
	c.fd = openat(folder_fd, temporary,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (c.fd < 0)
		return false;
	copy_piece(&c, head, (size_t)n);
	ok = copy_part(&c, mail->fd, mail->added_offset, mail->added_len) &&
	     copy_part(&c, mail->fd, mail->message_offset, mail->message_len) &&
	     fsync(c.fd) == 0;
	error = errno;
	ok = close(c.fd) == 0 && ok &&
	     renameat(folder_fd, temporary, folder_fd, mail->id) == 0 &&
	     fsync(folder_fd) == 0;
	if (!ok) {
		(void)unlinkat(folder_fd, temporary, 0);
		errno = error != 0 ? error : EIO;
	}
	return ok;
}

static bool
read_head(char const *s, size_t len, struct list_mail *mail, size_t *used)
{
	char const *const lf = memchr(s, '\n', len);
	char const *at = s;
	uint64_t n[2] = {0, 0};

	if (lf == NULL)
		return false;
	for (size_t i = 0; i < 2; i++) {
		while (at < lf && *at >= '0' && *at <= '9' && n[i] < UINT32_MAX)
			n[i] = n[i] * 10 + (uint64_t)(*at++ - '0');
		if (at == lf || *at++ != ' ')
			return false;
	}
	mail->added_len = n[0];
	mail->flags = (unsigned)n[1] & JOB_FLAGS;
	mail->sender = at;
	mail->sender_len = (size_t)(lf - at);
	*used = (size_t)(lf - s) + 1;
	return true;
}

/* head: HEAD_MAX octets, which mail->sender points into. */
static bool
open_held(int folder_fd, char const *id, char *head, struct list_mail *mail)
{
	struct stat st;
	ssize_t n;
	size_t used;

	*mail = (struct list_mail){
		.fd = openat(folder_fd, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
	if (mail->fd < 0)
		return false;
	n = read(mail->fd, head, HEAD_MAX);
	errno = EBADMSG;
	if (n > 0 && fstat(mail->fd, &st) == 0 && S_ISREG(st.st_mode) &&
		read_head(head, (size_t)n, mail, &used) &&
		(uint64_t)st.st_size >= used + mail->added_len) {
		mail->added_offset = used;
		mail->message_offset = used + mail->added_len;
		mail->message_len = (uint64_t)st.st_size - mail->message_offset;
		memcpy(mail->id, id, sizeof mail->id);
		return true;
	}
	close(mail->fd);
	errno = EBADMSG;
	return false;
}

static int
compare(void const *a, void const *b)
{
	return memcmp(a, b, ID_LEN);
}

/* The ids of what is held, oldest first; what is too old is removed. -1: errno.
 */
static int
read_folder(struct list *l, char (**ids_r)[ID_LEN + 1], size_t *count_r)
{
	char(*ids)[ID_LEN + 1] = calloc(LIST_HELD_MAX, sizeof *ids);
	int const fd = openat(l->folder_fd, LIST_HELD, FOLDER_FLAGS);
	DIR *const dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	size_t count = 0;

	if (dir == NULL || ids == NULL) {
		int const error = errno;

		free(ids);
		if (dir != NULL)
			closedir(dir);
		else if (fd >= 0)
			close(fd);
		errno = error;
		return -1;
	}
	while ((entry = readdir(dir)) != NULL && count < LIST_HELD_MAX) {
		if (!id_valid(entry->d_name, strlen(entry->d_name)))
			continue;
		if ((uint64_t)id_time(entry->d_name) +
				(uint64_t)LIST_HELD_DAYS * LIST_DAY <
			l->now) {
			(void)unlinkat(fd, entry->d_name, 0);
			continue;
		}
		memcpy(ids[count++], entry->d_name, ID_LEN + 1);
	}
	closedir(dir);
	qsort(ids, count, sizeof *ids, compare);
	*ids_r = ids;
	*count_r = count;
	return 0;
}

bool
list_each_held(struct list *l,
	bool (*each)(void *data, char const *id, struct list_mail *mail),
	void *data)
{
	char(*ids)[ID_LEN + 1], head[HEAD_MAX];
	size_t count;
	int folder_fd;
	bool ok = read_folder(l, &ids, &count) == 0;

	if (!ok)
		return false;
	folder_fd = openat(l->folder_fd, LIST_HELD, FOLDER_FLAGS);
	for (size_t i = 0; ok && folder_fd >= 0 && i < count; i++) {
		struct list_mail mail;

		if (!open_held(folder_fd, ids[i], head, &mail))
			continue;
		ok = list_read_mail(&mail) && each(data, ids[i], &mail);
		list_free_mail(&mail);
		close(mail.fd);
	}
	if (folder_fd >= 0)
		close(folder_fd);
	free(ids);
	return ok && folder_fd >= 0;
}

bool
list_held_by_word(
	struct list *l, char const *word, size_t len, char id[ID_LEN + 1])
{
	char(*ids)[ID_LEN + 1];
	size_t count, i = 0;
	bool found;

	if (read_folder(l, &ids, &count) < 0)
		return false;
	while (i < count && !listtoken_is(word, len, l->key, LISTTOKEN_HELD, 0,
				    ids[i], ID_LEN))
		i++;
	found = i < count;
	if (found)
		memcpy(id, ids[i], ID_LEN + 1);
	free(ids);
	return found;
}

int
list_decide(struct list *l, char const *id, bool is_posted)
{
	char head[HEAD_MAX];
	struct list_mail mail;
	size_t count = 0;
	bool full = false, ok = true;
	int const folder_fd = openat(l->folder_fd, LIST_HELD, FOLDER_FLAGS);

	if (folder_fd < 0)
		return -1;
	if (!id_valid(id, strlen(id)) ||
		!open_held(folder_fd, id, head, &mail)) {
		close(folder_fd);
		return 0;
	}
	if (is_posted) {
		ok = list_read_mail(&mail) &&
		     (list_was_posted(l, &mail) ||
			     list_post(l, &mail, &full, &count));
		list_free_mail(&mail);
	}
	close(mail.fd);
	ok = ok && unlinkat(folder_fd, id, 0) == 0 && fsync(folder_fd) == 0;
	close(folder_fd);
	if (ok)
		log_event("list-held", id, "done",
			is_posted ? "posted" : "rejected", (char *)0);
	return ok ? 1 : full ? -2 : -1;
}

static void
append(void *data, char const *s, size_t len)
{
	/* A piece without memory is missing in a copy for people. */
	(void)stralloc_catb(data, s, len);
}

/* The message as a part, or what of it is shown. */
static bool
put_message(stralloc *out, struct list_mail const *mail)
{
	bool const whole = mail->message_len <= SHOWN_MAX;
	size_t const before = out->len;
	size_t kept = 0;

	if (!stralloc_cats(
		    out, whole ? "Content-Type: message/rfc822\n\n"
			       : "Content-Type: text/rfc822-headers\n\n"))
		return false;
	if (queuebody_copy(mail->fd, mail->message_offset,
		    whole ? mail->message_len : mail->own_len, append,
		    out) != QUEUEBODY_OK)
		return false;
	for (size_t i = before; i < out->len; i++)
		if (out->s[i] != '\r')
			out->s[before + kept++] = out->s[i];
	out->len = before + kept;
	return true;
}

static bool
make_question(struct list *l, struct list_mail const *mail,
	struct listset_text const *to, char const *why, stralloc *out)
{
	char word[LISTTOKEN_LEN + 1], boundary[ID_LEN + 1];
	stralloc subject = STRALLOC_ZERO, text = STRALLOC_ZERO,
		 no = STRALLOC_ZERO;
	struct listtext t = {.set = &l->set,
		.hostname = l->hostname,
		.now = l->now,
		.to = to->s,
		.to_len = to->len,
		.answers = word};
	bool ok;

	id_make(boundary);
	listtoken_make(word, l->key, LISTTOKEN_HELD, 0, mail->id, ID_LEN);
	ok = stralloc_cats(&no, "no-") && stralloc_cats(&no, word) &&
	     stralloc_append(&no, '\0') && stralloc_cats(&subject, "Held: ") &&
	     listhead_text(
		     &subject, mail->header.s, mail->header.len, "subject") &&
	     stralloc_append(&subject, '\0') &&
	     stralloc_cats(&text, "A posting waits for a moderator: ") &&
	     stralloc_cats(&text, why) &&
	     stralloc_cats(&text, ".\nIt is from <") &&
	     stralloc_catb(&text, mail->author.s, mail->author.len) &&
	     stralloc_cats(&text,
		     ">, and follows below.\n\n"
		     "To have it sent to the list, reply to this message.\n"
		     "To have it thrown away, write to\n\n    ") &&
	     listrole_address(&text, &l->set, LISTROLE_CONFIRM, no.s) &&
	     stralloc_cats(&text, "\n\nAfter 30 days it is thrown away "
				  "without a word. Its id is ") &&
	     stralloc_cats(&text, mail->id) && stralloc_cats(&text, ".\n");
	t.subject = subject.s;
	ok = ok && listtext_fields(out, &t) &&
	     stralloc_cats(out, "Content-Type: multipart/mixed; boundary=\"") &&
	     stralloc_cats(out, boundary) && stralloc_cats(out, "\"\n\n--") &&
	     stralloc_cats(out, boundary) && stralloc_cats(out, "\n") &&
	     listtext_body(out, text.s, text.len) &&
	     stralloc_cats(out, "\n--") && stralloc_cats(out, boundary) &&
	     stralloc_cats(out, "\n") && put_message(out, mail) &&
	     stralloc_cats(out, "\n--") && stralloc_cats(out, boundary) &&
	     stralloc_cats(out, "--\n");
	stralloc_free(&subject);
	stralloc_free(&text);
	stralloc_free(&no);
	return ok;
}

static bool
ask(struct list *l, struct list_mail const *mail, char const *why)
{
	bool const has = l->set.moderator_count > 0;
	struct listset_text const *const list =
		has ? l->set.moderators : l->set.owners;
	size_t const count = has ? l->set.moderator_count : l->set.owner_count;
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		stralloc message = STRALLOC_ZERO;

		ok = make_question(l, mail, &list[i], why, &message) &&
		     list_tell(l, "", list[i].s, list[i].len, &message);
		stralloc_free(&message);
	}
	return ok;
}

bool
list_hold(struct list *l, struct list_mail *mail, char const *why)
{
	char(*ids)[ID_LEN + 1];
	size_t count;
	int folder_fd;
	bool ok;

	if (read_folder(l, &ids, &count) < 0)
		return false;
	free(ids);
	errno = EDQUOT;
	if (count >= LIST_HELD_MAX)
		return false;
	folder_fd = openat(l->folder_fd, LIST_HELD, FOLDER_FLAGS);
	if (folder_fd < 0)
		return false;
	ok = write_held(folder_fd, mail);
	close(folder_fd);
	return ok && ask(l, mail, why);
}
