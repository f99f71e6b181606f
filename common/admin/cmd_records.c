/* `kereru records`: what has to be published in the DNS. */
#include <stdio.h>
#include <string.h>
#include "common/addr.h"
#include "common/admin/command.h"
#include "common/admin/records_print.h"

int
command_records(
	struct command_context const *x, int argc, char const *const *argv)
{
	char key[ADDR_DOMAIN_MAX + 1];
	char const *domain = NULL;
	bool is_json = false, is_wrong = false;
	int code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-j") == 0)
			is_json = true;
		else if (*argv[i] != '-' && domain == NULL)
			domain = argv[i];
		else
			is_wrong = true;
	}
	if (is_wrong || (domain != NULL && strlen(domain) >= sizeof key)) {
		fprintf(stderr,
			"usage: kereru [-c DIR] records [-j] [DOMAIN]\n");
		return COMMAND_PERMANENT;
	}
	if (domain != NULL) {
		size_t len = strlen(domain);
		for (size_t i = 0; i < len; i++)
			key[i] = (char)(domain[i] >= 'A' && domain[i] <= 'Z'
						? domain[i] + 32
						: domain[i]);
		if (len > 1 && key[len - 1] == '.')
			len--;
		key[len] = '\0';
		domain = key;
	}
	code = records_show(stdout, x->folder, domain, is_json);
	return code == COMMAND_OK && fflush(stdout) != 0 ? COMMAND_TEMPORARY
							 : code;
}
