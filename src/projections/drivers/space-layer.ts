/** A layer of an image of which a driver knows no more than how much room it takes. */

import type { StateReader } from './state-bytes.ts';
import type { Space, StoredLayer } from './storage-driver.ts';

/** @param ownSpace - Whole bytes. */
export const spaceLayer = (ownSpace: Space): StoredLayer => ({
  ownSpace,
  encode: (writer) => {
    writer.varint(ownSpace.dataBytes);
    writer.varint(ownSpace.metadataBytes);
  },
});

export const decodeSpaceLayer = (reader: StateReader): StoredLayer =>
  spaceLayer({ dataBytes: reader.varint(), metadataBytes: reader.varint() });
