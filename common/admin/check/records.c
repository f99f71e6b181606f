/* What the DNS says of our domains, against what it must say. */
#include "common/admin/check/asking.h"

void
records_examine(struct doctor *d)
{
	(void)d;
}
