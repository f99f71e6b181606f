/* What was learned of messages once; see meta.h. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <sodium.h>

#include "imapd/body.h"
#include "imapd/crlf.h"
#include "imapd/meta.h"
#include "mime/imap.h"

#define FIELDS_MAX 65536
/* So much is held back. */
#define OUT_MAX 262144
/* A file smaller than this is not worth a look for garbage. */
#define GARBAGE_MIN 131072

char const *const meta_field_names[] = {"Date", "From", "Sender", "Reply-To",
	"To", "Cc", "Bcc", "Subject", "Message-ID", "In-Reply-To", "References",
	"Content-Type", "Content-Transfer-Encoding", "MIME-Version",
	"Delivered-To", "Return-Path", "X-Priority", "Priority", "Importance",
	"X-MSMail-Priority", "List-Id", "List-Post", "List-Unsubscribe",
	"Disposition-Notification-To", "Auto-Submitted", "Resent-Date",
	"Resent-From", "Resent-To", "Newsgroups", "Followup-To", "X-Spam-Flag",
	"X-Spam-Status", "User-Agent", "X-Mailer", "X-Label", "X-Keywords",
	"Content-Language", "Mail-Followup-To", "Mail-Reply-To", "Precedence",
	NULL};
#define FIELDS (sizeof meta_field_names / sizeof *meta_field_names - 1)

bool
meta_has_field(char const *name, size_t len)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (strncasecmp(meta_field_names[i], name, len) == 0 &&
			meta_field_names[i][len] == '\0')
			return true;
	return false;
}

static uint32_t
name_crc(struct mailbox const *m, size_t i)
{
	return metarecord_name(
		msgtable_name(&m->view, i), m->view.v[i].base_len);
}

bool
meta_get(struct mailbox *m, size_t i, unsigned want, struct meta_entry *e_r)
{
	struct message const *const v = &m->view.v[i];
	struct metarecord r;
	char const *s;
	size_t len;

	return v->meta != 0 &&
	       meta_file_get(&m->meta, m->folder_fd, v->meta, &s, &len) &&
	       metarecord_take_apart(s, len, &r, e_r) && r.uid == v->uid &&
	       r.inode == v->inode && r.name == name_crc(m, i) &&
	       (r.present & want) == want;
}

static bool
add_header(struct content *c, stralloc *sa, struct metarecord *r)
{
	static struct section_name names[FIELDS];
	size_t const before = sa->len;

	for (size_t k = 0; k < FIELDS; k++)
		names[k] = (struct section_name){
			meta_field_names[k], strlen(meta_field_names[k])};
	if (!section_fields(sa, c->s, c->header_len, names, FIELDS, false))
		return false;
	if (sa->len - before > FIELDS_MAX) {
		sa->len = before;
		return true;
	}
	r->lens[METARECORD_HEADER] = (uint32_t)(sa->len - before);
	r->present |= META_HEADER;
	return true;
}

static bool
add_envelope(struct content *c, stralloc *sa, struct metarecord *r)
{
	size_t const before = sa->len;

	if (!imap_envelope(sa, c->s, c->header_len))
		return false;
	r->lens[METARECORD_ENVELOPE] = (uint32_t)(sa->len - before);
	r->present |= META_ENVELOPE;
	return true;
}

static bool
add_structures(struct content *c, stralloc *sa, struct metarecord *r)
{
	size_t const before = sa->len;
	size_t middle;

	if (!content_parts(c) ||
		!imap_bodystructure(sa, c->s, c->parts, c->parts_count, true))
		return false;
	middle = sa->len;
	if (!imap_bodystructure(sa, c->s, c->parts, c->parts_count, false))
		return false;
	r->lens[METARECORD_STRUCTURE] = (uint32_t)(middle - before);
	r->lens[METARECORD_BODY] = (uint32_t)(sa->len - middle);
	r->present |= META_STRUCTURE;
	return true;
}

/* A hash of the octets as they are sent, so that a file's line ends do not
 * matter. */
static bool
add_digest(struct content *c, struct metarecord *r)
{
	crypto_generichash_state state;
	char const *s;

	if (!content_whole(c))
		return false;
	s = c->s;
	crypto_generichash_init(&state, NULL, 0, META_DIGEST_LEN);
	for (char const *lf; s < c->s + c->len; s = lf + 1) {
		char const *const stop = c->s + c->len;

		lf = memchr(s, '\n', (size_t)(stop - s));
		if (lf == NULL) {
			crypto_generichash_update(&state,
				(unsigned char const *)s, (size_t)(stop - s));
			break;
		}
		crypto_generichash_update(&state, (unsigned char const *)s,
			(size_t)(lf - s) - (lf > s && lf[-1] == '\r'));
		crypto_generichash_update(
			&state, (unsigned char const *)"\r\n", 2);
	}
	crypto_generichash_final(&state, r->digest, sizeof r->digest);
	r->present |= META_DIGEST;
	return true;
}

static bool
add_size(struct content *c, struct metarecord *r)
{
	struct crlf crlf = {0};

	if (c->whole)
		r->size = crlf_size(&crlf, c->s, c->len);
	else if (!body_size(c, &r->size))
		return false;
	r->present |= META_SIZE;
	return true;
}

/* Put the record of the message that is open in c into sa. What comes cheap is
 * put in unasked. */
static bool
learn(struct mailbox *m, size_t i, unsigned want, struct content *c,
	stralloc *sa)
{
	struct message const *const v = &m->view.v[i];
	struct metarecord r = {.uid = v->uid,
		.inode = v->inode,
		.name = name_crc(m, i),
		.present = META_DATE,
		.date = c->st.st_mtim.tv_sec};
	bool ok;

	sa->len = 0;
	if (!stralloc_readyplus(sa, sizeof r))
		return false;
	sa->len = sizeof r;
	if (want & (META_STRUCTURE | META_DIGEST) && !content_whole(c))
		return false;
	ok = content_header(c);
	if (c->whole)
		want |= META_SIZE | META_HEADER | META_ENVELOPE |
			META_STRUCTURE | META_DIGEST;
	if (want & (META_HEADER | META_ENVELOPE))
		want |= META_HEADER | META_ENVELOPE;
	ok = ok && (!(want & META_ENVELOPE) || add_envelope(c, sa, &r)) &&
	     (!(want & META_STRUCTURE) || add_structures(c, sa, &r)) &&
	     (!(want & META_HEADER) || add_header(c, sa, &r)) &&
	     (!(want & META_DIGEST) || add_digest(c, &r)) &&
	     (!(want & META_SIZE) || add_size(c, &r));
	while (ok && sa->len % META_UNIT != 0)
		ok = stralloc_append(sa, '\0');
	if (ok)
		memcpy(sa->s, &r, sizeof r);
	return ok;
}

static void
write_out(struct mailbox *m)
{
	struct meta_file *const f = &m->meta;
	struct meta_place p;
	uint32_t first;

	if (f->out.len > 0 && meta_file_flush(f, m->folder_fd, &first))
		for (size_t at = 0; at < f->places.len; at += sizeof p) {
			size_t i;

			memcpy(&p, f->places.s + at, sizeof p);
			i = mailbox_find_uid(m, p.uid);
			if (i == m->view.count || m->view.v[i].uid != p.uid)
				continue;
			m->view.v[i].meta = first + p.offset;
			m->view.v[i].meta_len = p.len;
			msgtable_mark(&m->view, i, MESSAGE_HINT);
		}
	f->out.len = f->places.len = 0;
}

static void
keep(struct mailbox *m, size_t i, stralloc *sa)
{
	struct meta_place place = {.uid = m->view.v[i].uid,
		.len = (uint32_t)(sa->len / META_UNIT)};

	if (meta_file_put(&m->meta, sa->s, sa->len, &place.offset) &&
		stralloc_catb(
			&m->meta.places, (char const *)&place, sizeof place) &&
		m->meta.out.len < OUT_MAX)
		return;
	write_out(m);
}

int
meta_need(struct mailbox *m, size_t i, unsigned want, struct content *c,
	struct meta_entry *e_r)
{
	stralloc *const sa = &m->meta.scratch;
	struct metarecord r;

	if (meta_get(m, i, want, e_r))
		return 1;
	if (c->fd < 0) {
		int const opened = content_open(c, m, i);

		if (opened <= 0)
			return opened;
	}
	/* The file is what it was when the folder was read. */
	if (m->view.v[i].inode == 0)
		m->view.v[i].inode = msgtable_inode(c->st.st_ino);
	if (!learn(m, i, want, c, sa) ||
		!metarecord_take_apart(sa->s, sa->len, &r, e_r)) {
		errno = errno != 0 ? errno : ENOMEM;
		return -1;
	}
	if (m->view.v[i].inode == msgtable_inode(c->st.st_ino))
		keep(m, i, sa);
	if ((e_r->present & want) == want)
		return 1;
	/* A header too large to be kept. */
	errno = EFBIG;
	return -1;
}

void
meta_flush(struct mailbox *m)
{
	struct meta_file *const f = &m->meta;

	write_out(m);
	if (f->scratch.a > OUT_MAX)
		stralloc_free(&f->scratch);
	if (f->out.a > OUT_MAX / 4)
		stralloc_free(&f->out);
	if (f->block.a > OUT_MAX / 4)
		stralloc_free(&f->block);
}

bool
meta_has_garbage(struct mailbox *m)
{
	uint64_t const size = meta_file_size(&m->meta, m->folder_fd);
	uint64_t used = 0;

	if (size < GARBAGE_MIN)
		return false;
	for (size_t i = 0; i < m->view.count; i++)
		used += (uint64_t)m->view.v[i].meta_len * META_UNIT;
	return used < size / 2;
}

bool
meta_collect(struct mailbox *m)
{
	struct meta_file *const f = &m->meta;
	struct meta_entry e;
	uint32_t first;
	size_t len;
	char const *s;
	char *copy;

	f->out.len = f->places.len = 0;
	for (size_t i = 0; i < m->view.count; i++) {
		struct message *const v = &m->view.v[i];
		uint32_t offset;
		bool const there =
			meta_get(m, i, 0, &e) &&
			meta_file_get(f, m->folder_fd, v->meta, &s, &len);

		v->meta = v->meta_len = 0;
		if (!there)
			continue;
		f->scratch.len = 0;
		if (!stralloc_catb(&f->scratch, s, len))
			continue;
		copy = f->scratch.s;
		if (!meta_file_put(f, copy, len, &offset))
			continue;
		v->meta = offset + 1;
		v->meta_len = (uint32_t)(len / META_UNIT);
	}
	if (!meta_file_replace(f, m->folder_fd, &first)) {
		for (size_t i = 0; i < m->view.count; i++)
			m->view.v[i].meta = m->view.v[i].meta_len = 0;
		return false;
	}
	/* The first place is 1: magic and offset 0. */
	for (size_t i = 0; i < m->view.count; i++)
		if (m->view.v[i].meta != 0)
			m->view.v[i].meta += first - 1;
	return true;
}
