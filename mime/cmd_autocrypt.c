/* mime autocrypt: the key that came along with a message. */
#include <skalibs/strerr.h>

#include "mime/autocrypt.h"
#include "mime/command.h"

bool
mime_autocrypt(struct message const *m, struct request *r, stralloc *out)
{
	struct structure_part const *root = &m->parts[0];
	enum autocrypt_result result;
	bool mutual;

	(void)r;
	if (!autocrypt_read(m->text.s + root->header_offset, root->header_len,
		    out, &mutual, &result))
		return false;
	if (result == AUTOCRYPT_NONE)
		strerr_dief1x(1, "there is no Autocrypt field of its sender");
	if (result == AUTOCRYPT_AMBIGUOUS)
		strerr_dief1x(1, "there is more than one Autocrypt field: none "
				 "counts");
	return true;
}
