/* Files of export jobs in boxes. A box is sealed once it is sure whether it is the last: there is more, or the end. */
#include "service/export_box.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/reader.h"

#define LABEL    "stele export v1"
#define MAGIC    "STELEEXP"
#define VERSION  1
#define SALT_LEN 16
#define AT_BOX   12
#define AT_SALT  16
#define AT_CRC   (EXPORT_BOX_HEADER - 4)

static struct boxes *make_boxes(const struct key *node, const char *id, const uint8_t header[EXPORT_BOX_HEADER])
{
	uint8_t bound[EXPORT_BOX_HEADER + EXPORT_ID_LEN];
	struct boxes *boxes;
	struct key key;

	memcpy(bound, header, EXPORT_BOX_HEADER);
	memcpy(bound + EXPORT_BOX_HEADER, id, EXPORT_ID_LEN);
	key_derive(node, LABEL, span_of(bound, sizeof(bound)), key.b, sizeof(key.b));
	boxes = boxes_new(&key);
	mem_wipe(&key, sizeof(key));
	return boxes;
}

int export_writer_begin(struct export_writer *w, struct durable_file *file, const struct key *node, const char *id,
			struct err *err)
{
	uint8_t header[EXPORT_BOX_HEADER] = {0};

	memcpy(header, MAGIC, sizeof(MAGIC) - 1);
	put_u16le(header + 8, VERSION);
	put_u32le(header + AT_BOX, BOX_BYTES);
	rand_bytes(header + AT_SALT, SALT_LEN);
	put_u32le(header + AT_CRC, crc32c(0, header, AT_CRC));
	*w = (struct export_writer){.file = file, .boxes = make_boxes(node, id, header)};
	return durable_file_put(file, span_of(header, sizeof(header)), err);
}

/* Seals the first `len` bytes that wait, and writes them. */
static int put_boxes(struct export_writer *w, size_t len, bool is_end, struct err *err)
{
	size_t sealed_len = (size_t)boxes_sealed_len(len);
	uint8_t *room;
	int rc;

	buf_reset(&w->sealed);
	room = buf_room(&w->sealed, sealed_len);
	if (!room)
		return err_set(err, E_NO_MEMORY, "not enough memory for a piece of an export");
	rc = boxes_seal(w->boxes, w->number, span_of(w->waiting.p, len), is_end, room);
	if (rc < 0)
		return err_set(err, rc, "encrypting an export failed");
	rc = durable_file_put(w->file, span_of(room, sealed_len), err);
	w->number += len / BOX_PLAIN;
	memmove(w->waiting.p, w->waiting.p + len, w->waiting.len - len);
	w->waiting.len -= len;
	return rc;
}

int export_writer_put(struct export_writer *w, struct span piece, struct err *err)
{
	size_t len;

	buf_put_span(&w->waiting, piece);
	if (!buf_ok(&w->waiting))
		return err_set(err, E_NO_MEMORY, "not enough memory for a piece of an export");
	w->plain_bytes += piece.len;
	len = w->waiting.len ? (w->waiting.len - 1) / BOX_PLAIN * BOX_PLAIN : 0;
	return len ? put_boxes(w, len, false, err) : 0;
}

int export_writer_end(struct export_writer *w, struct err *err)
{
	if (!buf_room(&w->waiting, 1)) /* so that there is a place even for nothing */
		return err_set(err, E_NO_MEMORY, "not enough memory for the end of an export");
	return put_boxes(w, w->waiting.len, true, err);
}

void export_writer_release(struct export_writer *w)
{
	w->boxes = boxes_free(w->boxes);
	buf_release(&w->waiting);
	buf_release(&w->sealed);
}

int export_box_open(const struct boxes_source *file, uint64_t file_bytes, const struct key *node, const char *id,
		    struct boxes **ret, struct err *err)
{
	uint8_t h[EXPORT_BOX_HEADER];
	int rc;

	*ret = NULL;
	if (file_bytes == file->plain_len) /* boxes would take more */
		return 0;
	if (file_bytes != EXPORT_BOX_HEADER + boxes_sealed_len(file->plain_len))
		return err_corrupt(err, 0, "the file of the export has %llu bytes, which are none of %llu encrypted",
				   (unsigned long long)file_bytes, (unsigned long long)file->plain_len);
	if ((rc = file->read(file->user, 0, sizeof(h), h, err)) < 0)
		return rc;
	if (memcmp(h, MAGIC, sizeof(MAGIC) - 1) != 0 || get_u32le(h + AT_CRC) != crc32c(0, h, AT_CRC))
		return err_corrupt(err, 0, "the header of the export's file is damaged");
	if (get_u16le(h + 8) != VERSION || get_u16le(h + 10) != 0 || get_u32le(h + AT_BOX) != BOX_BYTES)
		return err_set(err, E_UNSUPPORTED, "the file of the export was made by another version");
	*ret = make_boxes(node, id, h);
	return 0;
}
