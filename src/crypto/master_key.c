/* Where the master key comes from: a file, the environment, a command. */
#include <errno.h>
#include <stdio.h>

#include "base/durable.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/shell.h"
#include "crypto/key_ring_priv.h"

#define DIGITS      (2 * KEY_LEN)
#define FILE_LEN    (DIGITS + 1) /* digits and LF */
#define FILE_MODE   0600
#define OTHERS_MODE 0077

/* The value of a hex digit of either case, for a key may be typed in; -1 when it is none. */
static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 64 digits, and behind them nothing or a line feed. */
static bool parse_key(struct span text, struct key *ret)
{
	bool is_key = text.len == DIGITS || (text.len == FILE_LEN && text.p[DIGITS] == '\n');
	struct key key = {0};

	for (size_t i = 0; is_key && i < KEY_LEN; i++) {
		int high = hex_value(text.p[2 * i]);
		int low = hex_value(text.p[2 * i + 1]);

		is_key = high >= 0 && low >= 0;
		key.b[i] = (uint8_t)(high * 16 + low);
	}
	if (is_key)
		*ret = key;
	mem_wipe(&key, sizeof(key));
	return is_key;
}

static int fail_parse(const char *what, struct err *err)
{
	return err_set(err, E_CRYPTO, "%s is not a master key: it must hold %d hex digits", what, DIGITS);
}

static void format_key(const struct key *key, uint8_t to[FILE_LEN])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < KEY_LEN; i++) {
		to[2 * i] = (uint8_t)digits[key->b[i] >> 4];
		to[2 * i + 1] = (uint8_t)digits[key->b[i] & 15];
	}
	to[FILE_LEN - 1] = '\n';
}

static int make_master(struct io *io, const char *path, struct key *ret, struct err *err)
{
	uint8_t text[FILE_LEN];
	struct span part = span_of(text, sizeof(text));
	struct key key;
	int rc;

	rand_bytes(key.b, sizeof(key.b));
	format_key(&key, text);
	rc = durable_write(io, path, &part, 1, FILE_MODE, err);
	if (rc == 0)
		*ret = key;
	mem_wipe(&key, sizeof(key));
	mem_wipe(text, sizeof(text));
	return rc;
}

static int check_mode(const char *path, uint32_t mode, struct err *err)
{
	if (!(mode & OTHERS_MODE))
		return 0;
	return err_set(err, E_FORBIDDEN, "%s has mode %04o, so others may use the master key; run: chmod 600 %s", path,
		       (unsigned)mode, path);
}

static int read_master(struct io *io, const char *path, struct key *ret, struct err *err)
{
	uint8_t *text = NULL;
	size_t len = 0;
	int rc = durable_read(io, path, FILE_LEN, &text, &len, err);

	if (rc == E_TOO_LARGE)
		rc = err_set(err, E_CRYPTO, "%s is not a master key: it has more than %d bytes", path, FILE_LEN);
	if (rc < 0)
		return rc;
	rc = parse_key(span_of(text, len), ret) ? 0 : fail_parse(path, err);
	mem_wipe(text, len);
	free(text);
	return rc;
}

static int open_file(struct io *io, const char *path, bool may_create, struct key *ret, struct err *err)
{
	struct io_stat st = {0};
	int rc = io->stat(io, path, &st);

	if (rc == -ENOENT && may_create)
		return make_master(io, path, ret, err);
	if (rc == -ENOENT)
		return err_set(err, E_NOT_FOUND, "there is no master key %s; without it nothing stored can be read",
			       path);
	if (rc < 0)
		return err_errno(err, -rc, "reading %s", path);
	rc = check_mode(path, st.mode, err);
	return rc < 0 ? rc : read_master(io, path, ret, err);
}

static int open_env(const char *name, struct key *ret, struct err *err)
{
	const char *text = getenv(name);

	if (!text)
		return err_set(err, E_NOT_FOUND,
			       "the environment has no %s, which the master key is to come from; without it nothing "
			       "stored can be read",
			       name);
	return parse_key(span_str(text), ret) ? 0 : fail_parse(name, err);
}

static int open_command(const char *command, struct key *ret, struct err *err)
{
	uint8_t text[FILE_LEN];
	struct err why = ERR_INIT;
	size_t len = 0;
	int rc = shell_read(command, KEY_COMMAND_MAX_MS, text, sizeof(text), &len, &why);

	if (rc < 0)
		return err_set(err, rc == E_TOO_LARGE ? E_CRYPTO : rc, "the master key's command gives none: %s",
			       why.message);
	rc = parse_key(span_of(text, len), ret) ? 0 : fail_parse("what the command prints", err);
	mem_wipe(text, sizeof(text));
	return rc;
}

/* What follows a prefix, or NULL. */
static const char *behind(const char *source, const char *prefix)
{
	size_t len = strlen(prefix);

	return source && strncmp(source, prefix, len) == 0 && source[len] ? source + len : NULL;
}

char *key_ring_path(const char *folder, const char *source)
{
	const char *path = behind(source, "file:");

	if (!source)
		return xformat("%s/%s", folder, MASTER_KEY_FILE);
	return path ? xstrdup(path) : NULL;
}

int key_ring__master(struct io *io, const char *folder, const char *source, bool may_create, struct key *ret,
		     struct err *err)
{
	char *path = key_ring_path(folder, source);
	int rc;

	if (path) {
		rc = open_file(io, path, may_create, ret, err);
		if (rc < 0)
			err_set_field(err, path, strlen(path));
	} else if (behind(source, "env:")) {
		rc = open_env(behind(source, "env:"), ret, err);
	} else if (behind(source, "command:")) {
		rc = open_command(behind(source, "command:"), ret, err);
	} else {
		rc = err_set(err, E_INVALID, "a master key comes from file:PATH, env:NAME or command:COMMAND, not '%s'",
			     source);
	}
	free(path);
	return rc;
}
