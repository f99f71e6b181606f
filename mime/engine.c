/* Asks GnuPG; see engine.h. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gpgme.h>

#include "mime/engine.h"

static bool
failed(struct engine_result *r, char const *what, gpgme_error_t e)
{
	char text[160] = "";

	(void)gpgme_strerror_r(e, text, sizeof text);
	(void)snprintf(r->error, sizeof r->error, "%s%s%s%s",
		what ? "cannot " : "", what ? what : "", what ? ": " : "",
		text);
	return false;
}

bool
engine_start(char const *home, struct engine_result *r)
{
	gpgme_error_t e;

	if (!gpgme_check_version(NULL)) {
		(void)snprintf(
			r->error, sizeof r->error, "gpgme cannot be used");
		return false;
	}
	e = home ? gpgme_set_engine_info(GPGME_PROTOCOL_OpenPGP, NULL, home)
		 : 0;
	return e ? failed(r, "use the folder of keys", e) : true;
}

void
engine_clear(struct engine_result *r)
{
	for (size_t i = 0; i < r->count; i++) {
		stralloc_free(&r->signatures[i].name);
		stralloc_free(&r->signatures[i].addresses);
	}
	stralloc_free(&r->out);
	*r = (struct engine_result){0};
}

static ssize_t
take(void *arg, void const *s, size_t len)
{
	stralloc *const out = arg;

	if (len > ENGINE_OUT_MAX - out->len) {
		errno = EFBIG;
		return -1;
	}
	return stralloc_catb(out, s, len) ? (ssize_t)len : -1;
}

static struct gpgme_data_cbs output = {.write = take};

/* What one question needs. */
struct question {
	gpgme_ctx_t context;
	gpgme_data_t in, other, out;
};

static void
end(struct question *q)
{
	if (q->in)
		gpgme_data_release(q->in);
	if (q->other)
		gpgme_data_release(q->other);
	if (q->out)
		gpgme_data_release(q->out);
	if (q->context)
		gpgme_release(q->context);
}

static bool
start(struct question *q, enum engine_protocol p, char const *s, size_t len,
	struct engine_result *r)
{
	gpgme_error_t e = gpgme_new(&q->context);

	if (!e)
		e = gpgme_set_protocol(
			q->context, p == ENGINE_CMS ? GPGME_PROTOCOL_CMS
						    : GPGME_PROTOCOL_OpenPGP);
	if (!e)
		e = gpgme_data_new_from_mem(&q->in, s, len, 0);
	if (!e)
		e = gpgme_data_new_from_cbs(&q->out, &output, &r->out);
	if (e)
		return failed(r, "start GnuPG", e);
	gpgme_set_offline(q->context, 1);
	return true;
}

/* What a key's status makes of a signature that fits. */
static char const *
stale(gpgme_signature_t s)
{
	if (s->summary & GPGME_SIGSUM_KEY_REVOKED ||
		gpgme_err_code(s->status) == GPG_ERR_CERT_REVOKED)
		return "the key is revoked";
	if (s->summary & GPGME_SIGSUM_KEY_EXPIRED ||
		gpgme_err_code(s->status) == GPG_ERR_KEY_EXPIRED)
		return "the key has expired";
	if (s->summary & GPGME_SIGSUM_SIG_EXPIRED ||
		gpgme_err_code(s->status) == GPG_ERR_SIG_EXPIRED)
		return "the signature has expired";
	return NULL;
}

static void
judge(gpgme_signature_t s, struct engine_signature *to)
{
	gpgme_err_code_t const code = gpgme_err_code(s->status);

	to->why = stale(s);
	if (code == GPG_ERR_NO_PUBKEY ||
		s->summary & GPGME_SIGSUM_KEY_MISSING) {
		to->verdict = ENGINE_UNKNOWN;
		to->why = "there is no key to check it with";
	} else if (code == GPG_ERR_BAD_SIGNATURE) {
		to->verdict = ENGINE_WRONG;
		to->why = "it does not fit the text";
	} else if (to->why &&
		   (code == GPG_ERR_NO_ERROR || code == GPG_ERR_KEY_EXPIRED ||
			   code == GPG_ERR_SIG_EXPIRED ||
			   code == GPG_ERR_CERT_REVOKED)) {
		to->verdict = ENGINE_STALE;
	} else if (code != GPG_ERR_NO_ERROR) {
		to->verdict = ENGINE_WRONG;
		to->why = "it cannot be read";
	} else if (s->wrong_key_usage) {
		to->verdict = ENGINE_WRONG;
		to->why = "the key is not for signatures";
	} else if (s->summary & GPGME_SIGSUM_RED) {
		to->verdict = ENGINE_WRONG;
		to->why = "it is not to be trusted";
	} else {
		to->verdict = ENGINE_RIGHT;
	}
}

static bool
add_address(struct engine_signature *to, gpgme_user_id_t id, bool certified)
{
	char const *address = id->address ? id->address : id->email;
	size_t len;

	if (!address || address[0] == '\0' || id->revoked || id->invalid)
		return true;
	len = strlen(address);
	/* As gpgsm has them. */
	if (len > 2 && address[0] == '<' && address[len - 1] == '>') {
		address++;
		len -= 2;
	}
	return stralloc_append(&to->addresses, certified ? '+' : '-') &&
	       stralloc_catb(&to->addresses, address, len) &&
	       stralloc_append(&to->addresses, '\0');
}

static bool
add_key(gpgme_ctx_t context, enum engine_protocol p, gpgme_signature_t s,
	struct engine_signature *to)
{
	gpgme_key_t key;
	bool ok = true;

	if (!s->fpr || gpgme_get_key(context, s->fpr, &key, 0) != 0)
		return true;
	for (gpgme_user_id_t id = key->uids; ok && id; id = id->next) {
		/* A certificate is certified as a whole, by its chain. */
		bool const certified =
			p == ENGINE_CMS
				? (s->summary & GPGME_SIGSUM_VALID) != 0
				: id->validity >= GPGME_VALIDITY_MARGINAL;

		if (id == key->uids && id->uid)
			ok = stralloc_copys(&to->name, id->uid);
		ok = ok && add_address(to, id, certified);
	}
	/* Of a subkey: the key's own fingerprint is what people know. */
	if (key->subkeys && key->subkeys->fpr)
		(void)snprintf(
			to->key, sizeof to->key, "%s", key->subkeys->fpr);
	gpgme_key_unref(key);
	return ok;
}

static bool
add_signatures(
	struct question *q, enum engine_protocol p, struct engine_result *r)
{
	gpgme_verify_result_t const found = gpgme_op_verify_result(q->context);

	for (gpgme_signature_t s = found ? found->signatures : NULL; s;
		s = s->next) {
		struct engine_signature *to;

		if (r->count == ENGINE_SIGNATURES_MAX) {
			to = &r->signatures[0];
			to->verdict = ENGINE_WRONG;
			to->why = "there are too many signatures";
			break;
		}
		to = &r->signatures[r->count++];
		*to = (struct engine_signature){.when = (int64_t)s->timestamp};
		(void)snprintf(to->key, sizeof to->key, "%s",
			s->fpr ? s->fpr : "unknown");
		judge(s, to);
		if (!add_key(q->context, p, s, to)) {
			(void)snprintf(
				r->error, sizeof r->error, "out of memory");
			return false;
		}
	}
	return true;
}

bool
engine_verify(enum engine_protocol p, char const *signature,
	size_t signature_len, char const *text, size_t text_len,
	struct engine_result *r)
{
	struct question q = {0};
	gpgme_error_t e;
	bool ok = start(&q, p, signature, signature_len, r);

	if (ok && text) {
		e = gpgme_data_new_from_mem(&q.other, text, text_len, 0);
		if (!e)
			e = gpgme_op_verify(q.context, q.in, q.other, NULL);
	} else if (ok) {
		e = gpgme_op_verify(q.context, q.in, NULL, q.out);
	}
	/* What is no signature has none. */
	if (ok && e && gpgme_err_code(e) != GPG_ERR_NO_DATA)
		ok = failed(r, "check the signature", e);
	ok = ok && add_signatures(&q, p, r);
	end(&q);
	return ok;
}

bool
engine_decrypt(enum engine_protocol p, char const *s, size_t len,
	struct engine_result *r)
{
	struct question q = {0};
	gpgme_error_t e;
	bool ok = start(&q, p, s, len, r);

	if (ok) {
		e = p == ENGINE_CMS
			    ? gpgme_op_decrypt(q.context, q.in, q.out)
			    : gpgme_op_decrypt_verify(q.context, q.in, q.out);
		ok = !e || failed(r, NULL, e);
	}
	if (ok && p == ENGINE_OPENPGP)
		ok = add_signatures(&q, p, r);
	/* What came out before it failed is nobody's. */
	if (!ok)
		r->out.len = 0;
	end(&q);
	return ok;
}

/* How sure it is that the key is of that address. */
static gpgme_validity_t
validity(gpgme_key_t key, char const *name)
{
	gpgme_validity_t best = GPGME_VALIDITY_UNKNOWN;

	for (gpgme_user_id_t id = key->uids; id; id = id->next)
		if (!id->revoked && !id->invalid && id->validity > best &&
			(!id->address || !strchr(name, '@') ||
				strcasestr(id->address, name)))
			best = id->validity;
	return best;
}

static bool
is_of_use(gpgme_key_t key, bool secret)
{
	return !key->revoked && !key->expired && !key->disabled &&
	       !key->invalid && (secret ? key->can_sign : key->can_encrypt);
}

/*
 * The key of that name which is certified best, of those of equal rank the
 * first; NULL if there is none of use. An address stands for itself alone, not
 * for all that it is a part of.
 */
static gpgme_key_t
find_key(struct question *q, char const *name, bool secret)
{
	bool const address = strchr(name, '@') && !strchr(name, '<');
	char pattern[512];
	gpgme_key_t best = NULL, key;

	(void)snprintf(pattern, sizeof pattern, address ? "<%s>" : "%s", name);
	/* gpgsm keeps the certificate of everybody who ever signed, and says
	 * only then which of them are to be trusted. */
	if (gpgme_get_protocol(q->context) == GPGME_PROTOCOL_CMS)
		(void)gpgme_set_keylist_mode(q->context,
			GPGME_KEYLIST_MODE_LOCAL | GPGME_KEYLIST_MODE_VALIDATE);
	if (gpgme_op_keylist_start(q->context, pattern, secret) != 0)
		return NULL;
	while (gpgme_op_keylist_next(q->context, &key) == 0) {
		if (is_of_use(key, secret) &&
			(!best || validity(key, name) > validity(best, name))) {
			if (best)
				gpgme_key_unref(best);
			best = key;
		} else {
			gpgme_key_unref(key);
		}
	}
	(void)gpgme_op_keylist_end(q->context);
	return best;
}

static bool
no_key(char const *name, char const *purpose, struct engine_result *r)
{
	(void)snprintf(
		r->error, sizeof r->error, "there is no %s %s", purpose, name);
	return false;
}

static bool
add_signer(struct question *q, char const *name, struct engine_result *r)
{
	gpgme_key_t const key = find_key(q, name, true);
	gpgme_error_t e;

	if (!key)
		return no_key(name, "secret key to sign with for", r);
	e = gpgme_signers_add(q->context, key);
	gpgme_key_unref(key);
	return e ? failed(r, "take the key", e) : true;
}

/* In lower case: "sha256". */
static void
name_digest(struct question *q, struct engine_result *r)
{
	gpgme_sign_result_t const made = gpgme_op_sign_result(q->context);
	char const *const name =
		made && made->signatures
			? gpgme_hash_algo_name(made->signatures->hash_algo)
			: NULL;
	size_t n = 0;

	for (; name && name[n] != '\0' && n + 1 < sizeof r->digest; n++)
		r->digest[n] = name[n] >= 'A' && name[n] <= 'Z'
				       ? (char)(name[n] + 32)
				       : name[n];
	r->digest[n] = '\0';
}

bool
engine_sign(enum engine_protocol p, char const *key, char const *s, size_t len,
	struct engine_result *r)
{
	struct question q = {0};
	gpgme_error_t e;
	bool ok = start(&q, p, s, len, r) && add_signer(&q, key, r);

	if (ok) {
		gpgme_set_armor(q.context, p == ENGINE_OPENPGP);
		e = gpgme_op_sign(
			q.context, q.in, q.out, GPGME_SIG_MODE_DETACH);
		ok = !e || failed(r, "sign", e);
	}
	if (ok)
		name_digest(&q, r);
	end(&q);
	return ok;
}

/* One key for each name. */
static bool
find_keys(struct question *q, char const *const *names, gpgme_key_t *keys,
	size_t count, struct engine_result *r)
{
	for (size_t i = 0; i < count; i++) {
		keys[i] = find_key(q, names[i], false);
		if (!keys[i])
			return no_key(names[i], "key to encrypt to for", r);
	}
	return true;
}

/* As gpgme wants them: a line each. */
static bool
list_recipients(
	gpgme_key_t const *keys, size_t count, char const *file, stralloc *list)
{
	for (size_t i = 0; i < count; i++)
		if (!stralloc_cats(list, keys[i]->fpr) ||
			!stralloc_append(list, '\n'))
			return false;
	return (!file || (stralloc_cats(list, "--file\n") &&
				 stralloc_cats(list, file) &&
				 stralloc_append(list, '\n'))) &&
	       stralloc_0(list);
}

bool
engine_encrypt(enum engine_protocol p, char const *const *names,
	char const *file, char const *signer, char const *s, size_t len,
	struct engine_result *r)
{
	struct question q = {0};
	gpgme_encrypt_flags_t const flags = GPGME_ENCRYPT_ALWAYS_TRUST;
	gpgme_key_t *keys;
	stralloc list = STRALLOC_ZERO;
	gpgme_error_t e = 0;
	size_t count = 0;
	bool ok;

	while (names[count])
		count++;
	keys = calloc(count + 1, sizeof keys[0]);
	ok = keys && start(&q, p, s, len, r) &&
	     find_keys(&q, names, keys, count, r) &&
	     (!signer || add_signer(&q, signer, r));
	if (ok) {
		gpgme_set_armor(q.context, p == ENGINE_OPENPGP);
		if (p == ENGINE_CMS)
			e = gpgme_op_encrypt(
				q.context, keys, flags, q.in, q.out);
		else if (!list_recipients(keys, count, file, &list))
			e = gpgme_error_from_errno(ENOMEM);
		else if (signer)
			e = gpgme_op_encrypt_sign_ext(
				q.context, NULL, list.s, flags, q.in, q.out);
		else
			e = gpgme_op_encrypt_ext(
				q.context, NULL, list.s, flags, q.in, q.out);
		ok = !e || failed(r, "encrypt", e);
	}
	for (size_t i = 0; keys && i < count; i++)
		if (keys[i])
			gpgme_key_unref(keys[i]);
	free(keys);
	stralloc_free(&list);
	end(&q);
	return ok;
}

bool
engine_has_key(enum engine_protocol p, char const *name)
{
	struct engine_result r = {0};
	struct question q = {0};
	gpgme_key_t key = NULL;

	if (start(&q, p, "", 0, &r))
		key = find_key(&q, name, false);
	if (key)
		gpgme_key_unref(key);
	end(&q);
	engine_clear(&r);
	return key != NULL;
}

bool
engine_export(char const *address, struct engine_result *r)
{
	struct question q = {0};
	gpgme_key_t keys[2] = {NULL, NULL};
	gpgme_error_t e;
	bool ok = start(&q, ENGINE_OPENPGP, "", 0, r) &&
		  find_keys(&q, &address, keys, 1, r);

	if (ok) {
		e = gpgme_op_export_keys(
			q.context, keys, GPGME_EXPORT_MODE_MINIMAL, q.out);
		ok = !e || failed(r, "export the key", e);
	}
	if (keys[0])
		gpgme_key_unref(keys[0]);
	end(&q);
	return ok;
}
