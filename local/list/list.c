/* A mailing list's folder, open and locked; see list.h. */
#include "local/list/list.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>
#include "common/uidlist.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define KEY_HEX ((size_t)LISTTOKEN_KEY * 2)

bool
list_is_here(int root_fd)
{
	return faccessat(root_fd, LIST_FOLDER "/" LIST_SETTINGS, F_OK, 0) == 0;
}

bool
list_read(struct list *l, char const *name, size_t max, stralloc *out)
{
	size_t const before = out->len;

	if (uidlist_read_file(l->folder_fd, name, out) < 0)
		return false;
	errno = EFBIG;
	return out->len - before <= max && stralloc_readyplus(out, 1);
}

bool
list_replace(struct list *l, char const *name, char const *s, size_t len)
{
	return uidlist_replace(l->folder_fd, name, len > 0 ? s : "", len);
}

static bool
lock(struct list *l)
{
	int r;

	l->lock_fd = openat(l->folder_fd, LIST_LOCK,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (l->lock_fd < 0)
		return false;
	do
		r = flock(l->lock_fd, LOCK_EX);
	while (r < 0 && errno == EINTR);
	return r == 0;
}

static bool
make_key(int folder_fd)
{
	unsigned char key[LISTTOKEN_KEY];
	char hex[KEY_HEX + 2];

	randombytes_buf(key, sizeof key);
	sodium_bin2hex(hex, sizeof hex, key, sizeof key);
	hex[KEY_HEX] = '\n';
	return uidlist_replace(folder_fd, LIST_KEY, hex, KEY_HEX + 1);
}

static bool
read_key(struct list *l)
{
	stralloc text = STRALLOC_ZERO;
	size_t n = 0;
	bool ok = list_read(l, LIST_KEY, 1024, &text);

	if (ok && text.len == 0)
		ok = make_key(l->folder_fd) &&
		     list_read(l, LIST_KEY, 1024, &text);
	errno = ok ? EBADMSG : errno;
	ok = ok && text.len >= KEY_HEX &&
	     sodium_hex2bin(l->key, sizeof l->key, text.s, KEY_HEX, NULL, &n,
		     NULL) == 0 &&
	     n == sizeof l->key;
	stralloc_free(&text);
	return ok;
}

static bool
read_settings(struct list *l)
{
	struct listset_fault fault;

	l->set_text.len = 0;
	if (!list_read(l, LIST_SETTINGS, LISTSET_MAX, &l->set_text))
		return false;
	if (listset_parse(l->set_text.s, l->set_text.len, &l->set, &fault))
		return true;
	(void)snprintf(l->fault, sizeof l->fault,
		LIST_FOLDER "/" LIST_SETTINGS ", line %u: %s", fault.line,
		fault.text);
	errno = EINVAL;
	return false;
}

bool
list_open(struct list *l, int root_fd, struct outgoing const *outgoing,
	char const *hostname)
{
	struct stat st;

	*l = (struct list){.root_fd = root_fd,
		.folder_fd = -1,
		.lock_fd = -1,
		.outgoing = *outgoing,
		.hostname = hostname,
		.now = (uint64_t)time(NULL)};
	l->folder_fd = openat(root_fd, LIST_FOLDER, FOLDER_FLAGS);
	if (l->folder_fd < 0 || fstat(l->folder_fd, &st) < 0)
		return false;
	errno = EACCES;
	return st.st_uid == geteuid() && !(st.st_mode & S_IWOTH) && lock(l) &&
	       read_settings(l) && read_key(l);
}

void
list_close(struct list *l)
{
	members_free(&l->members);
	stralloc_free(&l->set_text);
	stralloc_free(&l->members_text);
	sodium_memzero(l->key, sizeof l->key);
	/* The lock goes with it. */
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	if (l->folder_fd >= 0)
		close(l->folder_fd);
	l->lock_fd = l->folder_fd = -1;
}

/* One that is there stays; what was made is durable. */
static bool
make_folder(int parent_fd, char const *name)
{
	return (mkdirat(parent_fd, name, 0700) == 0 || errno == EEXIST) &&
	       fsync(parent_fd) == 0;
}

bool
list_create(int root_fd, char const *settings, size_t len)
{
	int folder_fd, error;
	bool ok;

	if (!make_folder(root_fd, LIST_FOLDER))
		return false;
	folder_fd = openat(root_fd, LIST_FOLDER, FOLDER_FLAGS);
	if (folder_fd < 0)
		return false;
	/* The settings come last: without them it is no list. */
	ok = make_folder(folder_fd, LIST_HELD) &&
	     make_folder(folder_fd, LIST_DIGEST) &&
	     (faccessat(folder_fd, LIST_KEY, F_OK, 0) == 0 ||
		     make_key(folder_fd)) &&
	     (faccessat(folder_fd, LIST_SETTINGS, F_OK, 0) == 0 ||
		     uidlist_replace(folder_fd, LIST_SETTINGS, settings, len));
	error = errno;
	close(folder_fd);
	errno = error;
	return ok;
}

bool
list_load_members(struct list *l)
{
	if (l->has_members)
		return true;
	l->members_text.len = 0;
	l->has_members = list_read(l, LIST_MEMBERS, MEMBERS_TEXT_MAX,
				 &l->members_text) &&
			 members_read(&l->members, l->members_text.s,
				 l->members_text.len);
	return l->has_members;
}

/* What was read is not what is there any more. */
static bool
write_members(struct list *l, stralloc *text, bool ok)
{
	ok = ok && list_replace(l, LIST_MEMBERS, text->s, text->len);
	if (ok)
		l->has_members = false;
	stralloc_free(text);
	return ok;
}

bool
list_put_member(
	struct list *l, char const *address, size_t len, enum member_mode mode)
{
	stralloc text = STRALLOC_ZERO;

	return list_load_members(l) &&
	       write_members(l, &text,
		       members_put(&text, &l->members, l->members_text.len,
			       address, len, mode));
}

bool
list_remove_member(struct list *l, char const *address, size_t len)
{
	stralloc text = STRALLOC_ZERO;

	return list_load_members(l) &&
	       write_members(l, &text,
		       members_remove(&text, &l->members, l->members_text.len,
			       address, len));
}
