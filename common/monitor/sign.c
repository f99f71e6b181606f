/* The private keys, and what is done with them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bearssl.h>
#include "common/monitor/sign.h"
#include "common/wire.h"

#define KEYS_MAX 8
#define FILE_MAX 32768

struct key {
	char type; /* 'E' or 'R' */
	br_ec_private_key ec;
	br_rsa_private_key rsa;
};

/* The keys of one file, and what they point into. */
struct file {
	struct timespec made;
	size_t count;
	struct key keys[KEYS_MAX];
	unsigned char octets[FILE_MAX];
};

/* One in force; the other is the one before, until the next is read there. */
static struct file files[2];
static unsigned current;
static struct stat seen;

static bool
take(struct file *f, struct wire_in *in, unsigned char **s_r, size_t *len_r)
{
	char const *s = wire_get_bytes(in, FILE_MAX, len_r);

	if (in->failed)
		return false;
	*s_r = f->octets + (s - (char const *)f->octets);
	return true;
}

static bool
take_key(struct file *f, struct wire_in *in, struct key *k)
{
	br_rsa_private_key *r = &k->rsa;

	memset(k, 0, sizeof *k);
	k->type = (char)wire_get_u8(in);
	if (k->type == 'E') {
		k->ec.curve = (int)wire_get_u32(in);
		return take(f, in, &k->ec.x, &k->ec.xlen);
	}
	if (k->type != 'R')
		return false;
	r->n_bitlen = wire_get_u32(in);
	return r->n_bitlen <= 4096 && take(f, in, &r->p, &r->plen) &&
	       take(f, in, &r->q, &r->qlen) && take(f, in, &r->dp, &r->dplen) &&
	       take(f, in, &r->dq, &r->dqlen) && take(f, in, &r->iq, &r->iqlen);
}

static bool
read_keys(int fd, struct file *f)
{
	ssize_t len = read(fd, f->octets, sizeof f->octets);
	struct wire_in in;

	if (len < 0)
		return false;
	wire_open(&in, (char const *)f->octets, (size_t)len);
	f->count = wire_get_u32(&in);
	errno = EINVAL;
	if (f->count > KEYS_MAX)
		return false;
	for (size_t i = 0; i < f->count; i++)
		if (!take_key(f, &in, &f->keys[i]))
			return false;
	return wire_end(&in);
}

bool
sign_refresh(int tables_fd)
{
	struct file *next = &files[!current];
	struct stat st;
	int fd;
	bool ok;

	if (fstatat(tables_fd, "keys", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	/* Not the inode alone: a file that was replaced twice since may have
	 * got the first one's number. */
	if (st.st_ino == seen.st_ino &&
		memcmp(&st.st_ctim, &seen.st_ctim, sizeof st.st_ctim) == 0)
		return true;
	fd = openat(tables_fd, "keys", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	explicit_bzero(next, sizeof *next);
	ok = read_keys(fd, next);
	close(fd);
	seen = st;
	if (ok) {
		next->made = st.st_mtim;
		current = !current;
	}
	return ok;
}

unsigned
sign_set(int certs_fd)
{
	struct timespec const *made = &files[!current].made;
	struct stat st;
	bool is_old = fstat(certs_fd, &st) == 0 &&
		      memcmp(&st.st_mtim, made, sizeof *made) == 0;

	return current ^ is_old;
}

static struct {
	uint8_t algorithm;
	size_t len;
	br_hash_class const *hash;
	unsigned char const *oid;
} const hashes[] = {
	{br_sha256_ID, br_sha256_SIZE, &br_sha256_vtable, BR_HASH_OID_SHA256},
	{br_sha384_ID, br_sha384_SIZE, &br_sha384_vtable, BR_HASH_OID_SHA384},
	{br_sha512_ID, br_sha512_SIZE, &br_sha512_vtable, BR_HASH_OID_SHA512},
};

size_t
sign_hash(unsigned set, uint8_t key_index, uint8_t key_type, uint8_t algorithm,
	char const *hash, size_t hash_len, unsigned char *signature_r)
{
	struct key const *k = &files[set].keys[key_index % KEYS_MAX];
	size_t h = 0;

	while (h < 3 && hashes[h].algorithm != algorithm)
		h++;
	if (key_index >= files[set].count || k->type != (char)key_type ||
		h == 3 || hash_len != hashes[h].len)
		return 0;
	if (k->type == 'E')
		return br_ecdsa_sign_asn1_get_default()(br_ec_get_default(),
			hashes[h].hash, hash, &k->ec, signature_r);
	if (!br_rsa_pkcs1_sign_get_default()(hashes[h].oid,
		    (unsigned char const *)hash, hash_len, &k->rsa,
		    signature_r))
		return 0;
	return (k->rsa.n_bitlen + 7) / 8;
}
