/* Records for people and programs. */
#include <sodium.h>
#include <string.h>
#include "common/admin/certificate.h"
#include "common/admin/command.h"
#include "common/admin/ownaddresses.h"
#include "common/admin/queue_print.h"
#include "common/admin/records_print.h"

/* Octets of one string of a TXT record (RFC 1035 3.3). */
#define STRING_MAX 255

/* What stands above the records of one use. */
static char const *
heading(enum record_use use)
{
	switch (use) {
	case RECORD_FOR_ADDRESS:
		return "the host's address";
	case RECORD_FOR_REVERSE:
		return "not for this zone: ask whoever gave you the address "
		       "to set";
	case RECORD_FOR_MX:
		return "where mail goes";
	case RECORD_FOR_SPF:
		return "SPF: who sends mail under this name";
	case RECORD_FOR_DKIM:
		return "DKIM: the keys that mail is signed with";
	case RECORD_FOR_DMARC:
		return "DMARC: what to do with mail that is not authentic; "
		       "p=none only asks for reports";
	case RECORD_FOR_DANE:
		return "DANE: the host's certificates; of use only where the "
		       "zone is signed (DNSSEC)";
	case RECORD_FOR_STS:
		return "MTA-STS: its web server has the policy that `kereru "
		       "web` makes";
	case RECORD_FOR_TLSRPT:
		return "TLSRPT: where reports on TLS are sent";
	case RECORD_FOR_SERVICE:
		return "where mail programs find their servers";
	case RECORD_FOR_CONFIG:
		return "where mail programs find their settings; the web "
		       "server has what `kereru web` makes";
	}
	return "";
}

static void
print_text(FILE *out, char const *s)
{
	size_t len = strlen(s);

	if (len > STRING_MAX)
		fputs("(", out);
	for (size_t at = 0; at < len || at == 0; at += STRING_MAX) {
		size_t end = len - at < STRING_MAX ? len : at + STRING_MAX;
		fputs(len > STRING_MAX ? "\n\t\"" : "\"", out);
		for (size_t i = at; i < end; i++) {
			if (s[i] == '"' || s[i] == '\\')
				putc('\\', out);
			putc(s[i], out);
		}
		putc('"', out);
	}
	if (len > STRING_MAX)
		fputs(" )", out);
}

static void
print_record(FILE *out, struct record const *r)
{
	bool is_comment = r->use == RECORD_FOR_REVERSE || r->value == NULL;

	if (is_comment)
		fputs("; ", out);
	if (r->use == RECORD_FOR_REVERSE && *r->name == '\0')
		fprintf(out, "THE-REVERSE-NAME-OF-YOUR-ADDRESS");
	else
		fprintf(out, "%s.", r->name);
	fprintf(out, " IN %s ", records_type_name(r->type));
	if (r->value == NULL)
		fputs("YOUR-PUBLIC-ADDRESS\n"
		      "; (only private addresses were found on this machine; "
		      "say the public one in the\n"
		      "; setting public-addresses)",
			out);
	else if (r->type == RECORD_TXT)
		print_text(out, r->value);
	else
		fputs(r->value, out);
	putc('\n', out);
}

void
records_print_zone(FILE *out, struct records const *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (i == 0 || r->list[i].use != r->list[i - 1].use)
			fprintf(out, "%s; %s\n", i == 0 ? "" : "\n",
				heading(r->list[i].use));
		print_record(out, &r->list[i]);
	}
}

static void
json_text(FILE *out, char const *key, char const *s)
{
	fprintf(out, "\"%s\":", key);
	if (s == NULL)
		fputs("null", out);
	else
		queue_print_string(out, s, strlen(s));
	putc(',', out);
}

void
records_print_json(FILE *out, struct records const *r)
{
	for (size_t i = 0; i < r->count; i++) {
		struct record const *one = &r->list[i];
		fputs(i == 0 ? "[{" : ",\n{", out);
		json_text(out, "name", one->name);
		json_text(out, "type", records_type_name(one->type));
		json_text(out, "value", one->value);
		json_text(out, "for", records_use_name(one->use));
		fprintf(out, "\"needed\":%s}",
			one->is_needed ? "true" : "false");
	}
	fputs(r->count == 0 ? "[]\n" : "]\n", out);
}

static int
show(FILE *out, struct config *c, struct records_facts const *facts,
	char const *domain, bool is_json)
{
	struct records r = RECORDS_ZERO;
	struct config_domain const *only = NULL;
	int code = COMMAND_OK;

	if (domain != NULL) {
		only = config_domain(c, domain, strlen(domain));
		if (only == NULL) {
			fprintf(stderr, "kereru: %s is no domain here\n",
				domain);
			return COMMAND_PERMANENT;
		}
	}
	if (!records_of_all(&r, c, facts, only)) {
		fprintf(stderr, "kereru: out of memory\n");
		code = COMMAND_TEMPORARY;
	} else if (is_json) {
		records_print_json(out, &r);
	} else {
		records_print_zone(out, &r);
	}
	records_free(&r);
	return code;
}

int
records_show(FILE *out, char const *folder, char const *domain, bool is_json)
{
	struct config c = {.folder = folder};
	struct faults f = {.is_quiet = true};
	struct ownaddresses own;
	struct records_facts facts = {0};
	stralloc certs = STRALLOC_ZERO, keys = STRALLOC_ZERO;
	int code = COMMAND_PERMANENT;

	if (config_read(&c, folder, &f) && f.count == 0 &&
		certificate_read(folder,
			values_text(&c.values, "tls-certificates"), &certs,
			&keys, &f) &&
		f.count == 0) {
		ownaddresses_find(&own, &c.values);
		facts.addresses = own.list;
		facts.address_count = own.count;
		if (*values_text(&c.values, "tls-certificates") != '\0') {
			facts.certs = certs.s;
			facts.certs_len = certs.len;
		}
		code = show(out, &c, &facts, domain, is_json);
	}
	if (keys.s != NULL)
		sodium_memzero(keys.s, keys.len);
	stralloc_free(&certs);
	stralloc_free(&keys);
	config_free(&c);
	return code;
}
