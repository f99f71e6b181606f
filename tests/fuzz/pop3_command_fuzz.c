/* A POP3 command line, and the name of a message's file. */
#include <stdlib.h>
#include <string.h>
#include "pop3d/command.h"
#include "pop3d/filename.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	char const *s = (char const *)data;
	enum pop3_command_error err;
	struct pop3_command c;
	char uidl[POP3_UIDL_MAX + 1];
	uint64_t octets;
	size_t len;

	if (pop3_command_parse(s, size, &c, &err)) {
		if (c.text < s || c.text + c.text_len > s + size ||
			c.number_count > 2)
			abort();
	} else if (*pop3_command_strerror(err) == '\0') {
		abort();
	}
	len = pop3_filename_uidl(s, size, uidl);
	if (len == 0 || len > POP3_UIDL_MAX || strlen(uidl) != len ||
		pop3_filename_base(s, size) > size)
		abort();
	for (size_t i = 0; i < len; i++)
		if (uidl[i] < 0x21 || uidl[i] > 0x7e)
			abort();
	return pop3_filename_size(s, size, &octets) && octets > INT64_MAX;
}
