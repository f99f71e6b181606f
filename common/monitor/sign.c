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

static unsigned char octets[FILE_MAX]; /* what the keys point into */
static struct key keys[KEYS_MAX];
static size_t key_count;
static struct stat loaded;

static bool
take(struct wire_in *in, unsigned char **s_r, size_t *len_r)
{
	char const *s = wire_get_bytes(in, FILE_MAX, len_r);

	*s_r = octets + (s - (char const *)octets);
	return !in->failed;
}

static bool
take_key(struct wire_in *in, struct key *k)
{
	br_rsa_private_key *r = &k->rsa;

	memset(k, 0, sizeof *k);
	k->type = (char)wire_get_u8(in);
	if (k->type == 'E') {
		k->ec.curve = (int)wire_get_u32(in);
		return take(in, &k->ec.x, &k->ec.xlen);
	}
	if (k->type != 'R')
		return false;
	r->n_bitlen = wire_get_u32(in);
	return r->n_bitlen <= 4096 && take(in, &r->p, &r->plen) &&
	       take(in, &r->q, &r->qlen) && take(in, &r->dp, &r->dplen) &&
	       take(in, &r->dq, &r->dqlen) && take(in, &r->iq, &r->iqlen);
}

static bool
read_keys(int fd)
{
	ssize_t len = read(fd, octets, sizeof octets);
	struct wire_in in;
	uint32_t count;

	key_count = 0;
	if (len < 0)
		return false;
	wire_open(&in, (char const *)octets, (size_t)len);
	count = wire_get_u32(&in);
	errno = EINVAL;
	if (count > KEYS_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!take_key(&in, &keys[i]))
			return false;
	if (!wire_end(&in))
		return false;
	key_count = count;
	return true;
}

bool
sign_refresh(int tables_fd)
{
	struct stat st;
	int fd;
	bool ok;

	if (fstatat(tables_fd, "keys", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (st.st_ino == loaded.st_ino && st.st_dev == loaded.st_dev)
		return true;
	fd = openat(tables_fd, "keys", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = read_keys(fd);
	close(fd);
	loaded = st;
	return ok;
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
sign_hash(uint8_t key_index, uint8_t key_type, uint8_t algorithm,
	char const *hash, size_t hash_len, unsigned char *signature_r)
{
	struct key const *k = &keys[key_index % KEYS_MAX];
	size_t h = 0;

	while (h < 3 && hashes[h].algorithm != algorithm)
		h++;
	if (key_index >= key_count || k->type != (char)key_type || h == 3 ||
		hash_len != hashes[h].len)
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
