import { verifySr25519 } from '../chain/hotkey.ts';
import type { DevCodec, Era } from './codec.ts';
import { type RpcError, refusal } from './rpc-error.ts';
import { validate } from './runtime.ts';
import type { DevCall, DevState } from './state.ts';
import { BLOCK_HASH_COUNT } from './storage-items.ts';

/** An extrinsic whose signature holds. */
export type Transaction = Readonly<{
  hash: string;
  bytes: Uint8Array;
  signer: string;
  nonce: number;
  call: DevCall;
  /** The first block that can't include it; null for an immortal one. */
  expires: number | null;
}>;

/** What an extrinsic is checked against: the newest block's state, and the chain that it has to be signed for. */
export type Tip = Readonly<{
  state: DevState;
  genesisHash: string;
  specVersion: number;
  transactionVersion: number;
  hashOf: (number: number) => string | null;
}>;

/** Weights for 4,096 uids are 16 KiB, a timelocked commit 5 KiB at most. */
const MAX_EXTRINSIC_BYTES = 64 * 1024;

/**
 * The checks that come before a place in the pool, in the runtime's order. Bytes are attacker-controlled.
 * Gives the reason in the words of Substrate's JSON-RPC where the extrinsic is refused.
 */
export function checkTransaction(
  bytes: Uint8Array,
  tip: Tip,
  codec: DevCodec,
): Transaction | { readonly refused: RpcError } {
  if (bytes.length > MAX_EXTRINSIC_BYTES)
    return { refused: refusal.badFormat(`longer than ${MAX_EXTRINSIC_BYTES} bytes`) };
  const decoded = codec.decodeExtrinsic(bytes);
  if (decoded.kind === 'invalid') return { refused: refusal.badFormat(decoded.detail) };
  const life = lifeOf(decoded.era, tip);
  if (life === null) return { refused: refusal.invalid('Transaction has an ancient birth block') };
  const payload = decoded.payload({ ...tip, birthHash: life.birthHash });
  const signature = Buffer.from(decoded.signature).toString('hex');
  if (!verifySr25519(payload, signature, decoded.signer))
    return { refused: refusal.invalid('Transaction has a bad signature') };
  if (decoded.nonce < (tip.state.nonces.get(decoded.signer) ?? 0))
    return { refused: refusal.invalid('Transaction is outdated') };
  const fault = validate(tip.state, decoded.call, decoded.signer);
  if (fault !== null) return { refused: refusal.invalid(`Custom error: ${fault.custom}`) };
  const { hash, signer, nonce, call } = decoded;
  return { hash, bytes, signer, nonce, call, expires: life.expires };
}

/**
 * The block whose hash the signature covers, as the next block sees it. An era that has passed is read as
 * its next turn, whose birth has another hash: then the signature is wrong, as it is on every Substrate
 * chain. Null when the birth is not among the remembered blocks.
 */
function lifeOf(era: Era, tip: Tip): { birthHash: string; expires: number | null } | null {
  if (era.immortal) return { birthHash: tip.genesisHash, expires: null };
  const next = tip.state.block + 1;
  const turns = Math.floor((Math.max(next, era.phase) - era.phase) / era.period);
  const birth = turns * era.period + era.phase;
  const birthHash = birth < next - BLOCK_HASH_COUNT ? null : tip.hashOf(birth);
  return birthHash === null ? null : { birthHash, expires: birth + era.period };
}
