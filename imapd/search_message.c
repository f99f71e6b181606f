/* Messages as searching looks at them; see search_message.h. */
#include "imapd/body.h"
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

bool
search_message_internal(struct search_message *m, int64_t *seconds_r)
{
	struct stat st;
	int r;

	*seconds_r = m->internal_s;
	if (m->has_internal)
		return true;
	*seconds_r = 0;
	r = mailbox_stat(&m->s->mailbox, m->i, &st);
	m->failed += r < 0;
	if (r <= 0)
		return false;
	m->has_internal = true;
	*seconds_r = m->internal_s = st.st_mtim.tv_sec;
	return true;
}

bool
search_message_size(struct search_message *m, uint64_t *size_r)
{
	struct message const *const v = &m->s->mailbox.view.v[m->i];

	*size_r = v->size;
	if (v->size != MESSAGE_SIZE_UNKNOWN)
		return true;
	*size_r = 0;
	if (!search_message_open(m))
		return false;
	if (body_size(&m->content, size_r))
		return true;
	m->failed++;
	return false;
}

struct lex_text
search_message_field(struct search_message *m, char const *name)
{
	struct header_field field;

	if (!search_message_open(m))
		return (struct lex_text){"", 0};
	if (!content_header(&m->content)) {
		m->failed++;
		return (struct lex_text){"", 0};
	}
	if (!header_find(m->content.s, m->content.header_len, name, &field))
		return (struct lex_text){"", 0};
	return (struct lex_text){field.value, field.value_len};
}
