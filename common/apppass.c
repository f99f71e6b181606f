/* Passwords that a program has instead of its user's own. */
#include <stdio.h>
#include <string.h>
#include "common/apppass.h"

static struct {
	char const *said, *service;
} const services[] = {{"submit", "submit"}, {"smtp", "submit"},
	{"pop3", "pop3"}, {"imap", "imap"}, {"sieve", "sieve"}};

bool
apppass_normal(char const *s, size_t len, char out[APPPASS_LEN + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '-' || c == ' ')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (n == APPPASS_LEN || c == '\0' ||
			strchr(APPPASS_ALPHABET, c) == NULL)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return n == APPPASS_LEN;
}

void
apppass_show(char const *s, char out[APPPASS_SHOWN_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < APPPASS_LEN; i++) {
		if (i > 0 && i % 4 == 0)
			out[n++] = '-';
		out[n++] = s[i];
	}
	out[n] = '\0';
}

bool
apppass_is_name(char const *s, size_t len)
{
	if (len == 0 || len >= APPPASS_NAME_SIZE)
		return false;
	for (size_t i = 0; i < len; i++) {
		char const c = s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '.' || c == '_' ||
			    c == '-'))
			return false;
	}
	return true;
}

bool
apppass_allows(char const *list, char const *service, size_t len)
{
	if (strcmp(list, "*") == 0)
		return true;
	while (*list != '\0') {
		size_t const n = strcspn(list, ",");

		if (n == len && memcmp(list, service, n) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

static char const *
find(char const *s, size_t len)
{
	for (size_t i = 0; i < sizeof services / sizeof *services; i++)
		if (strlen(services[i].said) == len &&
			memcmp(services[i].said, s, len) == 0)
			return services[i].service;
	return NULL;
}

bool
apppass_services(char const *s, char out[APPPASS_SERVICES_SIZE])
{
	out[0] = '\0';
	if (strcmp(s, "*") == 0) {
		memcpy(out, "*", 2);
		return true;
	}
	for (;;) {
		size_t const n = strcspn(s, ",");
		char const *service = find(s, n);

		if (service == NULL)
			return false;
		if (!apppass_allows(out, service, strlen(service))) {
			size_t const len = strlen(out);

			snprintf(out + len, APPPASS_SERVICES_SIZE - len, "%s%s",
				len > 0 ? "," : "", service);
		}
		if (s[n] == '\0')
			return true;
		s += n + 1;
	}
}
