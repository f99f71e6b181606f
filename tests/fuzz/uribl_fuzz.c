/* URLs in text and HTML. */
#include <stdlib.h>
#include <string.h>
#include "smtpd/check/uribl.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	static struct uribl u;
	char name[DNS_NAME_SIZE], *s = malloc(size > 0 ? size : 1);

	if (s == NULL)
		return 0;
	memcpy(s, data, size);
	uribl_start(&u, NULL);
	uribl_text(&u, s, size);
	uribl_html(&u, s, size);
	for (size_t i = 0; i < u.count; i++) {
		if (strlen(u.domains[i]) == 0)
			abort();
		(void)!uribl_name(&u, i, "lists.example.org", 17, name);
	}
	free(s);
	return 0;
}
