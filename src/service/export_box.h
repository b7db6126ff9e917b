/*
 * The files of export jobs: what was exported, in boxes (crypto/boxes.h), so that a part of it is opened alone.
 *
 *	"STELEEXP" | u16 version | u16 0 | u32 bytes of a box | 16 random bytes | 12 zeros | u32 CRC32C | boxes
 *
 * The key is derived from the node's, this header and the job's id: the file of one job is of no use as another's.
 */
#ifndef STELE_SERVICE_EXPORT_BOX_H
#define STELE_SERVICE_EXPORT_BOX_H

#include "base/buf.h"
#include "base/durable.h"
#include "control/export_job.h"
#include "crypto/boxes.h"

#define EXPORT_BOX_HEADER 48

/* Writing: begin, puts, end; then the file is committed by whoever has it. release at any time. */
struct export_writer {
	struct durable_file *file; /* borrowed */
	struct boxes *boxes;
	uint64_t number;      /* of the next box */
	uint64_t plain_bytes; /* so far */
	struct buf waiting;   /* too little for a box, or the run's last one */
	struct buf sealed;
};

int export_writer_begin(struct export_writer *w, struct durable_file *file, const struct key *node, const char *id,
			struct err *err) __attribute__((warn_unused_result));
int export_writer_put(struct export_writer *w, struct span piece, struct err *err) __attribute__((warn_unused_result));
int export_writer_end(struct export_writer *w, struct err *err) __attribute__((warn_unused_result));
void export_writer_release(struct export_writer *w);

/* Reading: `read` gives the bytes of a file of `file_bytes` that holds `plain_bytes`. *ret is NULL when the file is
 * plain, as those of before were. E_CORRUPT. */
int export_box_open(const struct boxes_source *file, uint64_t file_bytes, const struct key *node, const char *id,
		    struct boxes **ret, struct err *err) __attribute__((warn_unused_result));

#endif
