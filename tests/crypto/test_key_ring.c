#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/key_ring_priv.h"
#include "sample.h"
#include "simdisk.h"

#define PATH_LEN 128

/* A fresh folder, and the path of its key. */
static char folder[PATH_LEN];
static char path[PATH_LEN + 16];

static int open_ring(bool may_create, struct key_ring **ret, struct err *err)
{
	return key_ring_open(&io_posix, folder, NULL, may_create, ret, err);
}

static struct key_ring *open_ring_must(void)
{
	struct key_ring *r = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(open_ring(true, &r, &err), 0);
	return r;
}

static void write_file(const char *text, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void test_key_ring__makes_a_private_file_once(void **state)
{
	struct key_ring *r = open_ring_must();
	char text[100], again[100];
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(read(fd, text, sizeof(text)), 65);
	assert_int_equal(strspn(text, "0123456789abcdef"), 64);
	assert_int_equal(text[64], '\n');
	key_ring_close(r);
	key_ring_close(open_ring_must());
	assert_int_equal(pread(fd, again, sizeof(again), 0), 65);
	assert_memory_equal(text, again, 65);
	close(fd);
}

static void test_key_ring__makes_no_file_unless_it_may(void **state)
{
	struct key_ring *r = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(open_ring(false, &r, &err), E_NOT_FOUND);
	assert_int_equal(err.code, E_NOT_FOUND);
	assert_string_equal(err.field, path);
	assert_null(r);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_key_ring__refuses_a_file_that_others_may_use(void **state)
{
	struct key_ring *r = NULL;

	key_ring_close(open_ring_must());
	for (unsigned bit = 0; bit < 6; bit++) {
		struct err err = ERR_INIT;

		assert_int_equal(chmod(path, 0600 | 1u << bit), 0);
		assert_int_equal(open_ring(true, &r, &err), E_FORBIDDEN);
		assert_non_null(strstr(err.message, "chmod 600"));
		assert_null(r);
	}
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(open_ring(false, &r, NULL), 0);
	key_ring_close(r);
}

static void test_key_ring__refuses_what_is_no_key(void **state)
{
	char good[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n\n";
	struct key_ring *r = NULL;
	struct err err = ERR_INIT;

	for (size_t len = 0; len <= 66; len++) {
		if (len == 64 || len == 65)
			continue;
		write_file(good, len, 0600);
		assert_int_equal(open_ring(true, &r, &err), E_CRYPTO);
		assert_null(strstr(err.message, "0102"));
	}
	for (size_t i = 0; i < 65; i++) {
		char bad[65];

		memcpy(bad, good, sizeof(bad));
		bad[i] = 'g';
		write_file(bad, sizeof(bad), 0600);
		assert_int_equal(open_ring(true, &r, &err), E_CRYPTO);
	}
	write_file(good, 65, 0600);
	assert_int_equal(open_ring(true, &r, &err), 0);
	key_ring_close(r);
}

static void test_key_ring__reports_a_folder_that_is_not_there(void **state)
{
	struct key_ring *r = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(rmdir(folder), 0);
	assert_true(open_ring(true, &r, &err) < 0);
	assert_true(err.code < 0);
	assert_null(r);
	assert_int_equal(mkdir(folder, 0700), 0);
}

static void test_key_ring__unwraps_what_it_made_also_when_opened_again(void **state)
{
	struct key_ring *r = open_ring_must();
	uint8_t wrapped[20][KEY_WRAPPED_LEN];
	struct key keys[20], got;

	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(key_ring_make(r, i, &keys[i], wrapped[i], NULL), 0);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 20; i++) {
			assert_int_equal(key_ring_unwrap(r, i, wrapped[i], &got, NULL), 0);
			assert_memory_equal(&got, &keys[i], sizeof(got));
			for (uint32_t j = 0; j < i; j++) {
				assert_memory_not_equal(&keys[i], &keys[j], sizeof(got));
				assert_memory_not_equal(wrapped[i], wrapped[j], 12);
			}
		}
		key_ring_close(r);
		r = open_ring_must();
	}
	key_ring_close(r);
}

static int open_simulated(struct simdisk *sd, bool may_create, struct key_ring **ret)
{
	return key_ring_open(simdisk_io(sd), "/data", NULL, may_create, ret, NULL);
}

/* Call n fails, as not done or as done, and the power goes: either the ring was open and its key is there for good, or
 * the next start makes one. A half-written key would lock the next start out. True when call n was reached. */
static bool lose_power_at(uint64_t n, bool is_done)
{
	struct simdisk *sd = simdisk_new(n);
	struct key_ring *r = NULL;
	uint8_t wrapped[KEY_WRAPPED_LEN];
	struct key key, got;
	struct rng rng;
	bool was_reached, was_open;

	rng_init(&rng, n);
	simdisk_put(sd, "/data/other", SPAN_LIT("x"));
	simdisk_fail(sd, (struct simdisk_fault){.nth = n, .done = is_done, .persists = true});
	was_open = open_simulated(sd, true, &r) == 0;
	was_reached = simdisk_failed(sd);
	if (was_open)
		assert_int_equal(key_ring_make(r, 1, &key, wrapped, NULL), 0);
	key_ring_close(r);
	simdisk_crash(sd, &rng);
	r = NULL;
	assert_int_equal(open_simulated(sd, !was_open, &r), 0);
	if (was_open) {
		assert_int_equal(key_ring_unwrap(r, 1, wrapped, &got, NULL), 0);
		assert_memory_equal(&got, &key, sizeof(key));
	}
	key_ring_close(r);
	assert_int_equal(simdisk_open_count(sd), 0);
	simdisk_free(sd);
	return was_reached;
}

static void test_key_ring__survives_power_loss_at_every_call(void **state)
{
	for (int is_done = 0; is_done < 2; is_done++) {
		uint64_t n = 1;

		while (lose_power_at(n, is_done))
			n++;
		assert_true(n > 5);
	}
}

/* What is wrapped is AES-256-GCM under the master key as the header says; computed by an independent implementation
 * (Python cryptography): nonce 00…0b, key 20 … 3f, ledger 7. */
static void test_key_ring__unwraps_the_documented_form(void **state)
{
	static const char master[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	uint8_t wrapped[KEY_WRAPPED_LEN], want[KEY_LEN];
	struct key_ring *r;
	struct key got;

	write_file(master, 65, 0600);
	r = open_ring_must();
	unhex("000102030405060708090a0b6723f438e1c0e43ca568bda09dc45642b3e7"
	      "b507c44e694b005edfbe21543e8df584bd870443f89c9a5dac497470a8ca",
	      wrapped);
	assert_int_equal(key_ring_unwrap(r, 7, wrapped, &got, NULL), 0);
	for (size_t i = 0; i < KEY_LEN; i++)
		want[i] = (uint8_t)(0x20 + i);
	assert_memory_equal(got.b, want, sizeof(want));
	key_ring_close(r);
}

static void test_key_ring__refuses_damaged_and_foreign_keys(void **state)
{
	struct key_ring *r = open_ring_must();
	uint8_t wrapped[KEY_WRAPPED_LEN];
	struct key key, got, before;
	struct err err = ERR_INIT;

	memset(&before, 0x5a, sizeof(before));
	got = before;
	assert_int_equal(key_ring_make(r, 3, &key, wrapped, NULL), 0);
	for (size_t bit = 0; bit < sizeof(wrapped) * 8; bit++) {
		wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(key_ring_unwrap(r, 3, wrapped, &got, &err), E_CRYPTO);
		wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(key_ring_unwrap(r, 2, wrapped, &got, &err), E_CRYPTO);
	key_ring_close(r);
	assert_int_equal(unlink(path), 0);
	r = open_ring_must(); /* another master key */
	assert_int_equal(key_ring_unwrap(r, 3, wrapped, &got, &err), E_CRYPTO);
	assert_memory_equal(&got, &before, sizeof(got));
	key_ring_close(r);
}

/* ---- other places ---- */

#define OTHER_KEY "f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f"

static int open_source(const char *source, struct key_ring **ret, struct err *err)
{
	*err = (struct err)ERR_INIT;
	return key_ring_open(&io_posix, folder, source, true, ret, err);
}

/* Rings of one key open what the other has sealed. */
static void assert_same(struct key_ring *a, struct key_ring *b)
{
	uint8_t sealed[6 + KEY_SEAL_LEN], got[6];

	assert_int_equal(key_ring_seal(a, "t", SPAN_LIT("x"), SPAN_LIT("secret"), sealed, NULL), 0);
	assert_int_equal(key_ring_unseal(b, "t", SPAN_LIT("x"), span_of(sealed, sizeof(sealed)), got, NULL), 0);
	assert_memory_equal(got, "secret", 6);
}

static void test_key_ring__takes_the_key_from_a_file_the_environment_or_a_command(void **state)
{
	static const char *const sources[] = {"env:STELE_TEST_KEY", ("command:echo " OTHER_KEY),
					      "command:printf %s \"$STELE_TEST_KEY\""};
	struct key_ring *file = NULL, *r = NULL;
	char source[PATH_LEN + 32];
	struct err err;

	write_file(OTHER_KEY "\n", 65, 0600);
	snprintf(source, sizeof(source), "file:%s", path);
	assert_int_equal(open_source(source, &file, &err), 0);
	assert_int_equal(setenv("STELE_TEST_KEY", OTHER_KEY, 1), 0);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		assert_int_equal(open_source(sources[i], &r, &err), 0);
		assert_same(file, r);
		assert_same(r, file);
		r = key_ring_close(r);
	}
	key_ring_close(file);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_source(source, &r, &err), 0); /* made anew */
	key_ring_close(r);
	assert_int_equal(access(path, F_OK), 0);
}

static void test_key_ring__says_why_a_place_gives_no_key(void **state)
{
	static const struct {
		const char *source;
		int rc;
		const char *says;
	} cases[] = {
		{"", E_INVALID, "file:PATH, env:NAME or command:COMMAND"},
		{"master.key", E_INVALID, "not 'master.key'"},
		{"file:", E_INVALID, "not 'file:'"},
		{"env:", E_INVALID, "not 'env:'"},
		{"env:STELE_TEST_NO_KEY", E_NOT_FOUND, "the environment has no STELE_TEST_NO_KEY"},
		{"env:STELE_TEST_BAD_KEY", E_CRYPTO, "STELE_TEST_BAD_KEY is not a master key"},
		{"command:echo 0102", E_CRYPTO, "what the command prints is not a master key"},
		{"command:echo " OTHER_KEY OTHER_KEY, E_CRYPTO, "prints more than 65 bytes"},
		{"command:exit 7", E_IO, "ended with status 7"},
	};

	assert_int_equal(setenv("STELE_TEST_BAD_KEY", OTHER_KEY "0", 1), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct key_ring *r = NULL;
		struct err err;

		assert_int_equal(open_source(cases[i].source, &r, &err), cases[i].rc);
		if (!strstr(err.message, cases[i].says))
			fail_msg("%s", err.message);
		assert_null(strstr(err.message, "f0e1"));
		assert_null(r);
	}
	assert_int_equal(access(path, F_OK), -1);
}

static void test_key_ring__a_secret_is_good_for_its_use_alone(void **state)
{
	struct key_ring *r = open_ring_must();
	uint8_t sealed[5 + KEY_SEAL_LEN], again[5 + KEY_SEAL_LEN], got[5];
	struct err err = ERR_INIT;

	assert_int_equal(key_ring_seal(r, "a", SPAN_LIT("1"), SPAN_LIT("12345"), sealed, NULL), 0);
	assert_int_equal(key_ring_seal(r, "a", SPAN_LIT("1"), SPAN_LIT("12345"), again, NULL), 0);
	assert_memory_not_equal(sealed, again, sizeof(sealed));
	assert_int_equal(key_ring_unseal(r, "a", SPAN_LIT("1"), span_of(sealed, sizeof(sealed)), got, &err), 0);
	assert_memory_equal(got, "12345", 5);
	assert_int_equal(key_ring_unseal(r, "a", SPAN_LIT("2"), span_of(sealed, sizeof(sealed)), got, &err), E_CRYPTO);
	assert_int_equal(key_ring_unseal(r, "b", SPAN_LIT("1"), span_of(sealed, sizeof(sealed)), got, &err), E_CRYPTO);
	for (size_t len = 0; len < sizeof(sealed); len++)
		assert_int_equal(key_ring_unseal(r, "a", SPAN_LIT("1"), span_of(sealed, len), got, &err), E_CRYPTO);
	key_ring_close(r);
}

/* RFC 5869 appendix A.1 to A.3. */
static const struct {
	const char *secret, *salt, *info, *okm;
} hkdf_vectors[] = {
	{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
	 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
	{"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
	 "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
	 "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
	 "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	 "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
	 "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	 "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
	 "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
	{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	 "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

static void test_key_ring__hkdf_matches_rfc_5869(void **state)
{
	for (size_t i = 0; i < sizeof(hkdf_vectors) / sizeof(*hkdf_vectors); i++) {
		uint8_t secret[80], salt[80], info[80], okm[82];
		size_t len = strlen(hkdf_vectors[i].okm) / 2;

		key_ring__hkdf(unhex(hkdf_vectors[i].secret, secret), unhex(hkdf_vectors[i].salt, salt),
			       unhex(hkdf_vectors[i].info, info), okm, len);
		assert_hex(okm, len, hkdf_vectors[i].okm);
	}
}

static void test_key_ring__derive_is_hkdf_of_label_zero_context(void **state)
{
	static const char info[] = "stele id v1\0ctx";
	struct key key = {{1, 2, 3}};
	uint8_t got[KEY_DERIVED_MAX], want[KEY_DERIVED_MAX];

	key_ring__hkdf(span_of(key.b, KEY_LEN), span_of(NULL, 0), span_of(info, sizeof(info) - 1), want, sizeof(want));
	key_derive(&key, "stele id v1", SPAN_LIT("ctx"), got, sizeof(got));
	assert_memory_equal(got, want, sizeof(want));
	key_derive(&key, "stele id v1", SPAN_LIT("ctx"), got, 5);
	assert_memory_equal(got, want, 5);
}

static void test_key_ring__derived_keys_differ_by_label_context_and_key(void **state)
{
	struct key key = {{1}}, other = {{2}};
	uint8_t got[5][KEY_LEN];

	key_derive(&key, "a", SPAN_LIT("b"), got[0], KEY_LEN);
	key_derive(&key, "ab", SPAN_LIT(""), got[1], KEY_LEN);
	key_derive(&key, "a", SPAN_LIT("c"), got[2], KEY_LEN);
	key_derive(&key, "", SPAN_LIT("ab"), got[3], KEY_LEN);
	key_derive(&other, "a", SPAN_LIT("b"), got[4], KEY_LEN);
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(got[i], got[j], KEY_LEN);
}

static int set_up(void **state)
{
	snprintf(folder, sizeof(folder), "%s/stele-key-ring-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/master.key", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_key_ring__makes_a_private_file_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__makes_no_file_unless_it_may, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__refuses_a_file_that_others_may_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__refuses_what_is_no_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__reports_a_folder_that_is_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__unwraps_what_it_made_also_when_opened_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__unwraps_the_documented_form, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__refuses_damaged_and_foreign_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__takes_the_key_from_a_file_the_environment_or_a_command,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__says_why_a_place_gives_no_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_ring__a_secret_is_good_for_its_use_alone, set_up, tear_down),
		cmocka_unit_test(test_key_ring__survives_power_loss_at_every_call),
		cmocka_unit_test(test_key_ring__hkdf_matches_rfc_5869),
		cmocka_unit_test(test_key_ring__derive_is_hkdf_of_label_zero_context),
		cmocka_unit_test(test_key_ring__derived_keys_differ_by_label_context_and_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
