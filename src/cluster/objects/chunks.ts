import type { V1ConfigMap } from '@kubernetes/client-node';
import { AppError } from '../../errors.ts';
import { MAX_ARCHIVE_BYTES } from '../../evaluation/roster.ts';
import { sha256 } from '../../events/hash.ts';
import type { RuntimeWanted } from '../cluster.ts';
import { ownedBy } from './anchor.ts';
import { ANNOTATION, anchorName, chunkName, runLabels } from './names.ts';
import type { ClusterProfile } from './profile.ts';

/** A ConfigMap holds 1 MiB of decoded bytes; this leaves room for its metadata. */
const CHUNK_BYTES = 1_000_000;

/** As many as the largest archive has. */
export const MAX_CHUNKS = MAX_ARCHIVE_BYTES / CHUNK_BYTES;

/** The key of a chunk's bytes in its ConfigMap. */
export const CHUNK_KEY = 'bytes';

/**
 * The archive of a submission as ConfigMaps that nobody can change. Throws `input.invalid` for bytes that are not the
 * archive's, or more than fit.
 */
export function buildChunks(
  wanted: RuntimeWanted,
  bytes: Uint8Array,
  anchorUid: string,
  profile: ClusterProfile,
): readonly V1ConfigMap[] {
  const found = sha256(bytes);
  if (found !== wanted.archive || bytes.length > MAX_ARCHIVE_BYTES)
    throw new AppError('input.invalid', {
      field: 'archive',
      value: { sha256: found, bytes: bytes.length },
      expected: `${wanted.archive}, at most ${MAX_ARCHIVE_BYTES} bytes`,
    });
  return Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: chunkName(wanted, index, profile),
      namespace: profile.namespace,
      labels: runLabels(wanted, profile.instance),
      annotations: { [ANNOTATION.archive]: wanted.archive },
      ownerReferences: [ownedBy(anchorName(wanted, profile), anchorUid)],
    },
    immutable: true,
    binaryData: {
      [CHUNK_KEY]: Buffer.from(
        bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
      ).toString('base64'),
    },
  }));
}
