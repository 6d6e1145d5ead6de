import { z } from 'zod';
import { isAppError } from '../errors.ts';
import { Hex32, Ss58 } from '../events/scalars.ts';
import { ss58PublicKey } from '../events/ss58.ts';
import type { Verify } from './keys.ts';
import { type ScaleCursor, scaleCursor, unfit } from './scale-cursor.ts';

/** Three fields of the chain's greatest size take about 3,200 bytes. */
const MAX_EXTRINSIC_BYTES = 4_096;

const U32 = z.int().min(0).max(0xffff_ffff);

/**
 * A `Commitments.set_commitment` as its hotkey signed it, with what the signature covers beside the bytes
 * themselves, but for the genesis hash: whoever verifies it knows the network that he asks about.
 */
export const CommitmentStatement = z.strictObject({
  hotkey: Ss58,
  /** The extrinsic as the block's body has it, its length first: lower-case hex without prefix. */
  extrinsic: z
    .string()
    .max(2 * MAX_EXTRINSIC_BYTES)
    .regex(/^([0-9a-f]{2})+$/, 'lower-case hex'),
  covers: z.strictObject({
    specVersion: U32,
    transactionVersion: U32,
    /** Of the block that the extrinsic's era begins with; the genesis hash where it has none. */
    blockHash: Hex32,
    /** Hash of the metadata (RFC 78), null in an extrinsic that is signed without one. */
    metadataHash: Hex32.nullable(),
  }),
});
export type CommitmentStatement = z.infer<typeof CommitmentStatement>;

/** What an extrinsic's signature covers beside its bytes. */
type Covered = CommitmentStatement['covers'] & Readonly<{ genesis: string }>;

export type CommitmentExtrinsic =
  | Readonly<{
      kind: 'commitment';
      /** Public key of the signer, 64 hex digits. */
      signer: string;
      /** sr25519, 128 hex digits. */
      signature: string;
      /** Valid from a block with `block % period === phase`, for `period` blocks; null: for ever. */
      era: Readonly<{ period: number; phase: number }> | null;
      nonce: bigint;
      tip: bigint;
      /** Whether the signature covers a hash of the metadata. */
      coversMetadata: boolean;
      netuid: number;
      /** Its fields in their order: the text of one that is printable ASCII, else null. */
      fields: readonly (string | null)[];
      call: Uint8Array;
      extra: Uint8Array;
    }>
  | Readonly<{ kind: 'other'; detail: string }>;

/**
 * Reads an extrinsic that somebody sent, if it is a `Commitments.set_commitment` signed with an sr25519 key
 * in format 4, by the layout of spec 343: extensions that carry bytes are mortality, nonce, tip and the mode
 * of the metadata's hash, in this order. Anything else is `other`: a batch, a proxy's call, another layout.
 * Never throws. Nothing is verified: a layout that changed shows in a signature that does not hold.
 */
export function decodeCommitmentExtrinsic(bytes: Uint8Array): CommitmentExtrinsic {
  try {
    return read(scaleCursor(bytes), bytes);
  } catch (error) {
    if (isAppError(error, 'evidence.invalid')) return { kind: 'other', detail: error.message };
    throw error;
  }
}

/** The fields of a commitment in SCALE, as the chain stores them: lower-case hex. */
export function fieldsOf({ call }: Extract<CommitmentExtrinsic, { kind: 'commitment' }>): string {
  return hexOf(call.subarray(SET_COMMITMENT.length + NETUID_BYTES));
}

/** Whether the hotkey of a statement signed its extrinsic, for the network of this genesis hash. Never throws. */
export function verifyCommitmentStatement(
  { hotkey, extrinsic, covers }: CommitmentStatement,
  genesis: string,
  deps: Readonly<{ verify: Verify; blake2b256: Blake2b256 }>,
): boolean {
  const decoded = decodeCommitmentExtrinsic(Buffer.from(extrinsic, 'hex'));
  if (decoded.kind === 'other') return false;
  const publicKey = ss58PublicKey(hotkey);
  if (publicKey === null || hexOf(publicKey) !== decoded.signer) return false;
  if (decoded.coversMetadata !== (covers.metadataHash !== null)) return false;
  return deps.verify(payloadOf(decoded, { ...covers, genesis }, deps), decoded.signature, hotkey);
}

/** BLAKE2b with 32 bytes of output: the chain's hash, which no pure folder has. */
export type Blake2b256 = (bytes: Uint8Array) => Uint8Array;

/** The block that the era of an extrinsic in this block begins with: its hash is covered by the signature. Null without one. */
export function birthOf(
  { era }: Extract<CommitmentExtrinsic, { kind: 'commitment' }>,
  block: number,
): number | null {
  if (era === null) return null;
  const { period, phase } = era;
  return Math.floor((Math.max(block, phase) - phase) / period) * period + phase;
}

/** The format's version, and that a signature follows. */
const SIGNED_V4 = 0x84;

/** `MultiAddress::Id` and `MultiSignature::Sr25519`. */
const ACCOUNT_ID = 0;
const SR25519 = 1;

/** Pallet 18, call 0 (spec 343). */
const SET_COMMITMENT = [18, 0] as const;

const NETUID_BYTES = 2;

/** `MaxFields` of the commitments pallet. */
const MAX_FIELDS = 3;

function read(input: ScaleCursor, all: Uint8Array): CommitmentExtrinsic {
  const length = input.compact();
  expect('length', length, input.left());
  expect('version', input.byte(), SIGNED_V4);
  expect('address', input.byte(), ACCOUNT_ID);
  const signer = hexOf(input.bytes(32));
  expect('signature', input.byte(), SR25519);
  const signature = hexOf(input.bytes(64));
  const extraAt = input.at();
  const era = readEra(input);
  const nonce = input.bigCompact();
  const tip = input.bigCompact();
  const mode = input.byte();
  if (mode > 1) throw unfit('metadata hash mode', mode, '0 or 1');
  const callAt = input.at();
  for (const [part, index] of SET_COMMITMENT.entries())
    expect(part === 0 ? 'pallet' : 'call', input.byte(), index);
  const netuid = input.u16();
  const count = input.compact();
  if (count > MAX_FIELDS) throw unfit('fields', count, `at most ${MAX_FIELDS}`);
  const fields = Array.from({ length: count }, () => readField(input));
  expect('bytes after the call', input.left(), 0);
  return {
    kind: 'commitment',
    signer,
    signature,
    era,
    nonce,
    tip,
    coversMetadata: mode === 1,
    netuid,
    fields,
    call: all.subarray(callAt),
    extra: all.subarray(extraAt, callAt),
  };
}

/** One byte for none, else two: the low four bits tell the period, the others where in it (`sp_runtime::generic::Era`). */
function readEra(input: ScaleCursor): Readonly<{ period: number; phase: number }> | null {
  const first = input.byte();
  if (first === 0) return null;
  const word = first | (input.byte() << 8);
  const period = 2 << (word & 15);
  const phase = (word >> 4) * Math.max(1, period >> 12);
  if (period < 4 || phase >= period) throw unfit('era', word, 'a phase within its period');
  return { period, phase };
}

/** Tags of the pallet's `Data`: none, `Raw0` … `Raw128`, four kinds of hash, a ciphertext, a flag, `BigRaw`. */
const RAW_0 = 1;
const FIRST_HASH = RAW_0 + 129;
const TIMELOCKED = FIRST_HASH + 4;
const RESET_BONDS = TIMELOCKED + 1;
const BIG_RAW = TIMELOCKED + 2;
const ROUND_BYTES = 8;

function readField(input: ScaleCursor): string | null {
  const tag = input.byte();
  if (tag === 0 || tag === RESET_BONDS) return null;
  if (tag < FIRST_HASH) return textOf(input.bytes(tag - RAW_0));
  if (tag === BIG_RAW) return textOf(input.bytes(input.compact()));
  if (tag > BIG_RAW) throw unfit('field', tag, `a tag of at most ${BIG_RAW}`);
  input.bytes(tag === TIMELOCKED ? input.compact() + ROUND_BYTES : 32);
  return null;
}

function textOf(bytes: Uint8Array): string | null {
  const text = Buffer.from(bytes).toString('latin1');
  return /^[\x20-\x7e]*$/.test(text) ? text : null;
}

/** Of a longer payload the hash is signed in its place (Substrate's `SignedPayload`). */
const MAX_PLAIN_PAYLOAD_BYTES = 256;

function payloadOf(
  { call, extra }: Readonly<{ call: Uint8Array; extra: Uint8Array }>,
  { specVersion, transactionVersion, genesis, blockHash, metadataHash }: Covered,
  { blake2b256 }: Readonly<{ blake2b256: Blake2b256 }>,
): Uint8Array {
  const versions = Buffer.alloc(8);
  versions.writeUInt32LE(specVersion, 0);
  versions.writeUInt32LE(transactionVersion, 4);
  const metadata = metadataHash === null ? '00' : `01${metadataHash}`;
  const covered = [
    versions,
    ...[genesis, blockHash, metadata].map((hex) => Buffer.from(hex, 'hex')),
  ];
  const payload = Buffer.concat([call, extra, ...covered]);
  return payload.length > MAX_PLAIN_PAYLOAD_BYTES ? blake2b256(payload) : payload;
}

function expect(field: string, value: number, expected: number): void {
  if (value !== expected) throw unfit(field, value, String(expected));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
