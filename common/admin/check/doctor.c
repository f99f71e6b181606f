/* What the examinations share. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/admin/check/doctor.h"

void
doctor_take(struct doctor *d, struct finding *f)
{
	struct finding_text const *t;

	if (!finding_clean(f))
		return;
	t = &finding_texts[f->kind];
	/* A child finds what its examination is about, and nothing else. */
	if (t->section != NULL && strcmp(t->section, d->section) != 0)
		return;
	finding_print(&d->printer, d->section, f);
	d->count++;
	if (t->weight > d->worst)
		d->worst = t->weight;
	if (f->kind == FIND_RESOLVER_SILENT)
		d->resolver_is_silent = true;
}

static void
set(char *to, size_t size, char const *s)
{
	snprintf(to, size, "%s", s != NULL ? s : "");
}

void
doctor_find(struct doctor *d, enum finding_kind kind, unsigned line,
	char const *subject, char const *word1, char const *word2,
	char const *word3)
{
	struct finding f = {.kind = kind, .line = line};

	set(f.subject, sizeof f.subject, subject);
	set(f.word[0], sizeof f.word[0], word1);
	set(f.word[1], sizeof f.word[1], word2);
	set(f.word[2], sizeof f.word[2], word3);
	if (d->report_fd < 0)
		doctor_take(d, &f);
	else if (write(d->report_fd, &f, sizeof f) != (ssize_t)sizeof f)
		_exit(111);
}

char const *
doctor_setting(struct doctor const *d, char const *key)
{
	return values_text(&d->config.values, key);
}

void
doctor_service_path(struct doctor const *d, char const *service,
	char const *below, char *path_r, size_t size)
{
	snprintf(path_r, size, "%s/scan/%s%s", d->state, service, below);
}

bool
doctor_is_down(struct doctor const *d, char const *service)
{
	char word[32];

	snprintf(word, sizeof word, " %s ", service);
	return strstr(d->down, word) != NULL;
}

bool
doctor_listener(struct doctor const *d, char const *setting,
	struct sockaddr_storage *address_r, unsigned *len_r, char *text_r,
	size_t size)
{
	static struct in6_addr const any6 = IN6ADDR_ANY_INIT,
				     own6 = IN6ADDR_LOOPBACK_INIT;
	char const *value = doctor_setting(d, setting);
	stralloc sa = STRALLOC_ZERO;
	bool ok = *value != '\0' && setting_sockaddrs(value, &sa);

	if (ok) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)address_r;
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address_r;
		*len_r = (unsigned char)sa.s[0];
		memcpy(address_r, sa.s + 1, *len_r);
		if (address_r->ss_family == AF_INET &&
			v4->sin_addr.s_addr == htonl(INADDR_ANY))
			v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		else if (address_r->ss_family == AF_INET6 &&
			 memcmp(&v6->sin6_addr, &any6, sizeof any6) == 0)
			v6->sin6_addr = own6;
		snprintf(text_r, size, "%.*s", (int)strcspn(value, " "), value);
	}
	stralloc_free(&sa);
	return ok;
}
