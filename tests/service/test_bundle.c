/* Evidence bundles: what verifies, and that nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/durable.h"
#include "base/mem.h"
#include "base/reader.h"
#include "codec/limits.h"
#include "crypto/range_proof.h"
#include "service/bundle_priv.h"
#include "service/limits.h"
#include "temp_folder.h"

#define RECORDS 1000u
#ifdef __SANITIZE_THREAD__
#define FLIP_STEP 29 /* bytes: every one is flipped in the other trees */
#else
#define FLIP_STEP 1
#endif
#define NAME "localhost/log/default/main"

static char folder[TEMP_FOLDER_MAX];
static char path[TEMP_FOLDER_MAX + 32];
static struct digest *d;
static struct note_signer *signer, *other;
static struct sha256 leaves[RECORDS];
static bool is_stored; /* how archives are written */

/* What goes into an archive; a test changes some of it. */
struct parts {
	struct buf events, leaves, proof, checkpoint, vkey, manifest;
};

static void release(struct parts *p)
{
	buf_release(&p->events);
	buf_release(&p->leaves);
	buf_release(&p->proof);
	buf_release(&p->checkpoint);
	buf_release(&p->vkey);
	buf_release(&p->manifest);
}

static void put_record(struct buf *to, uint64_t i)
{
	buf_printf(to, "{\"action\":\"update\",\"n\":%llu}", (unsigned long long)i);
}

static int fetch_node(void *user, unsigned level, uint64_t number, struct sha256 *ret)
{
	struct merkle_frontier f;

	(void)user;
	merkle_init(&f);
	assert_int_equal(merkle_append_leaves(&f, d, leaves + (number << level), (size_t)1 << level, NULL, NULL), 0);
	merkle_root(&f, d, ret);
	return 0;
}

static void sign_root(struct note_signer *by, uint64_t size, const struct sha256 *root, struct buf *to)
{
	struct checkpoint c = {.origin = SPAN_LIT(NAME), .size = size, .root = *root};
	struct buf text = BUF_INIT;

	checkpoint_put(&text, &c);
	buf_reset(to);
	assert_int_equal(note_begin(to, buf_span(&text), NULL), 0);
	note_sign(by, buf_span(&text), to);
	buf_release(&text);
}

static void sign(struct note_signer *by, uint64_t size, struct buf *to)
{
	struct merkle_frontier f;
	struct sha256 root;

	merkle_init(&f);
	assert_int_equal(merkle_append_leaves(&f, d, leaves, size, NULL, NULL), 0);
	merkle_root(&f, d, &root);
	sign_root(by, size, &root, to);
}

static bool is_shown(uint64_t i, unsigned every)
{
	return every > 0 && i % every == 0;
}

static void put_run(struct buf *to, uint64_t shown, uint64_t first, uint64_t withheld)
{
	buf_put_u64(to, shown);
	buf_put_u64(to, withheld);
	buf_put(to, leaves + first, withheld * SHA256_LEN);
}

/* Records [first, next) of a log of `size`, of which each `every`th is shown. */
static void make(uint64_t first, uint64_t next, uint64_t size, unsigned every, struct parts *p)
{
	struct range_proof proof = {.first = first, .next = next};

	*p = (struct parts){.events = BUF_INIT};
	for (uint64_t i = first; i < next;) {
		uint64_t shown = 0, withheld = 0;

		for (; i < next && is_shown(i, every); i++, shown++) {
			put_record(&p->events, i);
			buf_put_u8(&p->events, '\n');
		}
		for (; i < next && !is_shown(i, every); i++)
			withheld++;
		put_run(&p->leaves, shown, i - withheld, withheld);
	}
	assert_int_equal(merkle_prove_range(first, next, size, fetch_node, NULL, &proof.path), 0);
	range_proof_put(&p->proof, &proof);
	sign(signer, size, &p->checkpoint);
	note_vkey_put(&p->vkey, note_signer_vkey(signer));
	buf_put_str(&p->manifest, "{}\n");
}

static void add_file(struct archive *a, const char *name, const struct buf *data)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (int64_t)data->len);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	if (data->len > 0)
		assert_int_equal(archive_write_data(a, data->p, data->len), data->len);
	archive_entry_free(entry);
}

static void write_zip(const struct parts *p, const char *without, const char *extra)
{
	const struct {
		const char *name;
		const struct buf *data;
	} files[] = {{BUNDLE_EVENTS, &p->events},         {BUNDLE_LEAVES, &p->leaves}, {BUNDLE_PROOF, &p->proof},
		     {BUNDLE_CHECKPOINT, &p->checkpoint}, {BUNDLE_VKEY, &p->vkey},     {BUNDLE_MANIFEST, &p->manifest}};
	struct archive *a = archive_write_new();

	archive_write_set_format_zip(a);
	if (is_stored)
		archive_write_zip_set_compression_store(a);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (!without || strcmp(without, files[i].name) != 0)
			add_file(a, files[i].name, files[i].data);
	}
	if (extra)
		add_file(a, extra, &p->events);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static int verify(struct bundle_facts *ret, struct err *err)
{
	return bundle_verify(path, note_signer_vkey(signer), 1, ret, err);
}

/* What is written does not verify, with this code and a message that has this text. */
static void assert_refused(const struct parts *p, int code, const char *text)
{
	struct bundle_facts facts;
	struct err err = ERR_INIT;

	write_zip(p, NULL, NULL);
	assert_int_equal(verify(&facts, &err), code);
	assert_string_equal(err.field, path);
	if (!strstr(err.message, text))
		fail_msg("'%s' has no '%s'", err.message, text);
}

static void test_bundle__what_was_logged_verifies(void **state)
{
	static const struct {
		uint64_t first, next, size;
		unsigned every;
	} cases[] = {{0, RECORDS, RECORDS, 1},
		     {0, RECORDS, RECORDS, 0},
		     {0, RECORDS, RECORDS, 7},
		     {3, 900, RECORDS, 2},
		     {17, 18, RECORDS, 1},
		     {255, 513, RECORDS, 3},
		     {0, 1, 1, 1},
		     {0, 0, RECORDS, 1},
		     {500, 500, RECORDS, 1},
		     {RECORDS, RECORDS, RECORDS, 1},
		     {0, 0, 0, 1},
		     {12, 700, 701, 300}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bundle_facts facts;
		struct err err = ERR_INIT;
		struct parts p;
		uint64_t shown = 0;

		for (uint64_t k = cases[i].first; k < cases[i].next; k++)
			shown += is_shown(k, cases[i].every);
		make(cases[i].first, cases[i].next, cases[i].size, cases[i].every, &p);
		write_zip(&p, NULL, NULL);
		if (verify(&facts, &err) < 0)
			fail_msg("case %zu: %s", i, err.message);
		assert_string_equal(facts.origin, NAME);
		assert_int_equal(facts.size, cases[i].size);
		assert_int_equal(facts.first, cases[i].first);
		assert_int_equal(facts.next, cases[i].next);
		assert_int_equal(facts.shown, shown);
		assert_int_equal(facts.withheld, cases[i].next - cases[i].first - shown);
		assert_int_equal(facts.record_bytes, p.events.len - shown);
		release(&p);
	}
}

static void test_bundle__needs_the_key_that_signed(void **state)
{
	struct note_vkey keys[2] = {*note_signer_vkey(other), *note_signer_vkey(signer)};
	struct bundle_facts facts;
	struct parts p;

	make(3, 900, RECORDS, 2, &p);
	write_zip(&p, NULL, NULL);
	assert_int_equal(bundle_verify(path, keys, 1, &facts, NULL), E_CRYPTO);
	assert_int_equal(bundle_verify(path, keys, 0, &facts, NULL), E_CRYPTO);
	assert_int_equal(bundle_verify(path, keys, 2, &facts, NULL), 0);
	sign(other, RECORDS, &p.checkpoint); /* signed again by another, whose vkey lies in the bundle */
	buf_reset(&p.vkey);
	note_vkey_put(&p.vkey, note_signer_vkey(other));
	assert_refused(&p, E_CRYPTO, "");
	release(&p);
}

static void test_bundle__forged_checkpoint_fails(void **state)
{
	struct parts p;

	make(3, 900, RECORDS, 2, &p);
	for (size_t i = 0; i < p.checkpoint.len; i += 7) {
		struct bundle_facts facts;

		p.checkpoint.p[i] ^= 1;
		write_zip(&p, NULL, NULL);
		assert_true(verify(&facts, NULL) < 0);
		p.checkpoint.p[i] ^= 1;
	}
	sign(signer, RECORDS - 1, &p.checkpoint); /* one that was signed, of another size */
	assert_refused(&p, E_CORRUPT, "");
	release(&p);
}

static void test_bundle__changed_record_fails(void **state)
{
	struct parts p;

	make(3, 900, RECORDS, 2, &p);
	*(uint8_t *)memmem(p.events.p, p.events.len, "\"n\":400", 7) ^= 1;
	assert_refused(&p, E_CORRUPT, "not those the log has signed");
	release(&p);
}

/* Takes the line of a record out. */
static void cut_line(struct buf *events, const char *record)
{
	uint8_t *at = memmem(events->p, events->len, record, strlen(record));
	uint8_t *end = at + strlen(record) + 1;

	memmove(at, end, (size_t)(events->p + events->len - end));
	events->len -= (size_t)(end - at);
}

static void test_bundle__dropped_record_fails(void **state)
{
	struct parts p;

	make(3, 900, RECORDS, 1, &p);
	cut_line(&p.events, "{\"action\":\"update\",\"n\":400}");
	assert_refused(&p, E_CORRUPT, "1 records are missing");
	buf_reset(&p.leaves); /* and the count is made to fit */
	put_run(&p.leaves, 896, 0, 0);
	assert_refused(&p, E_CORRUPT, "1 of them are neither shown nor there as hashes");
	release(&p);
}

static void test_bundle__withheld_leaf_fails(void **state)
{
	struct parts p;

	make(0, 10, RECORDS, 0, &p);
	buf_reset(&p.leaves);
	put_run(&p.leaves, 0, 0, 9);
	assert_refused(&p, E_CORRUPT, "neither shown nor there");
	buf_reset(&p.leaves);
	put_run(&p.leaves, 0, 1, 10); /* as many, and not the first */
	assert_refused(&p, E_CORRUPT, "not those the log has signed");
	buf_reset(&p.leaves);
	put_run(&p.leaves, 0, 0, 11);
	assert_refused(&p, E_CORRUPT, "longer than its range");
	buf_reset(&p.leaves);
	put_run(&p.leaves, 0, 0, 10);
	put_run(&p.leaves, 0, 10, 1);
	assert_refused(&p, E_CORRUPT, "more records and hashes than its range");
	buf_reset(&p.leaves);
	put_run(&p.leaves, 0, 0, 10);
	buf_put_u64(&p.leaves, 0);
	buf_put_u64(&p.leaves, 0);
	assert_refused(&p, E_CORRUPT, "is empty");
	release(&p);
}

static void test_bundle__truncated_tail_fails(void **state)
{
	struct parts p;

	make(0, RECORDS, RECORDS, 1, &p);
	cut_line(&p.events, "{\"action\":\"update\",\"n\":999}");
	assert_refused(&p, E_CORRUPT, "missing");
	release(&p);
	make(0, RECORDS, RECORDS, 2, &p);
	p.leaves.len -= SHA256_LEN;
	assert_refused(&p, E_CORRUPT, "missing");
	p.leaves.len -= 1;
	assert_refused(&p, E_SYNTAX, "ends early");
	release(&p);
	make(0, RECORDS, RECORDS, 1, &p);
	p.events.len--;
	assert_refused(&p, E_SYNTAX, "does not end");
	release(&p);
}

static void test_bundle__added_record_fails(void **state)
{
	struct parts p;

	make(0, 10, RECORDS, 1, &p);
	buf_put_str(&p.events, "{\"action\":\"forged\"}\n");
	assert_refused(&p, E_CORRUPT, "does not cover");
	release(&p);
}

static void test_bundle__moved_records_fail(void **state)
{
	struct parts p;

	make(0, 10, RECORDS, 1, &p);
	buf_reset(&p.events);
	for (uint64_t i = 0; i < 10; i++) {
		put_record(&p.events, i == 4 ? 5 : i == 5 ? 4 : i);
		buf_put_u8(&p.events, '\n');
	}
	assert_refused(&p, E_CORRUPT, "not those the log has signed");
	release(&p);
}

/* Two leaf hashes offered as one entry, whose leaf hash would be their node, were it not for the prefixes. */
static void test_bundle__node_bytes_are_no_record(void **state)
{
	struct sha256 root;
	struct parts p;
	size_t i = 0;

	while (memchr(leaves + i, '\n', 2 * SHA256_LEN))
		i++;
	digest_node(d, &leaves[i], &leaves[i + 1], &root);
	make(0, 1, 1, 1, &p);
	buf_reset(&p.events);
	buf_put(&p.events, leaves + i, 2 * SHA256_LEN);
	buf_put_u8(&p.events, '\n');
	sign_root(signer, 1, &root, &p.checkpoint);
	assert_refused(&p, E_CORRUPT, "not those the log has signed");
	release(&p);
}

static void test_bundle__another_ranges_proof_fails(void **state)
{
	struct parts p, q;

	make(3, 900, RECORDS, 2, &p);
	make(4, 901, RECORDS, 2, &q);
	buf_reset(&p.proof);
	buf_put_span(&p.proof, buf_span(&q.proof));
	assert_refused(&p, E_CORRUPT, "");
	buf_reset(&p.proof);
	buf_put_str(&p.proof, "stele/range-proof@v1\nrange 3 900\n");
	assert_refused(&p, E_CORRUPT, "its proof is none for records 3 to 900");
	buf_reset(&p.proof);
	buf_put_str(&p.proof, "stele/range-proof@v1\nrange 3 1001\n");
	assert_refused(&p, E_CORRUPT, "its proof is none for records 3 to 1001");
	release(&p);
	release(&q);
}

static void test_bundle__missing_parts_are_failures(void **state)
{
	static const char *const needed[] = {BUNDLE_EVENTS, BUNDLE_LEAVES, BUNDLE_PROOF, BUNDLE_CHECKPOINT};
	struct bundle_facts facts;
	struct parts p;

	make(3, 900, RECORDS, 2, &p);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		struct err err = ERR_INIT;

		write_zip(&p, needed[i], NULL);
		assert_int_equal(verify(&facts, &err), E_SYNTAX);
		assert_non_null(strstr(err.message, needed[i]));
	}
	write_zip(&p, BUNDLE_VKEY, NULL);
	assert_int_equal(verify(&facts, NULL), 0);
	write_zip(&p, BUNDLE_MANIFEST, NULL);
	assert_int_equal(verify(&facts, NULL), 0);
	release(&p);
}

static void test_bundle__what_nothing_vouches_for_is_refused(void **state)
{
	struct bundle_facts facts;
	struct err err = ERR_INIT;
	struct parts p;

	make(3, 900, RECORDS, 2, &p);
	write_zip(&p, NULL, "more.ndjson");
	assert_int_equal(verify(&facts, &err), E_SYNTAX);
	assert_non_null(strstr(err.message, "nothing vouches for"));
	write_zip(&p, NULL, BUNDLE_EVENTS);
	err = (struct err)ERR_INIT;
	assert_int_equal(verify(&facts, &err), E_SYNTAX);
	assert_non_null(strstr(err.message, "twice"));
	release(&p);
}

static void test_bundle__lines_have_the_length_of_records(void **state)
{
	for (size_t len = RECORD_BYTES_MAX; len <= RECORD_BYTES_MAX + 1; len++) {
		struct parts p;

		make(0, 1, 1, 1, &p);
		buf_reset(&p.events);
		for (size_t i = 0; i < len; i++)
			buf_put_u8(&p.events, 'x');
		buf_put_u8(&p.events, '\n');
		assert_refused(&p, len > RECORD_BYTES_MAX ? E_SYNTAX : E_CORRUPT,
			       len > RECORD_BYTES_MAX ? "longer than any record" : "not those");
		release(&p);
	}
}

/* Any byte of the archive may be changed: either it is found, or it was in what nothing says anything about. */
static void test_bundle__damaged_archive_never_verifies_as_another(void **state)
{
	struct bundle_facts want, facts;
	uint8_t *bytes;
	struct parts p;
	size_t len;

	make(3, 60, RECORDS, 2, &p);
	write_zip(&p, NULL, NULL);
	assert_int_equal(verify(&want, NULL), 0);
	assert_int_equal(durable_read(&io_posix, path, 1 << 20, &bytes, &len, NULL), 0);
	for (size_t i = 0; i < len; i += FLIP_STEP) {
		struct span part = span_of(bytes, len);

		bytes[i] ^= 0x21;
		assert_int_equal(durable_write(&io_posix, path, &part, 1, 0600, NULL), 0);
		memset(&facts, 0, sizeof(facts));
		if (verify(&facts, NULL) == 0)
			assert_memory_equal(&facts.root, &want.root, sizeof(want.root));
		bytes[i] ^= 0x21;
	}
	for (size_t cut = 1; cut < len; cut += 37) {
		struct span part = span_of(bytes, len - cut);

		assert_int_equal(durable_write(&io_posix, path, &part, 1, 0600, NULL), 0);
		assert_true(verify(&facts, NULL) < 0);
	}
	free(bytes);
	release(&p);
}

/* ---- archives by other programs ---- */

/* The archive's bytes, to be changed; put_archive writes them. */
static void get_archive(struct buf *to)
{
	uint8_t *bytes;
	size_t len;

	assert_int_equal(durable_read(&io_posix, path, 1 << 20, &bytes, &len, NULL), 0);
	buf_reset(to);
	buf_put(to, bytes, len);
	free(bytes);
}

static void put_archive(const struct buf *bytes)
{
	struct span part = buf_span(bytes);

	assert_int_equal(durable_write(&io_posix, path, &part, 1, 0600, NULL), 0);
}

/* Where the nth header with this magic begins. */
static uint8_t *header_of(const struct buf *archive, const char *magic, int n)
{
	uint8_t *at = archive->p;

	while (n-- > 0)
		at = (uint8_t *)memmem(at + 1, archive->len - (size_t)(at + 1 - archive->p), magic, 4);
	return at;
}

static void assert_says(const struct buf *archive, const char *text)
{
	struct bundle_facts facts;
	struct err err = ERR_INIT;

	put_archive(archive);
	assert_int_equal(verify(&facts, &err), E_SYNTAX);
	if (!strstr(err.message, text))
		fail_msg("'%s' has no '%s'", err.message, text);
}

static void test_bundle__what_cannot_be_read_is_said(void **state)
{
	struct buf archive = BUF_INIT;
	struct parts p;
	uint8_t *at;

	make(3, 60, RECORDS, 2, &p);
	write_zip(&p, NULL, NULL);
	get_archive(&archive);
	at = header_of(&archive, "PK\x01\x02", 1);
	at[10] ^= 93 ^ 8;
	assert_says(&archive, "events.ndjson is packed by method 93");
	at[10] ^= 93 ^ 8;
	at[8] ^= 1;
	assert_says(&archive, "events.ndjson is encrypted");
	at[8] ^= 1;
	put_u32le(at + 38, 0120777u << 16); /* a symbolic link */
	at[5] = 3;
	assert_says(&archive, "a part that is no file");
	put_u32le(at + 38, 0);
	at[16] ^= 1;
	assert_says(&archive, "its checksum is another");
	at[16] ^= 1;
	at[24] ^= 1;
	assert_says(&archive, "has not the size that the directory says");
	at[24] ^= 1;
	header_of(&archive, "PK\x03\x04", 2)[30] ^= 1;
	assert_says(&archive, "not where its directory says");
	buf_release(&archive);
	release(&p);
}

/* A comment of the directory's last entry makes it `len` bytes long. */
static void lengthen_directory(struct buf *archive, size_t len)
{
	const struct buf old = *archive;
	uint8_t *end = header_of(archive, "PK\x05\x06", 1), *last = header_of(archive, "PK\x01\x02", BUNDLE_FILES);
	size_t more = len - get_u32le(end + 12);

	assert_in_range(more, 1, UINT16_MAX);
	put_u16le(last + 32, (uint16_t)more);
	put_u32le(end + 12, (uint32_t)len);
	*archive = (struct buf)BUF_INIT;
	buf_put(archive, old.p, (size_t)(end - old.p));
	for (size_t i = 0; i < more; i++)
		buf_put_u8(archive, ' ');
	buf_put(archive, end, old.len - (size_t)(end - old.p));
	free(old.p);
}

static void test_bundle__directories_have_a_length(void **state)
{
	struct buf archive = BUF_INIT;
	struct bundle_facts facts;
	struct parts p;

	make(3, 60, RECORDS, 2, &p);
	write_zip(&p, NULL, NULL);
	get_archive(&archive);
	lengthen_directory(&archive, BUNDLE_DIRECTORY_MAX);
	put_archive(&archive);
	assert_int_equal(verify(&facts, NULL), 0);
	buf_reset(&archive);
	write_zip(&p, NULL, NULL);
	get_archive(&archive);
	lengthen_directory(&archive, BUNDLE_DIRECTORY_MAX + 1);
	assert_says(&archive, "it is no bundle: its directory has 65537 bytes");
	buf_release(&archive);
	release(&p);
}

/* The end in 64 bits, as of an archive that is larger than 4 GiB. */
static void widen_end(struct buf *archive)
{
	uint8_t *end = header_of(archive, "PK\x05\x06", 1);
	uint64_t count = get_u16le(end + 10), len = get_u32le(end + 12), off = get_u32le(end + 16);
	uint64_t at = (uint64_t)(end - archive->p);

	archive->len = (size_t)at;
	buf_put_str(archive, "PK\x06\x06");
	buf_put_u64(archive, 44);
	buf_put_u64(archive, 0x2d002d);
	buf_put_u32(archive, 0);
	buf_put_u64(archive, count);
	buf_put_u64(archive, count);
	buf_put_u64(archive, len);
	buf_put_u64(archive, off);
	buf_put_str(archive, "PK\x06\x07");
	buf_put_u32(archive, 0);
	buf_put_u64(archive, at);
	buf_put_u32(archive, 1);
	buf_put_str(archive, "PK\x05\x06");
	buf_put_u32(archive, 0);
	buf_put_u64(archive, UINT64_MAX);
	buf_put_u32(archive, UINT32_MAX);
	buf_put_u16(archive, 0);
}

static void test_bundle__other_packing_does_not_matter(void **state)
{
	struct buf archive = BUF_INIT;
	struct bundle_facts facts;
	struct err err = ERR_INIT;
	struct parts p;
	char *link = xformat("%s/link", folder);

	make(3, 900, RECORDS, 2, &p);
	for (int way = 0; way < 4; way++) {
		is_stored = way == 1;
		write_zip(&p, NULL, NULL);
		get_archive(&archive);
		if (way == 2) {
			archive.p[archive.len - 2] = 3; /* a comment */
			buf_put_str(&archive, "abc");
		} else if (way == 3) {
			widen_end(&archive);
		}
		put_archive(&archive);
		if (verify(&facts, &err) < 0)
			fail_msg("way %d: %s", way, err.message);
		assert_int_equal(facts.shown + facts.withheld, 897);
	}
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(bundle_verify(link, note_signer_vkey(signer), 1, &facts, NULL), 0);
	free(link);
	buf_release(&archive);
	release(&p);
}

static void test_bundle__no_file_says_so(void **state)
{
	struct bundle_facts facts;
	struct span text = SPAN_LIT("no archive");

	(void)unlink(path);
	assert_int_equal(verify(&facts, NULL), E_NOT_FOUND);
	assert_int_equal(durable_write(&io_posix, path, &text, 1, 0600, NULL), 0);
	assert_int_equal(verify(&facts, NULL), E_SYNTAX);
	text.len = 0;
	assert_int_equal(durable_write(&io_posix, path, &text, 1, 0600, NULL), 0);
	assert_int_equal(verify(&facts, NULL), E_SYNTAX);
}

static int set_up(void **state)
{
	static const uint8_t seeds[2][NOTE_SEED_LEN] = {{1}, {2}};
	struct buf record = BUF_INIT;

	d = digest_new();
	for (uint64_t i = 0; i < RECORDS; i++) {
		buf_reset(&record);
		put_record(&record, i);
		digest_leaf(d, buf_span(&record), &leaves[i]);
	}
	buf_release(&record);
	if (note_signer_new(SPAN_LIT(NAME), seeds[0], &signer, NULL) < 0 ||
	    note_signer_new(SPAN_LIT(NAME), seeds[1], &other, NULL) < 0 || temp_folder_make(folder) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/bundle.zip", folder);
	return 0;
}

static int tear_down(void **state)
{
	d = digest_free(d);
	note_signer_free(signer);
	note_signer_free(other);
	return temp_folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bundle__what_was_logged_verifies),
		cmocka_unit_test(test_bundle__needs_the_key_that_signed),
		cmocka_unit_test(test_bundle__forged_checkpoint_fails),
		cmocka_unit_test(test_bundle__changed_record_fails),
		cmocka_unit_test(test_bundle__dropped_record_fails),
		cmocka_unit_test(test_bundle__withheld_leaf_fails),
		cmocka_unit_test(test_bundle__truncated_tail_fails),
		cmocka_unit_test(test_bundle__added_record_fails),
		cmocka_unit_test(test_bundle__moved_records_fail),
		cmocka_unit_test(test_bundle__node_bytes_are_no_record),
		cmocka_unit_test(test_bundle__another_ranges_proof_fails),
		cmocka_unit_test(test_bundle__missing_parts_are_failures),
		cmocka_unit_test(test_bundle__what_nothing_vouches_for_is_refused),
		cmocka_unit_test(test_bundle__lines_have_the_length_of_records),
		cmocka_unit_test(test_bundle__damaged_archive_never_verifies_as_another),
		cmocka_unit_test(test_bundle__what_cannot_be_read_is_said),
		cmocka_unit_test(test_bundle__directories_have_a_length),
		cmocka_unit_test(test_bundle__other_packing_does_not_matter),
		cmocka_unit_test(test_bundle__no_file_says_so),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
