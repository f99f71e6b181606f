/* All that authenticates a message: see mailauth.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/arc_run.h"
#include "mime/dkim/authres.h"
#include "mime/dkim/dkim_run.h"
#include "smtpd/check/mailauth.h"

/* Questions that are asked ahead, all at once. */
#define AHEAD_MAX (2 + DKIM_SIGNATURES_MAX + DMARC_WALK_MAX + ARC_SETS_MAX + 1)

struct work {
	struct fields fields;
	struct bodyhashes bodies;
	struct dkim_run dkim;
	struct arc_run arc;
	struct dkim_options options;
	struct spf_request helo, from;
	bool has_spf, has_helo;
	char author[DNS_NAME_SIZE]; /* "" if there is none */
	char const *author_why;
	char helo_name[DNS_NAME_SIZE], from_name[DNS_NAME_SIZE];
	char walk[DMARC_WALK_MAX][DMARC_NAME_SIZE];
	struct query_question ahead[AHEAD_MAX];
	size_t ahead_count;
};

static void
ask_later(struct work *w, char const *name)
{
	if (w->ahead_count < AHEAD_MAX)
		w->ahead[w->ahead_count++] =
			(struct query_question){.name = name, .type = DNS_TXT};
}

static void
begin_spf(struct work *w, struct mailauth_request const *r)
{
	w->has_spf = !(r->flags & MAILAUTH_NO_SPF) &&
		     spf_client_parse(r->client, &w->from.client);
	if (!w->has_spf)
		return;
	w->from.helo = r->helo;
	w->from.sender = r->sender;
	w->from.receiver = r->host;
	w->from.now = r->now;
	w->helo = w->from;
	w->helo.of_helo = true;
	if (spf_first_name(&w->from, w->from_name))
		ask_later(w, w->from_name);
	w->has_helo = spf_first_name(&w->helo, w->helo_name);
	if (w->has_helo)
		ask_later(w, w->helo_name);
}

static bool
begin(struct work *w, struct mailauth_request const *r)
{
	begin_spf(w, r);
	if (!(r->flags & MAILAUTH_NO_DKIM)) {
		dkim_run_begin(&w->dkim, &w->fields, &w->options, &w->bodies);
		for (size_t i = 0; i < w->dkim.count; i++)
			if (dkim_check_question(&w->dkim.checks[i],
				    &w->ahead[w->ahead_count]))
				w->ahead_count++;
	}
	if (!(r->flags & MAILAUTH_NO_DMARC) &&
		dmarc_author(w->fields.bytes, w->fields.len, w->author,
			&w->author_why))
		for (size_t i = 0, n = dmarc_walk(w->author, w->walk); i < n;
			i++)
			ask_later(w, w->walk[i]);
	if (!(r->flags & MAILAUTH_NO_ARC)) {
		if (!arc_run_begin(
			    &w->arc, &w->fields, &w->options, &w->bodies))
			return false;
		w->ahead_count += arc_run_questions(&w->arc,
			w->ahead + w->ahead_count, AHEAD_MAX - w->ahead_count);
	}
	return true;
}

static bool
judge(struct work *w, struct mailauth_request const *r, struct query *query,
	struct mailauth_results *out)
{
	if (w->has_spf) {
		spf_check(query, &w->from, &out->spf_from);
		spf_check(query, &w->helo, &out->spf_helo);
	}
	dkim_run_keys(&w->dkim, query, &w->options);
	if (!(r->flags & MAILAUTH_NO_ARC))
		arc_run_keys(&w->arc, query, &w->options);
	if (!bodyhash_read(&w->bodies, &r->message, w->fields.body_at))
		return false;
	dkim_run_end(&w->dkim, &w->fields, &w->bodies, &out->dkim);
	if (!(r->flags & MAILAUTH_NO_ARC) &&
		!arc_run_end(&w->arc, &w->fields, &w->bodies, &out->arc))
		return false;
	if (r->flags & MAILAUTH_NO_DMARC)
		return true;
	if (*w->author != '\0') {
		dmarc_check(query, w->author,
			w->has_spf ? &out->spf_from : NULL, &out->dkim,
			&out->dmarc);
	} else {
		out->dmarc.code = DMARC_PERMERROR;
		out->dmarc.why = w->author_why;
	}
	return true;
}

static void
write_spf(struct authres_writer *w, struct spf_result const *r,
	char const *property, char const *value)
{
	authres_add(w, "spf", spf_name(r->code));
	if (r->why != NULL)
		authres_add_reason(w, r->why);
	authres_add_property(w, property, value);
}

static void
write_dkim(struct authres_writer *w, struct dkim_result const *r)
{
	char text[64];

	authres_add(w, "dkim", dkim_name(r->code));
	if (r->why != NULL)
		authres_add_reason(w, r->why);
	if (r->bits > 0) {
		snprintf(text, sizeof text, "%u-bit key%s", r->bits,
			r->testing ? ", testing" : "");
		authres_add_comment(w, text);
	}
	if (r->uncovered > 0) {
		snprintf(text, sizeof text, "%llu octets are not signed",
			(unsigned long long)r->uncovered);
		authres_add_comment(w, text);
	}
	authres_add_property(w, "header.d", r->domain);
	authres_add_property(w, "header.s", r->selector);
	authres_add_property(w, "header.a", r->algorithm);
	authres_add_property(w, "header.b", r->b);
}

static void
write_arc(struct authres_writer *w, struct arc_result const *r,
	char const *client)
{
	char text[DNS_NAME_SIZE + 32];

	authres_add(w, "arc", arc_name(r->code));
	if (r->why != NULL)
		authres_add_reason(w, r->why);
	snprintf(text, sizeof text, "i=%u, sealed by %s", r->sets,
		*r->sealer != '\0' ? r->sealer : "nobody");
	authres_add_comment(w, text);
	authres_add_property(w, "smtp.remote-ip", client);
}

static void
write_dmarc(struct authres_writer *w, struct dmarc_result const *r)
{
	char text[64];

	authres_add(w, "dmarc", dmarc_name(r->code));
	if (r->why != NULL)
		authres_add_reason(w, r->why);
	if (r->record.exists) {
		snprintf(text, sizeof text, "p=%s%s",
			dmarc_policy_name(r->policy),
			r->record.testing ? ", testing" : "");
		authres_add_comment(w, text);
	}
	authres_add_property(w, "header.from", r->from);
}

static void
write_value(struct work const *w, struct mailauth_request const *r,
	struct mailauth_results *out)
{
	struct authres_writer writer;

	authres_begin(&writer, out->value, sizeof out->value, r->host);
	if (w->has_spf) {
		if (*r->sender != '\0')
			write_spf(&writer, &out->spf_from, "smtp.mailfrom",
				r->sender);
		if (w->has_helo)
			write_spf(
				&writer, &out->spf_helo, "smtp.helo", r->helo);
	}
	if (!(r->flags & MAILAUTH_NO_DKIM) && out->dkim.count == 0)
		authres_add(&writer, "dkim", "none");
	for (size_t i = 0; i < out->dkim.count; i++)
		write_dkim(&writer, &out->dkim.list[i]);
	if (!(r->flags & MAILAUTH_NO_DMARC))
		write_dmarc(&writer, &out->dmarc);
	if (out->arc.code != ARC_NONE)
		write_arc(&writer, &out->arc, r->client);
	out->value_len = authres_end(&writer);
}

bool
mailauth_run(struct mailauth_request const *request, struct query *query,
	struct mailauth_results *results_r)
{
	struct work *w = calloc(1, sizeof *w);
	bool is_done = false;

	memset(results_r, 0, sizeof *results_r);
	if (w == NULL)
		return false;
	w->options = (struct dkim_options){
		.now = request->now, .bits_min = request->bits_min};
	if (!fields_read(&request->message, &w->fields) || !begin(w, request))
		goto end;
	if (request->meanwhile != NULL) {
		query_send(query, w->ahead, w->ahead_count);
		request->meanwhile(request->data);
	}
	query_ask(query, w->ahead, w->ahead_count);
	if (!judge(w, request, query, results_r))
		goto end;
	write_value(w, request, results_r);
	is_done = true;
end:
	arc_run_free(&w->arc);
	fields_free(&w->fields);
	free(w);
	return is_done;
}

void
mailauth_free(struct mailauth_results *results)
{
	arc_free(&results->arc);
}
