/* A TLS client that trusts any certificate: for measuring only. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/bench/peer.h"
#include "tests/bench/tls_peer.h"

static struct tls_peer_trust *
trust_of(br_x509_class const **x)
{
	return (struct tls_peer_trust *)(void *)x;
}

static void
start_chain(br_x509_class const **x, char const *name)
{
	(void)name;
	trust_of(x)->index = 0;
}

static void
start_cert(br_x509_class const **x, uint32_t len)
{
	(void)len;
	if (trust_of(x)->index == 0)
		br_x509_decoder_init(&trust_of(x)->decoder, NULL, NULL);
}

static void
append(br_x509_class const **x, unsigned char const *s, size_t len)
{
	if (trust_of(x)->index == 0)
		br_x509_decoder_push(&trust_of(x)->decoder, s, len);
}

static void
end_cert(br_x509_class const **x)
{
	trust_of(x)->index++;
}

static unsigned
end_chain(br_x509_class const **x)
{
	return trust_of(x)->index == 0 ? BR_ERR_X509_EMPTY_CHAIN
				       : (unsigned)br_x509_decoder_last_error(
						 &trust_of(x)->decoder);
}

static br_x509_pkey const *
key_of(br_x509_class const *const *x, unsigned *usages)
{
	struct tls_peer_trust const *t = (void const *)x;

	if (usages != NULL)
		*usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
	return br_x509_decoder_get_pkey(
		(br_x509_decoder_context *)(uintptr_t)&t->decoder);
}

static br_x509_class const trust_any = {sizeof(struct tls_peer_trust),
	start_chain, start_cert, append, end_cert, end_chain, key_of};

static int
read_socket(void *fd, unsigned char *s, size_t len)
{
	ssize_t n;

	do
		n = recv(*(int *)fd, s, len, 0);
	while (n < 0 && errno == EINTR);
	return n > 0 ? (int)n : -1;
}

static int
write_socket(void *fd, unsigned char const *s, size_t len)
{
	ssize_t n;

	do
		n = send(*(int *)fd, s, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n > 0 ? (int)n : -1;
}

void
tls_peer_open(struct tls_peer *p, char const *address, unsigned port)
{
	br_x509_minimal_context unused;

	p->fd = peer_connect(address, port);
	br_ssl_client_init_full(&p->client, &unused, NULL, 0);
	p->trust.vtable = &trust_any;
	br_ssl_engine_set_x509(&p->client.eng, &p->trust.vtable);
	br_ssl_engine_set_buffer(
		&p->client.eng, p->buffer, sizeof p->buffer, 1);
	if (!br_ssl_client_reset(&p->client, "bench.test", 0))
		peer_die("tls: error %d",
			br_ssl_engine_last_error(&p->client.eng));
	br_sslio_init(&p->io, &p->client.eng, read_socket, &p->fd, write_socket,
		&p->fd);
}

void
tls_peer_put(struct tls_peer *p, char const *s, size_t len)
{
	if (br_sslio_write_all(&p->io, s, len) < 0)
		peer_die("tls: cannot write: error %d",
			br_ssl_engine_last_error(&p->client.eng));
}

void
tls_peer_write(struct tls_peer *p, char const *s, size_t len)
{
	if (br_sslio_write_all(&p->io, s, len) < 0 ||
		br_sslio_flush(&p->io) < 0)
		peer_die("tls: cannot write: error %d",
			br_ssl_engine_last_error(&p->client.eng));
}

size_t
tls_peer_read(struct tls_peer *p, char *s, size_t len)
{
	int n = br_sslio_read(&p->io, s, len);

	if (n <= 0)
		peer_die("tls: the server closed: error %d",
			br_ssl_engine_last_error(&p->client.eng));
	return (size_t)n;
}

void
tls_peer_close(struct tls_peer *p)
{
	close(p->fd);
}
