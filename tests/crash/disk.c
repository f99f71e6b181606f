/* What a disk may hold after the power has failed. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/crash/disk.h"

/* What a disk writes whole. */
#define SECTOR 512
#define CONTENT_MAX ((size_t)1024 * 1024)

static _Noreturn void
bad(char const *why, char const *line)
{
	fprintf(stderr, "recording: %s: %s\n", why, line);
	exit(2);
}

static void *
grow(void *all, size_t count, size_t size)
{
	/* Doubled at each power of two. */
	if (count == 0 || (count & (count - 1)) == 0)
		all = realloc(all, (count > 0 ? 2 * count : 1) * size);
	if (all == NULL)
		bad("no memory", "");
	return all;
}

void *
disk_shared(size_t size)
{
	void *s = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		bad("no memory", "");
	return s;
}

char *
disk_read_octets(FILE *rest, size_t len)
{
	char *s = malloc(len + 1);

	if (s == NULL || fread(s, 1, len, rest) != len || getc(rest) != '\n')
		bad("octets", "");
	s[len] = '\0';
	return s;
}

static void
add_folder(struct disk *d, char kind, char const *path)
{
	if (d->folder_count == DISK_FOLDERS_MAX)
		bad("too many folders", path);
	d->folders[d->folder_count++] = (struct disk_folder){
		.kind = (enum disk_folder_kind)kind, .path = strdup(path)};
}

static int
find_name(struct disk *d, int folder, char const *text)
{
	for (size_t i = 0; i < d->name_count; i++)
		if (d->names[i].folder == folder &&
			strcmp(d->names[i].text, text) == 0)
			return (int)i;
	d->names = grow(d->names, d->name_count, sizeof *d->names);
	d->names[d->name_count] =
		(struct disk_name){.folder = folder, .text = strdup(text)};
	return (int)d->name_count++;
}

static struct disk_change *
add_change(struct disk *d, int name, uint64_t begin, uint64_t end, int inode)
{
	struct disk_name *n = &d->names[name];

	n->changes = grow(n->changes, n->change_count, sizeof *n->changes);
	n->changes[n->change_count] = (struct disk_change){.begin = begin,
		.end = end,
		.durable_at = DISK_NEVER,
		.inode = inode,
		.other_name = -1};
	return &n->changes[n->change_count++];
}

static int
last_inode(struct disk const *d, int name)
{
	struct disk_name const *n = &d->names[name];

	return n->change_count > 0 ? n->changes[n->change_count - 1].inode : -1;
}

static void
rename_name(struct disk *d, int from, int to, uint64_t begin, uint64_t end)
{
	int inode = last_inode(d, from);

	if (inode < 0)
		bad("renamed without being there", d->names[from].text);
	add_change(d, to, begin, end, inode);
	struct disk_change *gone = add_change(d, from, begin, end, -1);
	gone->other_name = to;
	gone->other_change = d->names[to].change_count - 1;
}

static void
sync_change(struct disk_change *c, uint64_t begin, uint64_t end)
{
	if (c->end <= begin && end < c->durable_at)
		c->durable_at = end;
}

static void
sync_folder(struct disk *d, int folder, uint64_t begin, uint64_t end)
{
	for (size_t i = 0; i < d->name_count; i++)
		for (size_t k = 0; d->names[i].folder == folder &&
				   k < d->names[i].change_count;
			k++)
			sync_change(&d->names[i].changes[k], begin, end);
}

/* names: with the renames of the file, as ext4 and XFS do it. */
static void
sync_file(struct disk *d, int inode, bool names, uint64_t begin, uint64_t end)
{
	struct disk_inode *f = &d->inodes[inode];

	for (size_t i = 0; i < f->write_count; i++)
		if (f->writes[i].end <= begin && end < f->writes[i].durable_at)
			f->writes[i].durable_at = end;
	for (size_t i = 0; names && i < d->name_count; i++)
		for (size_t k = 0; k < d->names[i].change_count; k++)
			if (d->names[i].changes[k].inode == inode)
				sync_change(
					&d->names[i].changes[k], begin, end);
}

static void
add_write(struct disk *d, int inode, struct disk_write const *w)
{
	struct disk_inode *f = &d->inodes[inode];

	f->writes = grow(f->writes, f->write_count, sizeof *f->writes);
	f->writes[f->write_count++] = *w;
}

static void
add_inode(struct disk *d, uid_t uid, unsigned mode)
{
	d->inodes = grow(d->inodes, d->inode_count, sizeof *d->inodes);
	d->inodes[d->inode_count++] =
		(struct disk_inode){.uid = uid, .mode = mode};
}

void
disk_read_line(struct disk *d, char const *line, FILE *rest)
{
	uint64_t begin, end;
	char one[300], two[300], kind;
	int a, b;
	unsigned uid, mode;
	size_t offset, len;

	if (sscanf(line, "folder %c %299s", &kind, one) == 2) {
		add_folder(d, kind, one);
	} else if (sscanf(line, "file %u %o", &uid, &mode) == 2) {
		add_inode(d, uid, mode);
	} else if (sscanf(line, "create %lu %lu %d %299s %d", &begin, &end, &a,
			   one, &b) == 5) {
		add_change(d, find_name(d, a, one), begin, end, b);
	} else if (sscanf(line, "write %lu %lu %d %zu %zu", &begin, &end, &a,
			   &offset, &len) == 5) {
		struct disk_write w = {.begin = begin,
			.end = end,
			.durable_at = DISK_NEVER,
			.offset = offset,
			.len = len,
			.data = disk_read_octets(rest, len)};
		add_write(d, a, &w);
	} else if (sscanf(line, "rename %lu %lu %d %299s %d %299s", &begin,
			   &end, &a, one, &b, two) == 6) {
		int from = find_name(d, a, one), to = find_name(d, b, two);
		rename_name(d, from, to, begin, end);
	} else if (sscanf(line, "unlink %lu %lu %d %299s", &begin, &end, &a,
			   one) == 4) {
		add_change(d, find_name(d, a, one), begin, end, -1);
	} else if (sscanf(line, "sync-file %lu %lu %d %d", &begin, &end, &a,
			   &b) == 4) {
		sync_file(d, a, b != 0, begin, end);
	} else if (sscanf(line, "sync-folder %lu %lu %d", &begin, &end, &a) ==
		   3) {
		sync_folder(d, a, begin, end);
	} else if (sscanf(line, "end %lu %lu", &begin, &end) == 2) {
		d->begin = begin;
		d->end = end;
	} else {
		bad("unknown line", line);
	}
}

/* splitmix64 */
static uint64_t
next(uint64_t *chance)
{
	uint64_t z = (*chance += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static bool
happens(uint64_t *chance, unsigned percent)
{
	return next(chance) % 100 < percent;
}

/* Changes that are there for certain, and that may be there. */
static void
bounds(struct disk_name const *n, uint64_t cut, size_t *least, size_t *most)
{
	*least = *most = 0;
	for (size_t i = 0; i < n->change_count; i++) {
		if (n->changes[i].begin < cut)
			*most = i + 1;
		if (n->changes[i].durable_at < cut)
			*least = i + 1;
	}
}

static void
choose_names(struct disk const *d, struct disk_state *s, unsigned percent,
	size_t lost, uint64_t *chance)
{
	for (size_t i = 0; i < d->name_count; i++) {
		size_t least, most;
		bounds(&d->names[i], s->cut, &least, &most);
		if (i != lost && happens(chance, percent))
			s->name_changes[i] = most;
		else if (i == lost || percent == 0)
			s->name_changes[i] = least;
		else
			s->name_changes[i] =
				least + next(chance) % (most - least + 1);
	}
	/* An old name that is gone wants the new one. */
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < d->name_count; i++)
			for (size_t k = 0; k < s->name_changes[i]; k++) {
				struct disk_change const *c =
					&d->names[i].changes[k];
				if (c->other_name < 0 ||
					s->name_changes[c->other_name] >
						c->other_change)
					continue;
				s->name_changes[c->other_name] =
					c->other_change + 1;
				again = true;
			}
	}
}

int
disk_inode_of(struct disk const *d, struct disk_state const *s, size_t n)
{
	size_t k = s->name_changes[n];

	return k > 0 ? d->names[n].changes[k - 1].inode : -1;
}

static void
mix(uint64_t *hash, uint64_t n)
{
	*hash = (*hash ^ n) * UINT64_C(1099511628211);
	*hash ^= *hash >> 29;
}

char const *
disk_content(struct disk const *d, struct disk_state const *s, int inode,
	size_t *len_r, bool *is_whole_r)
{
	static char *content;
	struct disk_inode const *f = &d->inodes[inode];
	uint64_t chance = s->chance ^ (uint64_t)(inode + 1) << 32;
	size_t len = 0;

	*is_whole_r = true;
	for (size_t i = 0; i < f->write_count; i++) {
		struct disk_write const *w = &f->writes[i];
		bool is_sure = w->durable_at < s->cut, is_torn;
		if (w->begin >= s->cut)
			break;
		is_torn =
			!is_sure && (inode == s->lost_inode ||
					    !happens(&chance, s->data_percent));
		*is_whole_r = *is_whole_r && !is_torn;
		if (content == NULL)
			content = disk_shared(CONTENT_MAX);
		if (w->offset + w->len > CONTENT_MAX)
			bad("a large file", "");
		for (size_t at = 0; at < w->len;) {
			size_t n = SECTOR - (w->offset + at) % SECTOR;
			if (n > w->len - at)
				n = w->len - at;
			/* Of what is torn some sectors may be there. */
			if (!is_torn ||
				(s->data_percent > 0 && happens(&chance, 40))) {
				size_t end = w->offset + at + n;
				if (w->offset + at > len)
					memset(content + len, 0,
						w->offset + at - len);
				memcpy(content + w->offset + at, w->data + at,
					n);
				if (end > len)
					len = end;
			}
			at += n;
		}
	}
	*len_r = len;
	return content != NULL ? content : "";
}

static uint64_t
hash_file(struct disk const *d, struct disk_state const *s, int inode)
{
	struct disk_inode const *f = &d->inodes[inode];
	uint64_t h = UINT64_C(14695981039346656037);
	bool is_whole;
	size_t len, n = f->write_count;
	char const *content = disk_content(d, s, inode, &len, &is_whole);

	mix(&h, (uint64_t)inode);
	mix(&h, len);
	while (n > 0 && f->writes[n - 1].begin >= s->cut)
		n--;
	/* Files with all that was written to them by then are alike. */
	if (is_whole)
		mix(&h, n);
	for (size_t i = 0; !is_whole && i < len; i++)
		mix(&h, (unsigned char)content[i]);
	return h;
}

static void
hash(struct disk const *d, struct disk_state *s)
{
	s->hash = s->queue_hash = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < d->name_count; i++) {
		int inode = disk_inode_of(d, s, i);
		enum disk_folder_kind kind =
			d->folders[d->names[i].folder].kind;
		if (inode < 0 || kind == DISK_REST)
			continue;
		uint64_t h = hash_file(d, s, inode);
		mix(&s->hash, i);
		mix(&s->hash, h);
		if (kind != DISK_QUEUE)
			continue;
		mix(&s->queue_hash, i);
		mix(&s->queue_hash, h);
	}
}

void
disk_choose(struct disk const *d, uint64_t cut, unsigned variant,
	uint64_t chance, struct disk_state *s)
{
	static unsigned const percents[] = {15, 50, 85};
	unsigned names = 0;
	size_t lost_name = SIZE_MAX;

	if (s->name_changes == NULL)
		s->name_changes = disk_shared(d->name_count * sizeof(size_t));
	chance ^= cut << 20 ^ variant;
	s->cut = cut;
	s->lost_inode = -1;
	if (variant < 4) {
		names = variant == 1 || variant == 2 ? 100 : 0;
		s->data_percent = variant == 1 || variant == 3 ? 100 : 0;
	} else if (next(&chance) % 3 == 0) {
		/* All is there but for one thing. */
		names = s->data_percent = 100;
		if (next(&chance) % 2 == 0)
			lost_name = next(&chance) % d->name_count;
		else
			s->lost_inode = (int)(next(&chance) % d->inode_count);
	} else {
		names = percents[next(&chance) % 3];
		s->data_percent = percents[next(&chance) % 3];
	}
	choose_names(d, s, names, lost_name, &chance);
	s->chance = next(&chance);
	hash(d, s);
}
