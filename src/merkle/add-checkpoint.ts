import { decodeCount, decodeHash, encodeBase64, malformed } from './text-form.ts';
import { splitAtEmptyLine } from './tlog-proof.ts';
import type { Hash } from './tree.ts';

/** What a log asks a witness to cosign (C2SP tlog-witness): a checkpoint, and the proof that it continues what the witness has. */
export type AddCheckpoint = Readonly<{
  /** The size of the checkpoint that the witness cosigned last; 0 when it never did. */
  oldSize: number;
  /** The consistency proof from there; empty from 0, and where the size stays. */
  proof: readonly Hash[];
  /** The exact bytes of the signed note. */
  checkpoint: Uint8Array;
}>;

/** C2SP tlog-witness allows no longer proof. */
const MAX_CONSISTENCY_HASHES = 63;

/** The body of the request. */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): Uint8Array {
  const lines = [`old ${oldSize}`, ...proof.map(encodeBase64)];
  return Buffer.concat([Buffer.from(`${lines.join('\n')}\n\n`, 'utf8'), checkpoint]);
}

/** Reads the body of such a request from a stranger. Throws `checkpoint.invalid`; the note itself is not looked at. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const { lines, rest } = splitAtEmptyLine('add-checkpoint', body, 1 + MAX_CONSISTENCY_HASHES);
  const [old = '', ...proof] = lines;
  if (!old.startsWith('old ')) throw malformed('add-checkpoint', 'a first line with the old size');
  return {
    oldSize: decodeCount('add-checkpoint old size', old.slice('old '.length)),
    proof: proof.map((hash) => decodeHash('add-checkpoint proof', hash)),
    checkpoint: rest,
  };
}
