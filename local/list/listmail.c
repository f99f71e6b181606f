/* A message that came to a list; see list.h. */
#include <errno.h>
#include <string.h>
#include "common/queuebody.h"
#include "local/list/list.h"
#include "mime/body.h"
#include "mime/header.h"

/* Octets of a message that commands are looked for in. */
#define TEXT_MESSAGE_MAX (1024u * 1024)

static void
append(void *data, char const *s, size_t len)
{
	/* Room was made before. */
	(void)stralloc_catb(data, s, len);
}

/* Append a part of the file. */
static bool
read_part(int fd, uint64_t offset, uint64_t len, stralloc *out)
{
	enum queuebody_result r;

	errno = ENOMEM;
	if (!stralloc_readyplus(out, (size_t)len + 1))
		return false;
	r = queuebody_copy(fd, offset, len, append, out);
	if (r == QUEUEBODY_SHORT)
		errno = EIO;
	return r == QUEUEBODY_OK;
}

bool
list_read_mail(struct list_mail *mail)
{
	uint64_t const most = mail->message_len < LIST_HEADER_MAX
				      ? mail->message_len
				      : LIST_HEADER_MAX;

	errno = EFBIG;
	if (mail->added_len > LIST_HEADER_MAX ||
		!read_part(mail->fd, mail->added_offset, mail->added_len,
			&mail->header))
		return false;
	mail->added_here = mail->header.len;
	if (!read_part(mail->fd, mail->message_offset, most, &mail->header))
		return false;
	mail->own_len = header_end(mail->header.s + mail->added_here,
		mail->header.len - mail->added_here, LIST_HEADER_MAX);
	mail->header.len = mail->added_here + mail->own_len;
	if (!listhead_author(&mail->author, mail->header.s + mail->added_here,
		    mail->own_len))
		mail->author.len = 0;
	if (mail->author.len > 0 &&
		!members_may_be(mail->author.s, mail->author.len))
		mail->author.len = 0;
	return stralloc_readyplus(&mail->author, 1);
}

void
list_free_mail(struct list_mail *mail)
{
	stralloc_free(&mail->header);
	stralloc_free(&mail->author);
}

bool
list_mail_text(struct list_mail const *mail, stralloc *out)
{
	static struct message m;
	char const *type;
	bool ok;

	if (mail->message_len > TEXT_MESSAGE_MAX)
		return stralloc_readyplus(out, 1);
	m.text.len = 0;
	ok = read_part(
		mail->fd, mail->message_offset, mail->message_len, &m.text);
	if (ok) {
		m.count = structure_parse(
			m.text.s, m.text.len, m.parts, STRUCTURE_PARTS_MAX);
		type = body_type_shown(&m);
		for (size_t i = 0; i < m.count; i++)
			if (body_is_shown(&m, &m.parts[i], type)) {
				ok = body_text(
					&m, &m.parts[i], body_append, out);
				break;
			}
	}
	return ok && stralloc_readyplus(out, 1);
}
