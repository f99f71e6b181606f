/* A mailbox: its folders, and the files beside the messages; see fsck.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include "common/boxname.h"
#include "common/maildir.h"
#include "common/uidlist.h"
#include "common/admin/fsck.h"

#define KEYWORDS_FILE "dovecot-keywords"
#define SUBSCRIPTIONS_FILE "subscriptions"

static void
print_name(char const *s)
{
	for (; *s != '\0'; s++)
		putchar((unsigned char)*s < ' ' || *s == 127 ? '?' : *s);
}

void
fsck_tell(struct fsck *f, char const *file, char const *why, char const *mended)
{
	f->faults++;
	f->mended += mended != NULL;
	printf("%s: ", f->what);
	if (f->dir != NULL && strcmp(f->dir, ".") != 0) {
		print_name(f->dir + (f->dir[0] == '.'));
		fputs(": ", stdout);
	}
	if (file != NULL) {
		print_name(file);
		fputs(": ", stdout);
	}
	print_name(why);
	if (mended != NULL)
		printf(": %s", mended);
	putchar('\n');
}

static bool
failed(struct fsck const *f, char const *what)
{
	fprintf(stderr, "kereru: fsck: %s: %s: %s\n", f->what, what,
		strerror(errno));
	return false;
}

/* The folder for what is doubtful, made when there is something. */
static int
open_lost(struct fsck *f)
{
	if (!maildir_create(f->root_fd, FSCK_LOST))
		return -1;
	return openat(f->root_fd, FSCK_LOST, FSCK_FOLDER_FLAGS);
}

char const *
fsck_put_away(struct fsck *f, int folder_fd, char const *name, bool is_mail)
{
	char fresh[128];
	bool moved = false;
	struct stat st;
	int lost_fd;

	if (!f->repairs ||
		fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	/* A link, FIFO or socket holds no mail, and the fence lets none be
	 * made, not even by a rename. */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return unlinkat(folder_fd, name, 0) == 0 ? "removed" : NULL;
	lost_fd = open_lost(f);
	if (lost_fd < 0)
		return NULL;
	is_mail = is_mail && S_ISREG(st.st_mode);
	(void)snprintf(fresh, sizeof fresh, "%s%llu.M%luP%ldR%08lx.lost",
		is_mail ? "new/" : "was-", (unsigned long long)f->now_s,
		f->lost++, (long)getpid(), (unsigned long)randombytes_random());
	moved = renameat2(folder_fd, name, lost_fd, fresh, RENAME_NOREPLACE) ==
		0;
	if (moved && is_mail)
		moved = maildir_sync(lost_fd, "new");
	close(lost_fd);
	return moved ? "moved to lost+found" : NULL;
}

/* A text file of the folder is replaced; the old one stays in lost+found. */
static char const *
replace(struct fsck *f, int folder_fd, char const *name, stralloc const *text)
{
	char old[64];
	int lost_fd;

	if (!f->repairs)
		return NULL;
	lost_fd = open_lost(f);
	(void)snprintf(old, sizeof old, "was-%llu.%08lx.%s",
		(unsigned long long)f->now_s,
		(unsigned long)randombytes_random(), name);
	if (lost_fd < 0 || linkat(folder_fd, name, lost_fd, old, 0) < 0) {
		close(lost_fd);
		return NULL;
	}
	close(lost_fd);
	return uidlist_replace(folder_fd, name, text->s, text->len)
		       ? "mended, the old one is in lost+found"
		       : NULL;
}

typedef bool check_lines(
	char const *s, size_t len, size_t *bad_r, stralloc *out);

/* What seems wrong is looked at again under the lock: it may have been being
 * written. */
static bool
check_text(struct fsck *f, int folder_fd, char const *name, check_lines *check)
{
	stralloc text = STRALLOC_ZERO, out = STRALLOC_ZERO;
	bool ok = true, is_locked = false;
	size_t bad = 0;
	char why[64];
	int lock = -1, r;

	for (;;) {
		text.len = out.len = 0;
		r = uidlist_read_file(folder_fd, name, &text);
		if (r <= 0)
			break;
		ok = check(text.s, text.len, &bad, &out);
		if (!ok || bad == 0 || is_locked)
			break;
		is_locked = uidlist_lock(folder_fd, &lock);
		if (!is_locked)
			ok = failed(f, name);
		if (!is_locked)
			break;
	}
	if (r < 0)
		fsck_tell(f, name, "cannot be read",
			fsck_put_away(f, folder_fd, name, false));
	(void)snprintf(why, sizeof why, "%zu line%s without sense", bad,
		bad == 1 ? "" : "s");
	if (r > 0 && bad > 0 && ok)
		fsck_tell(f, name, why, replace(f, folder_fd, name, &out));
	if (is_locked)
		uidlist_unlock(folder_fd, lock);
	stralloc_free(&text);
	stralloc_free(&out);
	return ok;
}

/* NULL: all is well. *twice_r: the id is that of another folder, which was
 * copied with all that is in it. */
static char const *
judge_uidlist(struct fsck const *f, struct fsck_uidlist const *r, bool *twice_r)
{
	*twice_r = false;
	for (size_t i = 0; i < f->guids.len && r->guid[0] != '\0';
		i += strlen(f->guids.s + i) + 1)
		*twice_r = *twice_r || strcmp(f->guids.s + i, r->guid) == 0;
	return r->no_header	   ? "has no header, so no UIDs"
	       : r->disorder > 0   ? "UIDs twice or out of order"
	       : r->unreadable > 0 ? "lines without sense"
	       : r->unended	   ? "its last line is cut short"
	       : *twice_r	   ? "has the id of another folder"
				   : NULL;
}

static bool
check_uidlist(struct fsck *f, int folder_fd)
{
	stralloc text = STRALLOC_ZERO, out = STRALLOC_ZERO;
	struct fsck_uidlist u = {0};
	unsigned char bytes[16];
	char guid[2 * sizeof bytes + 1];
	char const *why = NULL;
	bool ok = true, is_locked = false, twice = false;
	int lock = -1, r;

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(guid, sizeof guid, bytes, sizeof bytes);
	for (;;) {
		text.len = out.len = 0;
		r = uidlist_read(folder_fd, &text);
		if (r <= 0)
			break;
		ok = fsck_uidlist(
			text.s, text.len, twice ? guid : NULL, &u, &out);
		why = ok ? judge_uidlist(f, &u, &twice) : NULL;
		if (why == NULL || is_locked)
			break;
		is_locked = uidlist_lock(folder_fd, &lock);
		if (!is_locked)
			ok = failed(f, UIDLIST_FILE);
		if (!is_locked)
			break;
	}
	if (r < 0)
		why = "cannot be read";
	/* imapd makes another, with a UIDVALIDITY of its own. */
	if (r < 0 || (r > 0 && u.no_header))
		fsck_tell(f, UIDLIST_FILE, why,
			fsck_put_away(f, folder_fd, UIDLIST_FILE, false));
	else if (r > 0 && ok && why != NULL)
		fsck_tell(f, UIDLIST_FILE, why,
			replace(f, folder_fd, UIDLIST_FILE, &out));
	if (is_locked)
		uidlist_unlock(folder_fd, lock);
	if (r > 0 && ok && !twice && u.guid[0] != '\0')
		ok = stralloc_catb(&f->guids, u.guid, strlen(u.guid) + 1);
	stralloc_free(&text);
	stralloc_free(&out);
	return ok;
}

/* `dovecot-uidlist.0123456789abcdef`: written beside the file, and never
 * renamed to it. */
static bool
is_left_over(char const *name)
{
	char const *dot = strrchr(name, '.');

	return (strncmp(name, "dovecot-", 8) == 0 ||
		       strncmp(name, "kereru-", 7) == 0 ||
		       strncmp(name, "maildirsize.", 12) == 0 ||
		       strncmp(name, SUBSCRIPTIONS_FILE ".", 14) == 0) &&
	       dot != NULL && strlen(dot + 1) == 16 &&
	       strspn(dot + 1, "0123456789abcdef") == 16;
}

static bool
is_cache(char const *name)
{
	static char const *const caches[] = {
		"kereru-view", "kereru-log", "kereru-meta", "kereru-text"};

	for (size_t i = 0; i < sizeof caches / sizeof *caches; i++) {
		size_t const len = strlen(caches[i]);

		if (strncmp(name, caches[i], len) == 0 &&
			(name[len] == '\0' || name[len] == '.'))
			return true;
	}
	return false;
}

void
fsck_caches(struct fsck *f, int folder_fd)
{
	int const fd = openat(folder_fd, ".", FSCK_FOLDER_FLAGS);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;

	(void)f;
	while (d != NULL && (e = readdir(d)) != NULL)
		if (is_cache(e->d_name))
			(void)unlinkat(fd, e->d_name, 0);
	if (d != NULL)
		closedir(d);
}

static bool
check_left_over(struct fsck *f, int folder_fd)
{
	int const fd = openat(folder_fd, ".", FSCK_FOLDER_FLAGS);
	DIR *const d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent const *e;
	struct stat st;

	if (d == NULL)
		return failed(f, f->dir);
	while ((e = readdir(d)) != NULL)
		if (is_left_over(e->d_name) &&
			fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			(uint64_t)st.st_mtime + FSCK_STALE < f->now_s)
			fsck_tell(f, e->d_name, "left by a crash",
				f->repairs && unlinkat(fd, e->d_name, 0) == 0
					? "removed"
					: NULL);
	closedir(d);
	return true;
}

bool
fsck_lists(struct fsck *f, int folder_fd)
{
	return check_uidlist(f, folder_fd) &&
	       check_text(f, folder_fd, KEYWORDS_FILE, fsck_keywords) &&
	       (strcmp(f->dir, ".") != 0 ||
		       check_text(f, folder_fd, SUBSCRIPTIONS_FILE,
			       fsck_subscriptions)) &&
	       check_left_over(f, folder_fd);
}

static bool
look_into(struct fsck *f, char const *dir)
{
	int const fd = openat(f->root_fd, dir, FSCK_FOLDER_FLAGS);
	unsigned long const before = f->faults;
	bool ok;

	f->dir = dir;
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0 && errno != EACCES)
		return failed(f, dir);
	if (fd < 0) {
		fsck_tell(f, NULL, "cannot be opened: whose is it?", NULL);
		return true;
	}
	ok = fsck_folder(f, fd) && fsck_lists(f, fd);
	if (f->repairs && (f->faults > before || f->drops_caches))
		fsck_caches(f, fd);
	close(fd);
	return ok;
}

/* A folder that no client can name gets a name. */
static char const *
give_name(struct fsck *f, char const *name)
{
	char fresh[BOXNAME_MAX + 2];

	if (!f->repairs)
		return NULL;
	(void)snprintf(fresh, sizeof fresh, FSCK_LOST ".folder-%llu-%08lx",
		(unsigned long long)f->now_s,
		(unsigned long)randombytes_random());
	if (renameat2(f->root_fd, name, f->root_fd, fresh, RENAME_NOREPLACE) <
		0)
		return NULL;
	return "renamed, below lost+found";
}

/* Is it a folder of mail? What has a part of one is. */
static bool
has_part(int root_fd, char const *name)
{
	static char const *const parts[] = {"cur", "new", "tmp"};
	char path[NAME_MAX + 8];
	struct stat st;

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", name, parts[i]);
		if (fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

static bool
look_at_entry(struct fsck *f, char const *name)
{
	char checked[BOXNAME_MAX + 1];
	struct stat st;

	if (name[0] != '.' || strcmp(name, ".") == 0 ||
		strcmp(name, "..") == 0 ||
		fstatat(f->root_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	f->dir = ".";
	if (S_ISLNK(st.st_mode)) {
		fsck_tell(f, name, "a link in the place of a folder",
			fsck_put_away(f, f->root_fd, name, false));
		return true;
	}
	if (!S_ISDIR(st.st_mode) || !has_part(f->root_fd, name))
		return true;
	if (boxname_check(name + 1, strlen(name) - 1, checked))
		return look_into(f, name);
	fsck_tell(f, name, "no name of a folder", give_name(f, name));
	return true;
}

/* What was counted, against what the file says, if nobody changed it. */
static bool
check_quota(struct fsck *f, stralloc const *before)
{
	stralloc after = STRALLOC_ZERO;
	struct quota q;
	char why[128];
	int const r = uidlist_read_file(f->root_fd, QUOTA_FILE, &after);
	bool good;

	f->dir = ".";
	if (r > 0) {
		good = quota_parse(after.s, after.len, &q);
		(void)snprintf(why, sizeof why,
			"says %lld octets in %lld messages, found %lld in %lld",
			(long long)q.octets, (long long)q.messages,
			(long long)f->used.octets, (long long)f->used.messages);
		if (!good)
			(void)snprintf(why, sizeof why, "cannot be read");
		if (!good ||
			(before->len == after.len &&
				memcmp(before->s, after.s, after.len) == 0 &&
				(q.octets != f->used.octets ||
					q.messages != f->used.messages)))
			fsck_tell(f, QUOTA_FILE, why,
				f->repairs ? "counted anew" : NULL);
		/* What was put away counts where it is now. */
		if (f->repairs && f->mended > 0)
			quota_recount(f->root_fd);
	} else if (r < 0) {
		fsck_tell(f, QUOTA_FILE, "cannot be read",
			fsck_put_away(f, f->root_fd, QUOTA_FILE, false));
	}
	stralloc_free(&after);
	return true;
}

bool
fsck_maildir(struct fsck *f)
{
	stralloc quota = STRALLOC_ZERO;
	struct dirent **entries = NULL;
	int n;
	bool ok;

	(void)!uidlist_read_file(f->root_fd, QUOTA_FILE, &quota);
	/* Always in one order: of two folders with one id the first keeps it.
	 */
	n = scandirat(f->root_fd, ".", &entries, NULL, alphasort);
	ok = n >= 0 || failed(f, ".");
	ok = ok && look_into(f, ".");
	for (int i = 0; i < n; i++) {
		ok = ok && look_at_entry(f, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	ok = ok && check_quota(f, &quota);
	stralloc_free(&quota);
	stralloc_free(&f->guids);
	return ok;
}
