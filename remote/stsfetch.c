/* Getting a domain's MTA-STS policy: see stsfetch.h. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <skalibs/allreadwrite.h>
#include "remote/stsfetch.h"

#define DNS_MS 20000
#define HTTPS_SECONDS 60L
#define CONNECT_SECONDS 20L
/* Octets of a TXT record that are looked at. */
#define RECORD_MAX 1024

struct got {
	char id[STSPOLICY_ID_SIZE];
	size_t len;
	bool is_too_long;
	char text[STSPOLICY_OCTETS_MAX];
};

bool
stsfetch_prepare(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static void
tell(int fd, enum stsfetch_result result, char const *id, char const *s,
	size_t len)
{
	char head[2] = {(char)result, (char)strlen(id)};

	if (allwrite(fd, head, 2) == 2 &&
		allwrite(fd, id, strlen(id)) == strlen(id))
		(void)!allwrite(fd, s, len);
}

static void
tell_why(int fd, enum stsfetch_result result, char const *id, char const *why)
{
	tell(fd, result, id, why, strlen(why));
}

/* 1 there is one, and its id; 0 none; -1 not known now. RFC 8461 3.1: of
 * several none counts. */
static int
find_id(struct stsfetch const *f, char const *domain,
	char id_r[STSPOLICY_ID_SIZE])
{
	char name[DNS_NAME_SIZE + 16], text[RECORD_MAX];
	struct dns_question q = {.name = name, .type = DNS_TXT};
	unsigned found = 0;
	bool is_good = true;

	snprintf(name, sizeof name, "_mta-sts.%s", domain);
	dns_ask(f->dns, &q, 1, DNS_MS);
	if (q.status == DNS_TEMPORARY)
		return -1;
	for (size_t i = 0; i < q.reply.record_count; i++) {
		size_t len = dns_record_txt(&q.reply, i, text, sizeof text);
		int r = stspolicy_record(
			text, len < sizeof text ? len : sizeof text, id_r);
		found += r != 0;
		is_good = is_good && r >= 0;
	}
	dns_free(&q, 1);
	return found == 1 && is_good;
}

/* The host's addresses, for curl: it asks nobody by itself. */
static bool
add_addresses(struct stsfetch const *f, char const *host, char *s, size_t size)
{
	struct dns_question q[2] = {{.name = host, .type = DNS_A},
		{.name = host, .type = DNS_AAAA}};
	int n = snprintf(s, size, "%s:%u:", host, f->port);
	size_t len = n > 0 ? (size_t)n : size;
	unsigned count = 0;

	dns_ask(f->dns, q, 2, DNS_MS);
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < q[i].reply.record_count && k < 4; k++) {
			unsigned char raw[16];
			char text[INET6_ADDRSTRLEN];
			bool is_four =
				dns_record_address(&q[i].reply, k, raw) == 4;
			if (inet_ntop(is_four ? AF_INET : AF_INET6, raw, text,
				    sizeof text) == NULL ||
				len >= size)
				continue;
			n = snprintf(s + len, size - len,
				is_four ? "%s%s" : "%s[%s]",
				count++ > 0 ? "," : "", text);
			len += n > 0 ? (size_t)n : 0;
		}
	dns_free(q, 2);
	return count > 0 && len < size;
}

static size_t
take(char *s, size_t size, size_t count, void *data)
{
	struct got *g = data;
	size_t len = size * count;

	if (len > sizeof g->text - g->len) {
		g->is_too_long = true;
		return 0;
	}
	memcpy(g->text + g->len, s, len);
	g->len += len;
	return len;
}

static bool
set_up(CURL *c, struct stsfetch const *f, char const *url,
	struct curl_slist *addresses, struct got *g)
{
	/* curl takes a pointer to what it does not change. */
	struct curl_blob anchors = {
		.len = f->anchors_len, .flags = CURL_BLOB_COPY};

	memcpy(&anchors.data, &f->anchors, sizeof anchors.data);
	return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") ==
		       CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &anchors) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_RESOLVE, addresses) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
	       /* RFC 8461 3.3: none is followed. */
	       curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSLVERSION,
		       (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT, HTTPS_SECONDS) ==
		       CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS) ==
		       CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, g) == CURLE_OK;
}

/* RFC 8461 3.3: what users of a web server can put there is no policy. */
static char const *
judge(CURL *c, struct got const *g, CURLcode code)
{
	char const *type = NULL;
	long status = 0;

	if (g->is_too_long)
		return "the policy is too long";
	if (code != CURLE_OK)
		return curl_easy_strerror(code);
	if (curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
		status != 200)
		return "the web server does not answer 200";
	if (curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK ||
		type == NULL || strncasecmp(type, "text/plain", 10) != 0)
		return "the policy is not text/plain";
	return NULL;
}

static void
fetch(struct stsfetch const *f, char const *domain, struct got *g, int to_fd)
{
	char host[DNS_NAME_SIZE + 16], url[2 * DNS_NAME_SIZE], addresses[1024];
	struct curl_slist *list = NULL;
	CURL *c = curl_easy_init();
	char const *why = "out of memory";
	CURLcode code = CURLE_OUT_OF_MEMORY;

	snprintf(host, sizeof host, "mta-sts.%s", domain);
	if (f->port == 443)
		snprintf(url, sizeof url, "https://%s/.well-known/mta-sts.txt",
			host);
	else
		snprintf(url, sizeof url,
			"https://%s:%u/.well-known/mta-sts.txt", host, f->port);
	if (!add_addresses(f, host, addresses, sizeof addresses)) {
		why = "the web server has no address";
	} else if (c != NULL &&
		   (list = curl_slist_append(NULL, addresses)) != NULL &&
		   set_up(c, f, url, list, g)) {
		code = curl_easy_perform(c);
		why = judge(c, g, code);
	}
	if (why == NULL)
		tell(to_fd, STSFETCH_POLICY, g->id, g->text, g->len);
	else
		tell_why(to_fd,
			code == CURLE_PEER_FAILED_VERIFICATION
				? STSFETCH_UNTRUSTED
				: STSFETCH_FAILED,
			g->id, why);
}

void
stsfetch_run(struct stsfetch const *f, char const *domain, char const *known_id,
	int to_fd)
{
	static struct got g;
	int found;

	alarm(STSFETCH_SECONDS);
	found = find_id(f, domain, g.id);
	if (found <= 0)
		tell_why(to_fd, found < 0 ? STSFETCH_LATER : STSFETCH_NONE, "",
			"");
	else if (strcmp(g.id, known_id) == 0)
		tell_why(to_fd, STSFETCH_SAME, g.id, "");
	else
		fetch(f, domain, &g, to_fd);
}
