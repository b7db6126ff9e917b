/* A data folder without a server: control data and keys, then the store without its threads. */
#include "service/offline.h"

#include "base/mem.h"
#include "control/control.h"
#include "service/service_priv.h"

/* A folder is one of ours when it has a control.db; nothing is made where there is none. */
static int check_folder(struct io *io, const char *folder, struct err *err)
{
	char *path = xformat("%s/control.db", folder);
	struct io_stat st;
	int rc = io->stat(io, path, &st);

	free(path);
	return rc < 0 ? err_errno(err, -rc, "%s is no data folder: its control.db", folder) : 0;
}

/* As much of a service as the keys of ledgers need. */
static int open_keys(struct io *io, const char *folder, struct service *s, struct err *err)
{
	int rc;

	if ((rc = check_folder(io, folder, err)) < 0)
		return rc;
	if ((rc = control_open(folder, &s->control, err)) < 0)
		return rc;
	return key_ring_open(io, folder, false, &s->ring, err);
}

static void close_keys(struct service *s)
{
	if (s->ring)
		key_ring_close(s->ring);
	control_close(s->control);
}

static int open_store(struct io *io, const char *folder, struct service *s, struct err *err)
{
	struct store_config config = {
		.io = io, .folder = folder, .key = service__ledger_key, .user = s, .no_threads = true};

	return store_open(&config, &s->store, err);
}

int offline_seal(struct io *io, const char *folder, struct store_figures *ret, struct err *err)
{
	struct service s = {0};
	int rc;

	if ((rc = open_keys(io, folder, &s, err)) < 0)
		goto out;
	if ((rc = open_store(io, folder, &s, err)) < 0)
		goto out;
	if ((rc = store_seal(s.store, err)) < 0)
		goto out;
	store_figures(s.store, ret);
out:
	if (s.store)
		store_close(s.store);
	close_keys(&s);
	return rc;
}

int offline_verify(struct io *io, const char *folder, store_fault_fn *found, void *user, uint64_t *ret_records,
		   struct err *err)
{
	struct err fault = ERR_INIT;
	struct service s = {0};
	int rc;

	if ((rc = open_keys(io, folder, &s, err)) < 0)
		goto out;
	if ((rc = open_store(io, folder, &s, &fault)) < 0) {
		if (rc == E_CORRUPT)
			found(user, &fault);
		if (err)
			*err = fault;
		goto out;
	}
	rc = store_verify(s.store, found, user, ret_records, err);
out:
	if (s.store)
		store_close(s.store);
	close_keys(&s);
	return rc;
}

int offline_retention(struct io *io, const char *folder, bool is_dry_run, struct retention_result *ret, struct err *err)
{
	const struct service_config config = {.io = io, .folder = folder, .url = ""};
	struct service *s = NULL;
	bool is_first;
	int rc;

	if ((rc = check_folder(io, folder, err)) < 0)
		return rc;
	if ((rc = service_open(&config, &s, &is_first, err)) < 0)
		return rc;
	rc = service_retention_run(s, is_dry_run, ret, err);
	service_close(s);
	return rc;
}

int offline_id_key(struct io *io, const char *folder, uint32_t ledger, uint8_t ret_id_key[ID_KEY_LEN], struct err *err)
{
	struct service s = {0};
	struct key key;
	int rc;

	if ((rc = open_keys(io, folder, &s, err)) < 0)
		goto out;
	if ((rc = service__ledger_key(&s, ledger, &key, err)) < 0)
		goto out;
	key_derive(&key, "stele id v1", span_of(NULL, 0), ret_id_key, ID_KEY_LEN); /* the label is ledger.c's */
	mem_wipe(&key, sizeof(key));
out:
	close_keys(&s);
	return rc;
}
