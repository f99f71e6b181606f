/* Messages as searching looks at them; see search_message.h. */
#include <string.h>

#include "imapd/search_message.h"
#include "mime/header.h"

void
search_message_init(struct search_message *m, struct session *s)
{
	*m = (struct search_message){
		.s = s, .content = CONTENT_ZERO, .missing = true};
}

void
search_message_free(struct search_message *m)
{
	content_free(&m->content);
}

void
search_message_start(struct search_message *m, size_t i)
{
	m->i = i;
	m->opened = m->has_internal = false;
	m->asked = m->has_entry = false;
}

bool
search_message_open(struct search_message *m)
{
	if (!m->opened) {
		int const r = content_open(&m->content, &m->s->mailbox, m->i);

		m->opened = true;
		m->missing = r <= 0;
		m->failed += r < 0;
	}
	return !m->missing;
}

/* Have the cache's entry with the header's fields, if it can have one. */
static bool
have_entry(struct search_message *m)
{
	int r;

	if (m->asked)
		return m->has_entry;
	m->asked = true;
	/* It may be open on another message yet. */
	if (!m->opened)
		content_close(&m->content);
	else if (m->missing)
		return false;
	r = meta_need(&m->s->mailbox, m->i, META_HEADER | META_DATE,
		&m->content, &m->entry);
	if (r == 0 || m->content.fd >= 0) {
		m->opened = true;
		m->missing = r == 0;
	}
	m->has_entry = r > 0;
	return m->has_entry;
}

bool
search_message_internal(struct search_message *m, int64_t *seconds_r)
{
	struct meta_entry e;
	struct stat st;
	int r = 1;

	*seconds_r = m->internal_s;
	if (m->has_internal)
		return true;
	*seconds_r = 0;
	if (m->has_entry) {
		m->internal_s = m->entry.date;
	} else if (!m->asked && meta_get(&m->s->mailbox, m->i, META_DATE, &e)) {
		m->internal_s = e.date;
	} else {
		r = mailbox_stat(&m->s->mailbox, m->i, &st);
		m->internal_s = r > 0 ? st.st_mtim.tv_sec : 0;
	}
	m->failed += r < 0;
	m->has_internal = r > 0;
	*seconds_r = m->internal_s;
	return r > 0;
}

/* Have something else of the cache; the entry that is there is not good any
 * more. */
static bool
learn(struct search_message *m, unsigned want, struct meta_entry *e_r)
{
	int r;

	if (!m->opened)
		content_close(&m->content);
	m->asked = m->has_entry = false;
	r = meta_need(&m->s->mailbox, m->i, want, &m->content, e_r);
	if (m->content.fd >= 0) {
		m->opened = true;
		m->missing = false;
	}
	m->failed += r < 0;
	return r > 0;
}

bool
search_message_size(struct search_message *m, uint64_t *size_r)
{
	struct message const *const v = &m->s->mailbox.view.v[m->i];
	struct meta_entry e;

	*size_r = v->size;
	if (v->size != MESSAGE_SIZE_UNKNOWN)
		return true;
	*size_r = 0;
	if (m->has_entry && m->entry.present & META_SIZE) {
		*size_r = m->entry.size;
		return true;
	}
	if (!learn(m, META_SIZE, &e))
		return false;
	*size_r = e.size;
	return true;
}

bool
search_message_digest(struct search_message *m, unsigned char *digest_r)
{
	struct meta_entry e;

	if (!learn(m, META_DIGEST, &e))
		return false;
	memcpy(digest_r, e.digest, META_DIGEST_LEN);
	return true;
}

bool
search_message_header(struct search_message *m, char const *name, size_t len,
	struct lex_text *header_r)
{
	if (meta_has_field(name, len) && have_entry(m)) {
		*header_r =
			(struct lex_text){m->entry.header, m->entry.header_len};
		return true;
	}
	if (!search_message_open(m))
		return false;
	if (!content_header(&m->content)) {
		m->failed++;
		return false;
	}
	*header_r = (struct lex_text){m->content.s, m->content.header_len};
	return true;
}

struct lex_text
search_message_field(struct search_message *m, char const *name)
{
	struct header_field field;
	struct lex_text header;

	if (!search_message_header(m, name, strlen(name), &header) ||
		!header_find(header.s, header.len, name, &field))
		return (struct lex_text){"", 0};
	return (struct lex_text){field.value, field.value_len};
}
