/*
 * engine.h - OpenPGP and S/MIME by GnuPG, through gpgme
 *
 * Octets in, octets and verdicts out; nothing here knows of MIME. Keys, trust
 * and passphrases are those of GnuPG and its agent. Nothing is fetched from the
 * network. Only the program mime-crypt links this.
 */
#ifndef MIME_ENGINE_H
#define MIME_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

/* Signatures looked at in one piece; more than these are all bad. */
#define ENGINE_SIGNATURES_MAX 16
/* Octets that come out of one piece: what is compressed can grow. */
#define ENGINE_OUT_MAX (256u * 1024 * 1024)

enum engine_protocol { ENGINE_OPENPGP, ENGINE_CMS };

enum engine_verdict {
	ENGINE_RIGHT,	/* made by that key over these octets */
	ENGINE_STALE,	/* the same, but key or signature expired or revoked */
	ENGINE_UNKNOWN, /* nothing can be said: the key is not there */
	ENGINE_WRONG
};

struct engine_signature {
	enum engine_verdict verdict;
	char const *why; /* for STALE, UNKNOWN, WRONG */
	char key[80];	 /* fingerprint, or what the signature says */
	int64_t when;	 /* seconds since 1970, 0: unknown */
	stralloc name;	 /* the key's first user id, foreign text */
	/*
	 * The key's addresses: each '+' (certified: it is known that the key is
	 * this address's) or '-', the address, NUL.
	 */
	stralloc addresses;
};

struct engine_result {
	stralloc out;
	size_t count;
	struct engine_signature signatures[ENGINE_SIGNATURES_MAX];
	char error[256]; /* when a function returned false */
	char digest[32]; /* of engine_sign: "sha256" */
};

/* Once. home: instead of GnuPG's folder; NULL: the user's. False: error. */
bool engine_start(char const *home, struct engine_result *r)
	__attribute__((warn_unused_result));

/* Forget what r holds; all zero is an empty one. */
void engine_clear(struct engine_result *r);

/*
 * Check a detached signature over text. With text NULL the signature holds its
 * text, which comes out. True: it could be looked at; *r has the signatures,
 * none if it was none.
 */
bool engine_verify(enum engine_protocol p, char const *signature,
	size_t signature_len, char const *text, size_t text_len,
	struct engine_result *r) __attribute__((warn_unused_result));

/* Decrypt, and check the signatures that are inside. */
bool engine_decrypt(enum engine_protocol p, char const *s, size_t len,
	struct engine_result *r) __attribute__((warn_unused_result));

/* Sign with the secret key that `key` (an address, a fingerprint) names:
 * armored for OpenPGP, DER for CMS. */
bool engine_sign(enum engine_protocol p, char const *key, char const *s,
	size_t len, struct engine_result *r)
	__attribute__((warn_unused_result));

/*
 * Encrypt to the keys that the NULL-ended names stand for, all of which must
 * be there; `file`, unless NULL, is that of a key, used besides (OpenPGP only).
 * Whether they are certified is not asked: they were named. signer, unless
 * NULL, signs too (OpenPGP only).
 */
bool engine_encrypt(enum engine_protocol p, char const *const *names,
	char const *file, char const *signer, char const *s, size_t len,
	struct engine_result *r) __attribute__((warn_unused_result));

/* Is there a key of that name to encrypt to? */
bool engine_has_key(enum engine_protocol p, char const *name);

/* The OpenPGP key of that address, as small as can be, not armored. */
bool engine_export(char const *address, struct engine_result *r)
	__attribute__((warn_unused_result));

#endif
