import { TILE_WIDTH } from '#src/merkle/tile.ts';
import type { StartDecision } from '#src/sequencer/decide-start.ts';
import type { PointFault } from './fault-points.ts';
import { prng } from './prng.ts';
import {
  beginLife,
  checkPublished,
  newWorld,
  Violation,
  type World,
} from './simulated-sequencer.ts';

/** What a machine lived through. */
export type Played = Readonly<{
  crashes: number;
  /** Crashes of a process that was still putting right what the one before it had left. */
  doubleFaults: number;
  powerCuts: number;
  events: number;
  signatures: number;
  /** Crashes by the effect and the fault that they came with. */
  points: ReadonlyMap<string, number>;
  decisions: ReadonlyMap<StartDecision['kind'], number>;
}>;

/** Every start hashes the whole log anew, so most are short; some begin before the edge of a tile, where partial ones give way. */
const LONG_LOGS = 0.03;
const MAX_EVENTS = 24;

/**
 * Lets the process of one machine crash until its log is long enough, or so many times, as the seed has it. Checks
 * after each crash that nothing false was ever shown and nothing that was acknowledged is lost, and that at last
 * everything is published. Throws a `Violation`.
 */
export async function playCrashes(seed: string, most: number): Promise<Played> {
  const chance = prng(seed);
  const world = await newWorld();
  if (chance() < LONG_LOGS) await growTo(world, TILE_WIDTH - below(chance, MAX_EVENTS));
  const end = world.stream.messages.length + MAX_EVENTS;
  const tally = { crashes: 0, doubleFaults: 0, powerCuts: 0, points: new Map<string, number>() };
  while (tally.crashes < most && world.stream.messages.length < end) {
    const death = await liveOnce(world, end, chance);
    tally.crashes++;
    if (death.recovering) tally.doubleFaults++;
    tally.points.set(death.at, (tally.points.get(death.at) ?? 0) + 1);
    if (chance() < 0.5) {
      tally.powerCuts++;
      world.disk.powerCut(() => chance() < 0.5);
    }
    await checkPublished(world);
  }
  await liveInPeace(world);
  const { decisions, signatures } = world;
  return { ...tally, events: world.stream.messages.length, signatures, decisions };
}

type Death = Readonly<{
  /** The effect, and what befell it. */
  at: string;
  /** It died before it had signed anything of its own. */
  recovering: boolean;
}>;

/** A process from its start to a fault that ends it. */
async function liveOnce(world: World, end: number, chance: () => number): Promise<Death> {
  const running = beginLife(world, faultsOf(chance));
  let recovering = true;
  try {
    await using sequencer = await running.start();
    recovering = false;
    while (
      await running.append(1 + below(chance, chance() < 0.05 ? 40 : 3), below(chance, 100_000))
    ) {
      const stored = world.stream.messages.length;
      if (stored > 0) world.told = (await sequencer.covering(stored, NEVER)).size;
      if (world.stream.messages.length >= end) break;
    }
  } catch (error) {
    // A process that ends without a fault has refused what it should have mended.
    if (error instanceof Violation || running.life.fault === null) throw error;
  }
  running.life.alive = false;
  const { point = 'none', fault = 'none' } = running.life.fault ?? {};
  return { at: `${point}: ${fault}`, recovering };
}

const NEVER = new AbortController().signal;

const FAULTS: readonly PointFault[] = [
  'fail-before',
  'fail-after',
  'kill-before',
  'kill-torn',
  'kill-after',
];

/** One fault after some effects: often so few that the process has not put everything right yet. */
function faultsOf(chance: () => number): (point: string) => PointFault {
  const wait = (): number => 1 + below(chance, chance() < 0.5 ? 35 : 70);
  let left = wait();
  return () => {
    left--;
    if (left > 0) return 'none';
    left = wait();
    return FAULTS[below(chance, FAULTS.length)] ?? 'none';
  };
}

/** A life without faults publishes everything. */
async function liveInPeace(world: World): Promise<void> {
  const running = beginLife(world, () => 'none');
  await using sequencer = await running.start();
  await running.append(1, 0);
  await sequencer.covering(world.stream.messages.length, NEVER);
  await checkPublished(world);
  if (world.shown !== world.stream.messages.length)
    throw new Violation('not everything is published');
}

async function growTo(world: World, size: number): Promise<void> {
  await beginLife(world, () => 'none').append(size, 0);
}

function below(chance: () => number, bound: number): number {
  return Math.floor(chance() * bound);
}
