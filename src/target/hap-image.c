/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapImage: a recorded memory. Holds pieces of bytes that never overlap, sorted by address; a piece is a part
 * of the bytes that were added, which it shares.
 */

#include "hap-image.h"

#include <string.h>

#include "hap-error.h"

#define MAGIC "HAPIMG1\n"
#define MAX_FILE (1024 * 1024 * 1024)

typedef struct
{
  guint64 address;
  gsize size;
  gsize skip; /* of @bytes */
  GBytes *bytes;
} Piece;

struct _HapImage
{
  GObject parent_instance;

  GTree *pieces;     /* by address */
  HapMemory *source; /* while recording */
};

static void hap_image_memory_init (HapMemoryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HapImage,
                               hap_image,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_MEMORY, hap_image_memory_init))

static int
compare_pieces (gconstpointer a, gconstpointer b, gpointer data)
{
  const Piece *one = a;
  const Piece *other = b;

  return (one->address > other->address) - (one->address < other->address);
}

static void
piece_free (gpointer data)
{
  Piece *piece = data;

  g_bytes_unref (piece->bytes);
  g_free (piece);
}

static void
insert_piece (HapImage *self, guint64 address, gsize size, gsize skip, GBytes *bytes)
{
  Piece *piece = g_new (Piece, 1);

  *piece = (Piece){ address, size, skip, g_bytes_ref (bytes) };
  g_tree_insert (self->pieces, piece, piece);
}

/* The piece that holds @address, else the next above it; NULL at the end. */
static Piece *
find_piece (HapImage *self, guint64 address)
{
  const Piece key = { .address = address };
  GTreeNode *above = g_tree_upper_bound (self->pieces, &key);
  GTreeNode *below = above != NULL ? g_tree_node_previous (above) : g_tree_node_last (self->pieces);
  Piece *piece = below != NULL ? g_tree_node_key (below) : NULL;

  if (piece != NULL && address - piece->address < piece->size)
    return piece;
  return above != NULL ? g_tree_node_key (above) : NULL;
}

static gsize
read_pieces (HapImage *self, guint64 address, gpointer buffer, gsize size)
{
  gsize done = 0;

  while (done < size)
    {
      guint64 at = address + done;
      Piece *piece = find_piece (self, at);
      const guint8 *bytes;
      gsize n;

      if (piece == NULL || piece->address > at)
        break;
      n = MIN (size - done, piece->size - (at - piece->address));
      bytes = g_bytes_get_data (piece->bytes, NULL);
      memcpy ((guint8 *)buffer + done, bytes + piece->skip + (at - piece->address), n);
      done += n;
    }
  return done;
}

static gsize
hap_image_read (HapMemory *memory, guint64 address, gpointer buffer, gsize size)
{
  HapImage *self = HAP_IMAGE (memory);
  gsize n;

  if (self->source == NULL)
    return read_pieces (self, address, buffer, size);

  n = hap_memory_read_some (self->source, address, buffer, size);
  if (n > 0)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (buffer, n);

      hap_image_add (self, address, bytes);
    }
  return n;
}

static void
hap_image_memory_init (HapMemoryInterface *iface)
{
  iface->read = hap_image_read;
}

static void
hap_image_finalize (GObject *object)
{
  HapImage *self = HAP_IMAGE (object);

  g_clear_pointer (&self->pieces, g_tree_unref);
  g_clear_object (&self->source);

  G_OBJECT_CLASS (hap_image_parent_class)->finalize (object);
}

static void
hap_image_class_init (HapImageClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hap_image_finalize;
}

static void
hap_image_init (HapImage *self)
{
  self->pieces = g_tree_new_full (compare_pieces, NULL, piece_free, NULL);
}

HapImage *
hap_image_new (void)
{
  return g_object_new (HAP_TYPE_IMAGE, NULL);
}

/* Takes what lies in the range out of @piece, and leaves what sticks out at either side. */
static void
cut_piece (HapImage *self, Piece *piece, guint64 address, guint64 end)
{
  Piece old = *piece;
  guint64 old_end = old.address + old.size;

  g_bytes_ref (old.bytes);
  g_tree_remove (self->pieces, piece);
  if (old.address < address)
    insert_piece (self, old.address, address - old.address, old.skip, old.bytes);
  if (old_end > end)
    insert_piece (self, end, old_end - end, old.skip + (end - old.address), old.bytes);
  g_bytes_unref (old.bytes);
}

void
hap_image_add (HapImage *self, guint64 address, GBytes *bytes)
{
  gsize size = g_bytes_get_size (bytes);
  guint64 end;
  Piece *piece;

  g_return_if_fail (g_uint64_checked_add (&end, address, size));

  if (size == 0)
    return;
  while ((piece = find_piece (self, address)) != NULL && piece->address < end)
    cut_piece (self, piece, address, end);
  insert_piece (self, address, size, 0, bytes);
}

HapImage *
hap_image_load (GBytes *file, GError **error)
{
  g_autoptr (HapImage) self = hap_image_new ();
  gsize size, at = strlen (MAGIC);
  const guint8 *data = g_bytes_get_data (file, &size);

  if (size < at || size > MAX_FILE || memcmp (data, MAGIC, at) != 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                   "This is no recorded memory, or it is above 1 GiB");
      return NULL;
    }

  while (at < size)
    {
      g_autoptr (GBytes) bytes = NULL;
      guint64 record[2], end;

      if (size - at >= sizeof record)
        memcpy (record, data + at, sizeof record);
      if (size - at < sizeof record || GUINT64_FROM_LE (record[1]) > size - at - sizeof record
          || !g_uint64_checked_add (&end, GUINT64_FROM_LE (record[0]), GUINT64_FROM_LE (record[1])))
        {
          g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                       "The recorded memory is damaged at byte %" G_GSIZE_FORMAT, at);
          return NULL;
        }
      at += sizeof record;
      bytes = g_bytes_new_from_bytes (file, at, GUINT64_FROM_LE (record[1]));
      hap_image_add (self, GUINT64_FROM_LE (record[0]), bytes);
      at += g_bytes_get_size (bytes);
    }
  return g_steal_pointer (&self);
}

GBytes *
hap_image_save (HapImage *self)
{
  g_autoptr (GByteArray) file = g_byte_array_new ();

  g_byte_array_append (file, (const guint8 *)MAGIC, strlen (MAGIC));
  for (GTreeNode *node = g_tree_node_first (self->pieces); node != NULL; node = g_tree_node_next (node))
    {
      const Piece *piece = g_tree_node_key (node);
      guint64 record[2] = { GUINT64_TO_LE (piece->address), GUINT64_TO_LE ((guint64)piece->size) };
      const guint8 *bytes = g_bytes_get_data (piece->bytes, NULL);

      g_byte_array_append (file, (const guint8 *)record, sizeof record);
      g_byte_array_append (file, bytes + piece->skip, piece->size);
    }
  return g_byte_array_free_to_bytes (g_steal_pointer (&file));
}

HapImage *
hap_image_record (HapMemory *source)
{
  HapImage *self = hap_image_new ();

  self->source = g_object_ref (source);
  return self;
}
