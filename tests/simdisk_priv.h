/*
 * The parts of the simulated disk: files (content, simdisk_file.c) and names (simdisk_names.c). Neither locks;
 * simdisk.c does. Files are known by their index in the disk's table, so that a disk is copied without following
 * pointers.
 */
#ifndef STELE_TESTS_SIMDISK_PRIV_H
#define STELE_TESTS_SIMDISK_PRIV_H

#include "base/thread.h"
#include "simdisk.h"

#define SECTOR_BYTES 512

/* Bytes from size to cap are 0. */
struct content {
	uint8_t *p;
	uint64_t size;
	uint64_t cap;
};

/* An unsynced change: the sectors it touched as they were right after it (none for a change of size), and the size. */
struct change {
	uint64_t seq;
	uint64_t off; /* of the image: a multiple of SECTOR_BYTES */
	uint64_t image_len;
	uint8_t *image;
	uint64_t size_after;
};

struct file {
	bool is_folder;
	uint32_t mode;
	int locked_by; /* descriptor, 0 when free */
	struct content now;
	struct content synced;
	struct change *changes;
	size_t change_count;
	size_t change_cap;
	uint64_t next_seq;
};

struct file *file__new(bool is_folder, int mode);
struct file *file__copy(const struct file *f);
void file__free(struct file *f);
void file__write(struct file *f, const void *p, size_t len, uint64_t off);
void file__resize(struct file *f, uint64_t size);
/* The changes before `before_seq` are on the disk. */
void file__sync(struct file *f, uint64_t before_seq);
/* A failed sync: what is on the disk is one of the possible states, and nothing is remembered as unsynced. */
void file__lose(struct file *f, struct rng *rng);
/* Power loss. */
void file__crash(struct file *f, struct rng *rng);
bool file__is_synced(const struct file *f);
/* Durable changes from outside. */
void file__set(struct file *f, struct span bytes);

/* A path of a table of names, absolute and without empty or "." parts. */
struct name {
	char *path;
	size_t file;
};

struct names {
	struct name *v;
	size_t count;
	size_t cap;
};

/* An unsynced change of names: `from` (or NULL) goes, `to` (or NULL) is `file`. */
struct name_change {
	char *from;
	char *to;
	size_t file;
	bool keep;
};

struct name_log {
	struct name_change *v;
	size_t count;
	size_t cap;
};

#define NO_FILE SIZE_MAX

/* The path as the tables have it; freed by the caller. */
char *names__normal(const char *path);
char *names__parent(const char *normal_path);
size_t names__find(const struct names *names, const char *path); /* the file, or NO_FILE */
void names__set(struct names *names, const char *path, size_t file);
void names__remove(struct names *names, const char *path);
void names__copy(struct names *to, const struct names *from);
void names__release(struct names *names);
/* Drops the names whose folder is not there. */
void names__drop_orphans(struct names *names);

void name_log__add(struct name_log *log, const char *from, const char *to, size_t file);
void name_log__copy(struct name_log *to, const struct name_log *from);
void name_log__release(struct name_log *log);
/* Marks the changes in that folder, or those the rng picks. */
void name_log__keep_folder(struct name_log *log, const char *folder);
void name_log__keep_some(struct name_log *log, struct rng *rng);
/* Brings the marked changes and those they depend on to `names`, in order, and forgets them. */
void name_log__apply(struct name_log *log, struct names *names);

#define KIND_COUNT 15

struct descriptor {
	size_t file;
	int flags;
	bool is_open;
};

struct simdisk {
	struct io io; /* first: the calls get their disk from it */
	struct mutex mutex;
	struct rng rng;

	struct file **files; /* NULL where one is gone; an index is never used again */
	size_t file_count;
	struct names now;
	struct names durable;
	struct name_log log;

	struct descriptor *fds;
	size_t fd_count;
	size_t fd_valid_from; /* those before are of before a power loss */

	uint64_t calls[KIND_COUNT];
	struct simdisk_fault fault;
	uint64_t fault_calls;
	bool has_struck;
	uint64_t capacity;
	unsigned short_one_in;
	uint64_t sync_delay_us;
};

extern const struct io disk__calls;
size_t disk__add_file(struct simdisk *sd, struct file *f);
struct file *disk__find_path(const struct simdisk *sd, const char *normal); /* or NULL */
/* Frees the files that no name, descriptor or power loss can bring back. */
void disk__sweep(struct simdisk *sd);

#endif
