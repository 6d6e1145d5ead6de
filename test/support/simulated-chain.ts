import type {
  Chain,
  ChainCommitment,
  ChainError,
  Hyperparameters,
  Known,
  Metagraph,
  Neuron,
  SignedCommitment,
} from '#src/chain/chain.ts';
import { sha256 } from '#src/events/hash.ts';
import type { UnknownReason } from '#src/events/snapshot.ts';
import { devSigner, devSignerOf } from './dev-keys.ts';
import { provedCommitment } from './proved-commitment.ts';
import { signedCommitment } from './signed-commitment.ts';
import { simulatedExtrinsics } from './simulated-extrinsics.ts';

/** What a metagraph answers instead of the truth. */
export type Fault =
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'neurons'; readonly neurons: readonly Neuron[] };

/** Hyperparameters as a subnet starts with them. */
export const HYPERPARAMETERS: Hyperparameters = {
  tempo: 360,
  kappa: 32_767,
  minAllowedWeights: 1,
  weightsVersion: 0n,
  weightsRateLimit: 100,
  activityCutoff: 5_000,
  maxValidators: 128,
  commitReveal: false,
  revealPeriod: 1,
  stakeThreshold: 0n,
};

/** A chain in memory: blocks move when the test says so, and its answers can go wrong. */
export function simulatedChain(neurons: readonly Neuron[]) {
  const chain = simulatedExtrinsics();
  const state = {
    /** The blocks, the pool, and what goes wrong with extrinsics. */
    extrinsics: chain.state,
    get block(): number {
      return chain.state.block;
    },
    set block(block: number) {
      chain.state.block = block;
    },
    neurons,
    hyperparameters: HYPERPARAMETERS,
    /** What everybody is answered. */
    fault: null as Fault | null,
    /** What one node, by name, is answered: its own endpoint is broken. */
    faultOf: new Map<string, Fault>(),
    /** The head itself is not answered, and nothing else is. */
    silent: false,
    /** Nodes, by name, whose endpoint forgot what stood in commitments. */
    forgetful: new Set<string>(),
    /** What others put on the chain. */
    planted: [] as ChainCommitment[],
    /** Why no weights are signed, while they are not. */
    refusal: null as ChainError | null,
    get weights() {
      return chain.weights();
    },
    /** Extrinsics that set weights and succeeded. */
    get setCalls(): number {
      return chain.setCalls();
    },
    get commitments(): readonly ChainCommitment[] {
      return [...state.planted, ...chain.commitments()];
    },
  };
  const answer = <T>(value: () => Known<T>): Promise<Known<T>> =>
    Promise.resolve(state.silent ? unknown('unavailable') : value());
  const known = <T>(value: T): Known<T> => ({ known: true, value });
  const signed = signedCommitments();
  /** The chain as the endpoint of the named node shows it. */
  const viewOf = (name: string): Chain => ({
    netuid: NETUID,
    genesis: GENESIS,
    finalizedBlock: () => answer(() => known(state.block)),
    metagraph: (block) => answer(() => metagraphAt(block, state.faultOf.get(name) ?? state.fault)),
    commitments: (hotkeys, { after, upTo }) =>
      answer(() => {
        if (upTo > state.block) return unknown('not-final');
        if (state.forgetful.has(name)) return unknown('unavailable');
        return known(
          state.commitments.filter(
            ({ hotkey, block }) => hotkeys.includes(hotkey) && block > after && block <= upTo,
          ),
        );
      }),
    latestCommitments: (hotkeys) =>
      answer(() =>
        known(
          hotkeys.flatMap((hotkey) => {
            const last = state.commitments
              .filter((each) => each.hotkey === hotkey && each.block <= state.block)
              .toSorted((a, b) => a.block - b.block)
              .at(-1);
            return last === undefined ? [] : [last];
          }),
        ),
      ),
    commitmentExtrinsics: (hotkey, blocks) =>
      answer(() => {
        if (blocks.some((block) => block > state.block)) return unknown('not-final');
        return known(
          blocks.map((block) => signed(state.commitments, hotkey, block) ?? notPortable(block)),
        );
      }),
    commitmentProof: (hotkey, block) =>
      answer(() => {
        if (block > state.block) return unknown('not-final');
        const made = state.commitments.findLast(
          (each) => each.hotkey === hotkey && each.block <= block,
        );
        if (made === undefined) return unknown('malformed');
        const fields = made.fields.map((field) => field ?? '\0');
        const stored = { netuid: NETUID, hotkey, fields, block: made.block, at: block };
        return known(provedCommitment({ ...stored, neighbours: 4 }));
      }),
    sign: (call) =>
      answer(() =>
        known(
          call.kind === 'weights' && state.refusal !== null
            ? { kind: 'refused', error: state.refusal }
            : { kind: 'signed', extrinsic: chain.sign(devSigner(name).hotkey, call) },
        ),
      ),
    send: (extrinsic) =>
      Promise.resolve(
        state.silent ? { kind: 'unknown', detail: 'simulated' } : chain.send(extrinsic),
      ),
    trace: (extrinsic) => answer(() => known(chain.trace(extrinsic))),
    weightsOf: (hotkey) =>
      answer(() =>
        known({
          block: state.block,
          vector: chain.weights().get(hotkey) ?? null,
          lastUpdate: chain.lastUpdate(hotkey),
          activityCutoff: state.hyperparameters.activityCutoff,
          weightsRateLimit: state.hyperparameters.weightsRateLimit,
        }),
      ),
  });
  const metagraphAt = (block: number, fault: Fault | null): Known<Metagraph> => {
    if (fault?.kind === 'unavailable') return unknown('unavailable');
    if (block > state.block) return unknown('not-final');
    return known({
      block,
      blockHash: sha256(`block ${block}`),
      neurons: fault?.neurons ?? state.neurons,
      ownerHotkey: devSigner('owner').hotkey,
      hyperparameters: state.hyperparameters,
    });
  };
  return { state, viewOf };
}

const NETUID = 36;
const GENESIS = sha256('simulated genesis');

/** What a hotkey signed for the commitment of a block; everybody is shown the same bytes. */
function signedCommitments() {
  const statements = new Map<string, SignedCommitment>();
  return (
    commitments: readonly ChainCommitment[],
    hotkey: string,
    block: number,
  ): SignedCommitment | null => {
    const made = commitments.find((each) => each.hotkey === hotkey && each.block === block);
    const signer = devSignerOf(hotkey);
    if (made === undefined || signer === undefined) return null;
    const key = `${hotkey} ${block}`;
    const fields = made.fields.map((field) => field ?? '\0');
    const statement =
      statements.get(key) ??
      ({
        kind: 'signed',
        block,
        fields: made.fields,
        statement: signedCommitment(signer, { genesis: GENESIS, netuid: NETUID, fields }),
      } as const);
    statements.set(key, statement);
    return statement;
  };
}

function notPortable(block: number): SignedCommitment {
  return { kind: 'not-portable', block, detail: 'simulated' };
}

function unknown(reason: UnknownReason): Known<never> {
  return { known: false, reason, detail: 'simulated' };
}

export type SimulatedChain = ReturnType<typeof simulatedChain>;

/** Neurons for validators with the given stakes, then miners, with keys derived from their names. */
export function neuronsFor(
  stakes: Readonly<Record<string, bigint>>,
  miners: readonly string[],
): readonly Neuron[] {
  const base = { active: true, registeredAt: 10, lastUpdate: 0, incentive: 0 };
  const burn: Neuron = {
    ...base,
    uid: 0,
    hotkey: devSigner('owner').hotkey,
    coldkey: devSigner('cold owner').hotkey,
    stake: 0n,
    permit: false,
    axon: null,
  };
  const validators = Object.entries(stakes).map(
    ([name, stake], index): Neuron => ({
      ...base,
      uid: index + 1,
      hotkey: devSigner(name).hotkey,
      coldkey: devSigner(`cold ${name}`).hotkey,
      stake,
      permit: true,
      axon: `http://${name}.test`,
    }),
  );
  const offset = validators.length + 1;
  return [
    burn,
    ...validators,
    ...miners.map(
      (name, index): Neuron => ({
        ...base,
        uid: offset + index,
        hotkey: devSigner(name).hotkey,
        coldkey: devSigner(`cold ${name}`).hotkey,
        stake: 0n,
        permit: false,
        axon: null,
      }),
    ),
  ];
}
