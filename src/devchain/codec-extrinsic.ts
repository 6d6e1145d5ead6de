import { blake2AsU8a } from '@polkadot/util-crypto/cjs/blake2/index';
import { AppError } from '../errors.ts';
import { runtimeCall } from './calls.ts';
import type { ChainFacts, DecodedExtrinsic } from './codec.ts';
import { ADDITIONAL, EXTRA } from './extensions.ts';
import { blake2b256, fromHex } from './hex.ts';
import { encode, generic, struct, tuple } from './scale.ts';
import { bytes, fixedBytes } from './scale-basic.ts';
import { createReader, type Reader } from './scale-reader.ts';
import { type Param, pathOf, type Type } from './scale-type.ts';
import { unit, variant } from './scale-variant.ts';
import { account } from './types.ts';

export const multiAddress = generic(
  variant('sp_runtime::multiaddress::MultiAddress', {
    Id: [0, account],
    // The runtime's account index is (): it has none.
    Index: [1, { ...unit, type: { kind: 'compact', of: unit.type } }],
    Raw: [2, bytes],
    Address32: [3, fixedBytes(32)],
    Address20: [4, fixedBytes(20)],
  }),
  [
    { name: 'AccountId', type: account.type },
    { name: 'AccountIndex', type: unit.type },
  ],
);

export const multiSignature = variant('sp_runtime::MultiSignature', {
  Ed25519: [0, fixedBytes(64)],
  Sr25519: [1, fixedBytes(64)],
  Ecdsa: [2, fixedBytes(65)],
});

/** What stands behind a signature for the checks, as metadata describes it. */
export const extraType = tuple(...Object.values(EXTRA)).type;

const params: readonly Param[] = [
  { name: 'Address', type: multiAddress.type },
  { name: 'Call', type: runtimeCall.type },
  { name: 'Signature', type: multiSignature.type },
  { name: 'Extra', type: extraType },
];

/** An extrinsic, as metadata describes it: opaque bytes, whose parts its parameters tell. */
export const extrinsicType: Type = {
  kind: 'composite',
  path: pathOf('sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic'),
  params,
  fields: [{ name: null, type: bytes.type }],
};

const extra = struct(EXTRA);
const additional = struct(ADDITIONAL);

/** The version of the format, and that a signature follows. */
const SIGNED_V4 = 0x84;

/** Of a longer payload the hash is signed in its place. */
const MAX_PAYLOAD_BYTES = 256;

/**
 * Reads a signed extrinsic of anybody's making, of the kinds that a hotkey sends: sr25519, addressed by
 * account, without metadata hash. Whatever else it is comes back as `invalid`, with the reason.
 */
export function decodeExtrinsic(sent: Uint8Array): DecodedExtrinsic {
  try {
    return read(sent);
  } catch (error) {
    if (error instanceof AppError) return { kind: 'invalid', detail: error.message };
    throw error;
  }
}

function read(sent: Uint8Array): DecodedExtrinsic {
  const input = createReader(sent);
  const length = input.count();
  if (length !== input.left()) throw unfit('length', length, `${input.left()} bytes`);
  const version = input.uint(1);
  if (version !== SIGNED_V4) throw unfit('version', version, `${SIGNED_V4}: signed, format 4`);
  const [addressKind, signer] = multiAddress.read(input);
  if (addressKind !== 'Id') throw unfit('signer', addressKind, 'an account id');
  const [signatureKind, signature] = multiSignature.read(input);
  if (signatureKind !== 'Sr25519') throw unfit('signature', signatureKind, 'Sr25519');
  const [checks, extraBytes] = withBytes(input, sent, extra);
  if (checks.CheckMetadataHash.mode !== 'Disabled') throw unfit('metadata hash', 'Enabled', 'none');
  const [call, callBytes] = withBytes(input, sent, runtimeCall);
  if (input.left() > 0) throw unfit('call', `${input.left()} bytes after it`, 'nothing');
  return {
    kind: 'extrinsic',
    hash: blake2b256(sent),
    signer,
    nonce: checks.CheckNonce,
    era: checks.CheckMortality,
    call,
    signature: fromHex(signature),
    payload: (facts) => payload([callBytes, extraBytes, encode(additional, covered(facts))]),
  };
}

/** A value and the bytes that it was read from. */
function withBytes<T>(
  input: Reader,
  all: Uint8Array,
  scale: Readonly<{ read(input: Reader): T }>,
): readonly [T, Uint8Array] {
  const start = all.length - input.left();
  const value = scale.read(input);
  return [value, all.subarray(start, all.length - input.left())];
}

function payload(parts: readonly Uint8Array[]): Uint8Array {
  const whole = Buffer.concat(parts);
  return whole.length > MAX_PAYLOAD_BYTES ? blake2AsU8a(whole, 256) : whole;
}

function covered({ specVersion, transactionVersion, genesisHash, birthHash }: ChainFacts) {
  return {
    CheckNonZeroSender: [],
    CheckSpecVersion: specVersion,
    CheckTxVersion: transactionVersion,
    CheckGenesis: genesisHash,
    CheckMortality: birthHash,
    CheckNonce: [],
    CheckWeight: [],
    ChargeTransactionPayment: [],
    SubtensorTransactionExtension: [],
    DrandPriority: [],
    CheckMetadataHash: null,
  } as const;
}

function unfit(field: string, value: unknown, expected: string): AppError {
  return new AppError('input.invalid', { field, value, expected });
}
