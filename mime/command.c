/* What the subcommands of mime share; see command.h. */
#include <skalibs/allreadwrite.h>

#include "mime/command.h"

/* Octets of output that are held. */
#define HELD_MAX 65536

bool
command_flush(stralloc *out, bool all)
{
	size_t const len = out->len;

	if (len < HELD_MAX && !all)
		return true;
	out->len = 0;
	return allwrite(1, out->s, len) == len;
}
