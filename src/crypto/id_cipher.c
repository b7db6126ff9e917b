#include "crypto/id_cipher.h"

#include <openssl/evp.h>

#include "base/err.h"
#include "base/mem.h"

#define BLOCK_LEN 16

/* Ids encoded at a time: enough to drown the cost of a call, few enough for the blocks to stay in the first cache. */
#define BATCH_MAX 512u

struct id_cipher {
	EVP_CIPHER_CTX *encrypt;
	EVP_CIPHER_CTX *decrypt;
};

typedef uint8_t block_bytes __attribute__((vector_size(BLOCK_LEN)));

/* One block is no mode: ECB with padding off is the bare AES permutation. */
struct id_cipher *id_cipher_new(const uint8_t key[ID_KEY_LEN])
{
	struct id_cipher *c = xalloc(sizeof(*c));
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);

	c->encrypt = EVP_CIPHER_CTX_new();
	c->decrypt = EVP_CIPHER_CTX_new();
	must(aes && c->encrypt && c->decrypt);
	must(EVP_EncryptInit_ex2(c->encrypt, aes, key, NULL, NULL) == 1);
	must(EVP_DecryptInit_ex2(c->decrypt, aes, key, NULL, NULL) == 1);
	must(EVP_CIPHER_CTX_set_padding(c->encrypt, 0) == 1);
	must(EVP_CIPHER_CTX_set_padding(c->decrypt, 0) == 1);
	EVP_CIPHER_free(aes);
	return c;
}

struct id_cipher *id_cipher_free(struct id_cipher *c)
{
	if (c) {
		EVP_CIPHER_CTX_free(c->encrypt); /* both wipe their key schedule */
		EVP_CIPHER_CTX_free(c->decrypt);
	}
	free(c);
	return NULL;
}

/* 16 bytes to 32 digits, all at once: digit + '0', and 39 more up to 'a' for those above 9. */
static void put_hex(const uint8_t from[BLOCK_LEN], uint8_t to[ID_TEXT_LEN])
{
	block_bytes in, high, low, digits[2];

	memcpy(&in, from, sizeof(in));
	high = in >> 4;
	low = in & 15;
	digits[0] = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	digits[1] = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
	for (unsigned i = 0; i < 2; i++)
		digits[i] += '0' + ((block_bytes)(digits[i] > 9) & 39);
	memcpy(to, digits, sizeof(digits));
}

static void encode_batch(struct id_cipher *c, uint64_t first, size_t count, uint8_t *to)
{
	uint8_t block[BATCH_MAX * BLOCK_LEN];
	int len = 0;

	memset(block, 0, count * BLOCK_LEN);
	for (size_t i = 0; i < count; i++) {
		uint64_t be = __builtin_bswap64(first + i);

		memcpy(block + i * BLOCK_LEN + 8, &be, sizeof(be));
	}
	must(EVP_EncryptUpdate(c->encrypt, block, &len, block, (int)(count * BLOCK_LEN)) == 1);
	must(len == (int)(count * BLOCK_LEN));
	for (size_t i = 0; i < count; i++)
		put_hex(block + i * BLOCK_LEN, to + i * ID_TEXT_LEN);
}

void id_cipher_encode(struct id_cipher *c, uint64_t first, size_t count, uint8_t *to)
{
	while (count) {
		size_t n = count < BATCH_MAX ? count : BATCH_MAX;

		encode_batch(c, first, n, to);
		first += n;
		to += n * ID_TEXT_LEN;
		count -= n;
	}
}

/* The value of a lower-case hex digit, or -1. */
static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_hex(struct span text, uint8_t to[BLOCK_LEN])
{
	if (text.len != ID_TEXT_LEN)
		return false;
	for (size_t i = 0; i < BLOCK_LEN; i++) {
		int high = hex_value(text.p[2 * i]);
		int low = hex_value(text.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool id_cipher_decode(struct id_cipher *c, struct span text, uint64_t *ret_index)
{
	uint8_t block[BLOCK_LEN];
	uint64_t zeros, be;
	int len = 0;

	if (!get_hex(text, block))
		return false;
	must(EVP_DecryptUpdate(c->decrypt, block, &len, block, BLOCK_LEN) == 1 && len == BLOCK_LEN);
	memcpy(&zeros, block, sizeof(zeros));
	memcpy(&be, block + 8, sizeof(be));
	if (zeros != 0)
		return false;
	*ret_index = __builtin_bswap64(be);
	return true;
}
