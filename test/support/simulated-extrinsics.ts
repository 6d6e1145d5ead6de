import { z } from 'zod';
import { blake2b256 } from '#src/chain/blake2b.ts';
import type {
  Call,
  ChainCommitment,
  ChainError,
  Extrinsic,
  Sending,
  Trace,
} from '#src/chain/chain.ts';
import { sha256 } from '#src/events/hash.ts';
import { Vector } from '#src/events/weights.ts';

/** Blocks for which a signed extrinsic is good. */
export const LIFETIME = 32;

/** An extrinsic's bytes are its own JSON, so that whoever holds them can send them. */
const Content = z.object({
  hotkey: z.string(),
  nonce: z.number(),
  birth: z.number(),
  call: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('weights'), vector: Vector }),
    z.object({ kind: z.literal('commitment'), fields: z.array(z.string()) }),
    z.object({ kind: z.literal('axon'), url: z.string() }),
  ]),
});

type Included = Readonly<{
  hash: string;
  hotkey: string;
  call: Call;
  block: number;
  error: ChainError | null;
}>;

/**
 * What was sent to the chain and what its blocks did with it. `block` is the finalised one, `lag` how far
 * the newest block is ahead of it; what is sent comes into the block after the newest.
 */
export function simulatedExtrinsics() {
  const included: Included[] = [];
  const state = {
    block: 0,
    lag: 1,
    /** Why the pool refuses, while it does. */
    poolRefusal: null as ChainError | null,
    /** Why calls fail in their block, while they do. */
    dispatchError: null as ChainError | null,
    /** While it is true, what is sent is taken and never comes into a block. */
    loses: false,
    /** Epochs that a timelocked commit waits, in blocks; null sets weights in the open. */
    revealAfter: null as number | null,
    /** While it is true, a revealed vector is dropped without a word. */
    revealsFail: false,
    included,
    sent: 0,
  };
  const of = (hotkey: string) => included.filter((each) => each.hotkey === hotkey);
  const final = (hotkey: string) => of(hotkey).filter(({ block }) => block <= state.block);
  const sign = (hotkey: string, call: Call): Extrinsic => {
    const content = { hotkey, nonce: of(hotkey).length, birth: state.block, call };
    const bytes = Buffer.from(JSON.stringify(content)).toString('hex');
    const reveal =
      call.kind === 'weights' && state.revealAfter !== null
        ? { block: state.block + state.revealAfter, round: 1_000 + state.block }
        : null;
    return {
      call: call.kind === 'weights' ? 'SubtensorModule.set_weights' : 'Commitments.set_commitment',
      hash: Buffer.from(blake2b256(Buffer.from(bytes, 'hex'))).toString('hex'),
      bytes,
      nonce: content.nonce,
      birth: state.block,
      death: state.block + LIFETIME,
      reveal,
    };
  };
  const send = ({ bytes, hash, death }: Extrinsic): Sending => {
    state.sent++;
    if (included.some((each) => each.hash === hash) || state.loses) return { kind: 'sent' };
    if (state.poolRefusal !== null) return { kind: 'refused', error: state.poolRefusal };
    const { hotkey, nonce, call } = contentOf(bytes);
    const block = state.block + state.lag + 1;
    if (nonce !== of(hotkey).length || block > death)
      return { kind: 'refused', error: failure('Outdated', 'stale') };
    included.push({ hash, hotkey, call, block, error: state.dispatchError });
    return { kind: 'sent' };
  };
  const trace = ({ bytes, hash, nonce, death }: Extrinsic): Trace => {
    const { block } = state;
    const found = included.find((each) => each.hash === hash);
    if (found !== undefined && found.block <= block + state.lag) {
      const blockHash = sha256(`block ${found.block}`);
      return found.block > block
        ? { kind: 'included', block: found.block, blockHash }
        : { kind: 'final', block: found.block, blockHash, error: found.error };
    }
    if (final(contentOf(bytes).hotkey).length > nonce)
      return { kind: 'dead', block, reason: 'nonce-taken' };
    if (found === undefined && block >= death) return { kind: 'dead', block, reason: 'expired' };
    return { kind: 'pending', block };
  };
  return { state, sign, send, trace, ...effectsOf(state) };
}

function effectsOf(
  state: Readonly<{
    block: number;
    included: readonly Included[];
    revealAfter: number | null;
    revealsFail: boolean;
  }>,
) {
  /** What succeeded in finalised blocks, in their order. */
  const succeeded = () =>
    state.included
      .filter(({ block, error }) => block <= state.block && error === null)
      .toSorted((a, b) => a.block - b.block);
  return {
    commitments: (): readonly ChainCommitment[] =>
      succeeded().flatMap(({ hotkey, block, call }) =>
        call.kind === 'commitment' ? [{ hotkey, block, fields: call.fields }] : [],
      ),
    /** Weights that were set, by hotkey; timelocked ones from their reveal block on. */
    weights: (): Map<string, Vector> =>
      new Map(
        succeeded().flatMap(({ hotkey, block, call }) =>
          call.kind === 'weights' && isRevealed(state, block)
            ? [[hotkey, call.vector] as const]
            : [],
        ),
      ),
    setCalls: () => succeeded().filter(({ call }) => call.kind === 'weights').length,
    lastUpdate: (hotkey: string): number =>
      succeeded().findLast((each) => each.hotkey === hotkey && each.call.kind === 'weights')
        ?.block ?? 0,
  };
}

function isRevealed(
  state: Readonly<{ block: number; revealAfter: number | null; revealsFail: boolean }>,
  block: number,
): boolean {
  if (state.revealAfter === null) return !state.revealsFail;
  return !state.revealsFail && block + state.revealAfter <= state.block;
}

/** A chain's error of a class. */
export function failure(
  name: string,
  errorClass: ChainError['class'],
  retryAt: number | null = null,
): ChainError {
  return { name, detail: 'simulated', class: errorClass, retryAt };
}

function contentOf(bytes: string) {
  return Content.parse(JSON.parse(Buffer.from(bytes, 'hex').toString()));
}
