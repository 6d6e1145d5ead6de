import RpcError from '@polkadot/rpc-provider/coder/error';
import type { Extrinsic, Sending } from './chain.ts';
import type { Link } from './connection-link.ts';
import { chainError, customErrorName } from './errors.ts';

/**
 * Gives a node the bytes of an extrinsic. Nothing is watched: a subscription dies with its socket, and the
 * blocks tell all the same. Whatever is no answer of the node's pool is thrown.
 */
export async function sendExtrinsic(
  extrinsic: Pick<Extrinsic, 'bytes' | 'call'>,
  { link }: { readonly link: Pick<Link, 'call'> },
): Promise<Sending> {
  try {
    await link.call('author_submitExtrinsic', [`0x${extrinsic.bytes}`]);
    return { kind: 'sent' };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return poolAnswer(error, extrinsic.call);
  }
}

/** What a node's error says about an extrinsic, by the codes of Substrate's `author` methods. */
export function poolAnswer(
  { code, message, data }: Readonly<{ code: number; message: string; data?: unknown }>,
  call: string,
): Sending {
  const detail = `${message}${typeof data === 'string' && !message.includes(data) ? `: ${data}` : ''}`;
  if (code === ALREADY_IMPORTED) return { kind: 'sent' };
  // Its nonce is used, perhaps by these very bytes: only the blocks know.
  if (code === INVALID_TRANSACTION && OUTDATED.test(detail)) return { kind: 'unknown', detail };
  const name =
    code === INVALID_TRANSACTION ? invalidityName(detail, call) : (REFUSALS.get(code) ?? REFUSED);
  return { kind: 'refused', error: chainError(name, detail) };
}

const INVALID_TRANSACTION = 1_010;
const ALREADY_IMPORTED = 1_013;

const OUTDATED = /is outdated/;

/** Codes with one meaning each. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [1_001, 'MalformedExtrinsic'],
  [1_002, 'UnknownValidity'],
  [1_011, 'UnknownValidity'],
  [1_012, 'TemporarilyBanned'],
  [1_014, 'PriorityTooLow'],
  [1_016, 'PoolFull'],
]);

const REFUSED = 'SubmissionRefused';

/** The words of Substrate's `InvalidTransaction`. */
const INVALIDITIES: readonly (readonly [words: RegExp, name: string])[] = [
  [/bad signature/, 'BadSignature'],
  [/ancient birth block/, 'AncientBirthBlock'],
  [/pay some fees/, 'InabilityToPayFees'],
  [/exhaust the block limits/, 'ExhaustsResources'],
  [/valid in the future/, REFUSED],
  [/call is not expected/, 'CallFiltered'],
];

const CUSTOM_ERROR = /Custom error: ([0-9]{1,3})/;

function invalidityName(detail: string, call: string): string {
  const custom = CUSTOM_ERROR.exec(detail)?.[1];
  if (custom !== undefined)
    return customErrorName(Number(custom), call) ?? `CustomError${Number(custom)}`;
  return INVALIDITIES.find(([words]) => words.test(detail))?.[1] ?? 'InvalidTransaction';
}
