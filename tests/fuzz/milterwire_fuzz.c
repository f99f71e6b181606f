/* What a milter sends, and what it does to a message. */
#include <stdlib.h>
#include <string.h>
#include "smtpd/check/edit.h"
#include "smtpd/check/milterwire.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

/* What comes out has no bare CR or LF and no NUL, and every line in front is a
 * field. */
static void
is_sound(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool behind_cr = i > 0 && s[i - 1] == '\r';

		if (s[i] == '\0' || (s[i] == '\n') != behind_cr)
			abort();
	}
	if (len > 0 && s[len - 1] == '\r')
		abort();
}

static void
apply(struct edit *e, struct milterwire_packet const *p)
{
	switch (p->reply) {
	case MILTERWIRE_ADD_HEADER:
		(void)!edit_front(
			e, p->name.s, p->name.len, p->value.s, p->value.len);
		break;
	case MILTERWIRE_INSERT_HEADER:
		(void)!edit_front_first(
			e, p->name.s, p->name.len, p->value.s, p->value.len);
		break;
	case MILTERWIRE_CHANGE_HEADER:
		(void)!edit_change(e, p->index, p->name.s, p->name.len,
			p->value.s, p->value.len);
		break;
	case MILTERWIRE_REPLACE_BODY:
		(void)!edit_body(e, p->value.s, p->value.len);
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	static char const message[] =
		"A: b\r\nSubject: x\r\n y\r\n\r\nbody\r\n";
	char const *s = (char const *)data;
	struct milterwire_packet p;
	struct edit e;
	char text[100];
	unsigned code;

	edit_init(&e, message, sizeof message - 1);
	while (size >= MILTERWIRE_LENGTH) {
		unsigned char head[MILTERWIRE_LENGTH];
		size_t n;

		memcpy(head, s, sizeof head);
		n = milterwire_length(head);
		s += sizeof head;
		size -= sizeof head;
		if (n == 0 || n > size)
			break;
		if (milterwire_parse(s, n, &p)) {
			apply(&e, &p);
			if (p.reply == MILTERWIRE_CODE)
				(void)!milterwire_reply_code(
					p.value, &code, text, sizeof text - 1);
		}
		s += n;
		size -= n;
	}
	is_sound(e.s, e.len);
	is_sound(e.front.s, e.front.len);
	edit_free(&e);
	return 0;
}
