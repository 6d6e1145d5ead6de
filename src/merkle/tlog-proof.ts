import {
  decodeBase64,
  decodeCount,
  decodeHash,
  decodeText,
  encodeBase64,
  malformed,
} from './text-form.ts';
import type { Hash } from './tree.ts';

/**
 * That an entry is in a log, for a verifier who is offline (C2SP tlog-proof): its index, its inclusion
 * proof, and the checkpoint whose root that proof leads to, as the exact bytes of its note.
 */
export type TlogProof = Readonly<{
  /** Whatever an application wants to add; nothing vouches for it. */
  extra: Uint8Array | null;
  index: number;
  proof: readonly Hash[];
  checkpoint: Uint8Array;
}>;

/** The longest inclusion proof that a tree of 2^64 leaves can have, and the longest consistency proof. */
const MAX_PROOF_HASHES = 64;

/** A note, a proof, and room for what is extra. */
const MAX_TLOG_PROOF_BYTES = 524_288;

/** The bytes of a `.tlog-proof` file. */
export function formatTlogProof({ extra, index, proof, checkpoint }: TlogProof): Uint8Array {
  const head = [
    FIRST_LINE,
    ...(extra === null ? [] : [`extra ${encodeBase64(extra)}`]),
    `index ${index}`,
    ...proof.map(encodeBase64),
  ];
  return Buffer.concat([Buffer.from(`${head.join('\n')}\n\n`, 'utf8'), checkpoint]);
}

/**
 * Reads a `.tlog-proof` file. Throws `checkpoint.invalid` for what is none. It verifies nothing: neither
 * that the proof leads to the checkpoint's root, nor that anybody signed that.
 */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  if (bytes.length > MAX_TLOG_PROOF_BYTES) {
    throw malformed('tlog-proof', `at most ${MAX_TLOG_PROOF_BYTES} bytes`);
  }
  const { lines, rest } = splitAtEmptyLine('tlog-proof', bytes, MAX_PROOF_HASHES + 3);
  const [first, ...more] = lines;
  if (first !== FIRST_LINE) throw malformed('tlog-proof', `the first line ${FIRST_LINE}`);
  const extra = more[0]?.startsWith('extra ') === true ? (more.shift() ?? null) : null;
  const [index = '', ...hashes] = more;
  if (!index.startsWith('index ')) throw malformed('tlog-proof', 'a line with the index');
  if (hashes.length > MAX_PROOF_HASHES) {
    throw malformed('tlog-proof', `at most ${MAX_PROOF_HASHES} hashes`);
  }
  return {
    extra: extra === null ? null : decodeBase64('tlog-proof extra', extra.slice('extra '.length)),
    index: decodeCount('tlog-proof index', index.slice('index '.length)),
    proof: hashes.map((hash) => decodeHash('tlog-proof hash', hash)),
    checkpoint: rest,
  };
}

/**
 * The lines in front of the first empty line, at most `maxLines`, and the bytes behind it: the form of
 * everything that C2SP puts in front of a checkpoint. Throws `checkpoint.invalid` without such a line.
 */
export function splitAtEmptyLine(
  field: string,
  bytes: Uint8Array,
  maxLines: number,
): Readonly<{ lines: readonly string[]; rest: Uint8Array }> {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf('\n\n');
  if (end === -1) throw malformed(field, 'lines, an empty line, and a checkpoint');
  const lines = decodeText(field, bytes.subarray(0, end)).split('\n', maxLines + 1);
  if (lines.length > maxLines) throw malformed(field, `at most ${maxLines} lines before the empty`);
  return { lines, rest: bytes.subarray(end + 2) };
}

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
