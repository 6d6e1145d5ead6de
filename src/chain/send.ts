import type { Extrinsic, Sending } from './chain.ts';
import { chainError, customErrorName } from './chain-error.ts';
import type { Link } from './connection-link.ts';
import { RpcError } from './rpc-error.ts';

/** Sends what was signed, and knows of what no node can have the bytes. */
export type Sender = Readonly<{
  /** An extrinsic that nobody was sent yet. */
  signed: (extrinsic: Pick<Extrinsic, 'hash'>) => void;
  /** Refused is only what no node has taken before; whatever is no answer of the node's pool is thrown. */
  send: (
    extrinsic: Pick<Extrinsic, 'hash' | 'bytes' | 'call'>,
    deps: { readonly link: Pick<Link, 'call'> },
  ) => Promise<Sending>;
}>;

/**
 * A refusal proves nothing about bytes that were sent before, perhaps by a process that is no more: another
 * node may have them in its pool, and another extrinsic that is signed in their place would do the same a
 * second time. What becomes of those the blocks tell, after `death` at the latest.
 */
export function createSender(): Sender {
  const unsent = new Set<string>();
  const add = (hash: string): void => {
    unsent.add(hash);
    const [oldest] = unsent;
    if (unsent.size > MAX_UNSENT && oldest !== undefined) unsent.delete(oldest);
  };
  return {
    signed: ({ hash }) => add(hash),
    send: async (extrinsic, deps) => {
      const isFirst = unsent.delete(extrinsic.hash);
      const sending = await sendExtrinsic(extrinsic, deps);
      if (sending.kind !== 'refused') return sending;
      if (isFirst) {
        add(extrinsic.hash);
        return sending;
      }
      const { name, detail } = sending.error;
      return { kind: 'unknown', detail: `${name}, but a node may have it: ${detail}` };
    },
  };
}

/** One extrinsic is alive at a time; what was signed and never sent is forgotten some time. */
const MAX_UNSENT = 16;

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
