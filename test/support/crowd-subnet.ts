import type { z } from 'zod';
import { FAMILY, hotkeyOf, NETUID } from '#src/cli/subnet/cast.ts';
import { Genesis } from '#src/devchain/genesis.ts';
import { genesisState } from '#src/devchain/runtime.ts';
import { sha256 } from '#src/events/hash.ts';
import { MAX_MINERS, type Phases } from '#src/events/run.ts';
import { MAX_VALIDATORS } from '#src/events/snapshot.ts';
import { writeImport } from '#src/handlers/commands.ts';
import { liveSubnet } from './live-subnet.ts';

/** As many miners as a run can have. */
export const MINERS = named('miner-', MAX_MINERS);

/** Twice as many validators as get a permit, by falling stake. */
const VALIDATORS = named('v', 2 * MAX_VALIDATORS);

/** Those with a permit: the runtime gives it to the most stake. */
export const SEATED = VALIDATORS.slice(0, MAX_VALIDATORS);

/** The seated validator that is a real process. */
export const REAL = 'v1';

/** Whoever wins is better than the others by more than anybody's noise. */
export const BEST = 'miner-77';

/**
 * A subnet of 513 neurons under mainnet's rules: its first epoch is over, so the permits are the
 * runtime's own choice. One validator is a process, the rest of those with a permit are a crowd, whose
 * axons are given by name.
 */
export async function crowdSubnet(crowd: ReadonlyMap<string, string>) {
  const subnet = await liveSubnet({
    validators: [REAL],
    genesis: crowdGenesis(new Map()),
    neurons: (own) => genesisState(crowdGenesis(new Map([...crowd, ...own]))).neurons,
    env: { EIREL_MIN_VECTOR_LENGTH: String(MIN_WEIGHTS) },
  });
  await untilEpoch(subnet);
  return subnet;
}

export type CrowdSubnet = Awaited<ReturnType<typeof crowdSubnet>>;

/** Produces blocks up to the next one that runs an epoch. */
export async function untilEpoch({ chain }: Pick<CrowdSubnet, 'chain'>): Promise<void> {
  const { params, netuid } = chain.stateAt();
  const tempo = params.tempo + 1;
  await chain.produceBlock(tempo - ((chain.block() + netuid + 1) % tempo));
}

/** A run of all miners, opened at `block`. */
export function crowdRun(sequence: number, block: number) {
  return {
    family: FAMILY,
    run: `run-${sequence}`,
    roster: sha256(`roster of the crowd's run ${sequence}`),
    miners: MINERS.map(hotkey).toSorted(),
    tasks: ['task-1', 'task-2'],
    phases: {
      snapshot: block + PHASES.snapshot,
      commit: block + PHASES.commit,
      decide: block + PHASES.decide,
      certify: block + PHASES.certify,
    },
  };
}

export type CrowdRun = ReturnType<typeof crowdRun>;

/** What a validator saw of a miner, in 1e-9: everybody a little differently. */
export function seenBy(validator: string, miner: string, { run }: Pick<CrowdRun, 'run'>): number {
  const quality = miner === BEST ? 900_000_000 : 200_000_000 + part(miner, 600_000_000);
  return quality + part(`${run}/${validator}/${miner}`, 20_000_000);
}

/** What the real validator measured, as its operator imports it: a line for each task. */
export function measured(run: CrowdRun): string {
  const lines = run.tasks.map((task) =>
    JSON.stringify({
      run_id: run.run,
      family_id: run.family,
      task_id: task,
      miner_results: MINERS.map((miner) => ({
        miner_hotkey: hotkey(miner),
        verdict: 'matches',
        agreement_score: 1,
        final_task_score: seenBy(REAL, miner, run) / 1e9,
        judge_output: {},
        miner_response: { status: 'completed' },
      })),
    }),
  );
  return writeImport(1, lines);
}

/** A hotkey by name. Deriving one costs half a millisecond, and this is asked for each score. */
export function hotkey(name: string): string {
  const known = hotkeys.get(name) ?? hotkeyOf(name);
  hotkeys.set(name, known);
  return known;
}

const hotkeys = new Map<string, string>();

/** Room for one commitment and its finality, and two blocks for each exchange. */
const PHASES: Phases = { snapshot: 1, commit: 5, decide: 8, certify: 11 };

/** What the chain asks a vector to have, so that the timelocked commit is as long as it gets. */
export const MIN_WEIGHTS = 256;

const RAO_PER_TOKEN = 1_000_000_000n;

/** The chain of such a subnet, given the validators' axons by name. */
export function crowdGenesis(axons: ReadonlyMap<string, string>): Genesis {
  const neuron = (name: string) => ({ hotkey: hotkey(name), coldkey: hotkey(name) });
  return Genesis.parse({
    netuid: NETUID,
    beacon: { seed: sha256("the crowd's beacon") },
    hyperparameters: { minAllowedWeights: MIN_WEIGHTS },
    neurons: [
      neuron('owner'),
      ...MINERS.map(neuron),
      ...VALIDATORS.map((name, index) => ({
        ...neuron(name),
        // Above mainnet's threshold of 1,000 tokens, nobody with a share that decides alone.
        alphaStake: String((1_000n + 10n * BigInt(VALIDATORS.length - index)) * RAO_PER_TOKEN),
        axon: axons.get(name) ?? null,
      })),
    ],
  } satisfies z.input<typeof Genesis>);
}

/** A number below `bound` that follows from a text. */
function part(text: string, bound: number): number {
  return Number.parseInt(sha256(text).slice(0, 8), 16) % bound;
}

function named(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}
