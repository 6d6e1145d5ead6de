import type { ApiPromise } from '@polkadot/api/cjs/index';
import type { Signer } from '../consensus/keys.ts';
import { readNextNonce } from './account-nonce.ts';
import { blake2b256 } from './blake2b.ts';
import { type BuiltCall, buildCall } from './build-call.ts';
import type { Call, Extrinsic, Known, Signing } from './chain.ts';
import { chainError } from './chain-error.ts';
import type { Link } from './connection-link.ts';
import { readFinalized } from './finalized.ts';
import { known } from './known.ts';
import { preflight } from './preflight.ts';
import type { At } from './reads.ts';
import { type Own, readSubmissionFacts } from './submission-facts.ts';
import type { Random } from './timelocked-commit.ts';

/**
 * Checks a call against the chain's rules at the node's newest finalised block, and signs it for the blocks
 * after that one. Sends nothing. `own` is the subnet and its signing hotkey, `genesis` 64 hex digits.
 * Transport errors are thrown.
 */
export async function signCall(
  call: Call,
  own: Own & { readonly genesis: string },
  deps: Readonly<{ link: Link; signer: Signer; random: Random }>,
): Promise<Known<Signing>> {
  const { link, signer } = deps;
  if (link.cannotSign !== null)
    return refused(chainError('UnknownSignedExtension', link.cannotSign));
  const at = await readFinalized({ link });
  if (!at.known) return at;
  const { netuid, hotkey } = own;
  const facts = await readSubmissionFacts(link.api, { netuid, hotkey, ...at.value });
  if (!facts.known) return facts;
  const error = preflight(call, facts.value, own);
  if (error !== null) return refused(error);
  const built = buildCall(call, { facts: facts.value, own }, { ...deps, api: link.api });
  if (!built.known) return built;
  if (built.value.kind === 'refused') return refused(built.value.error);
  const nonce = await readNextNonce(hotkey, at.value, { link });
  if (!nonce.known) return nonce;
  const extrinsic = signExtrinsic(
    built.value,
    { nonce: nonce.value, birth: at.value, genesis: own.genesis },
    { api: link.api, signer },
  );
  return known({ kind: 'signed', extrinsic });
}

/** Format of signed extrinsics that every runtime so far takes. */
const EXTRINSIC_VERSION = 4;

/** SCALE's number of `MultiSignature::Sr25519`. */
const SR25519 = '01';

/** A longer payload is signed by its hash (Substrate's `SignedPayload`). */
const MAX_PLAIN_PAYLOAD_BYTES = 256;

type Place = Readonly<{ nonce: number; birth: At; genesis: string }>;

/** Signs by the node's own metadata; the tip is 0, because the fixed priority of these calls ignores it. */
export function signExtrinsic(
  { name, tx, period, reveal }: Extract<BuiltCall, { kind: 'built' }>,
  { nonce, birth, genesis }: Place,
  { api, signer }: { readonly api: ApiPromise; readonly signer: Signer },
): Extrinsic {
  const { registry, runtimeVersion } = api;
  const { block } = birth;
  const era = registry.createType('ExtrinsicEra', { current: block, period });
  const content = {
    method: tx.method.toHex(),
    era: era.toHex(),
    nonce,
    tip: 0,
    specVersion: runtimeVersion.specVersion,
    transactionVersion: runtimeVersion.transactionVersion,
    genesisHash: `0x${genesis}` as const,
    blockHash: `0x${birth.blockHash}` as const,
    // No hash of the metadata is signed: what is left out is `None`.
    mode: 0,
  };
  const payload = registry
    .createType('ExtrinsicPayload', content, { version: EXTRINSIC_VERSION })
    // The call without its length, which is no part of what is signed.
    .toU8a({ method: true });
  const message = payload.length > MAX_PLAIN_PAYLOAD_BYTES ? blake2b256(payload) : payload;
  tx.addSignature(signer.hotkey, `0x${SR25519}${signer.sign(message)}`, content);
  return {
    call: name,
    hash: tx.hash.toHex().slice(2),
    bytes: tx.toHex().slice(2),
    nonce,
    birth: block,
    // Birth included, the era has `period` blocks.
    death: block + period - 1,
    reveal,
  };
}

function refused(error: ReturnType<typeof chainError>): Known<Signing> {
  return known({ kind: 'refused', error });
}
