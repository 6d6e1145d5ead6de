import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Played, playCrashes } from '../support/play-crashes.ts';

/** A machine whose disk keeps losing power has this many lives at most; then the next one is played. */
const CRASHES_OF_ONE = 200;

/** Progress is told at most so often. */
const TELL_MS = 2_000;

const { values } = parseArgs({
  options: { crashes: { type: 'string', default: '1000000' }, seed: { type: 'string' } },
});
process.exitCode =
  values.seed === undefined ? await playMany(Number(values.crashes)) : await playOne(values.seed);

/** Plays one machine after the other until there were so many crashes; gives the exit code. */
async function playMany(crashes: number): Promise<number> {
  if (!Number.isSafeInteger(crashes) || crashes < 1) {
    console.error(`--crashes ${values.crashes}: expected a whole number from 1`);
    return 2;
  }
  // Each run of this command plays other machines; what fails is told with its seed.
  const first = Date.now();
  const started = performance.now();
  const total = { crashes: 0, doubleFaults: 0, powerCuts: 0, signatures: 0, events: 0 };
  const decisions = new Map<string, number>();
  let told = started;
  for (let machine = 0; total.crashes < crashes; machine++) {
    const seed = `${first}-${machine}`;
    const played = await playSafely(seed, Math.min(CRASHES_OF_ONE, crashes - total.crashes));
    if (played === null) return 1;
    // Without a turn of the event loop nothing that lies outside of the heap is ever freed.
    await setImmediate();
    for (const key of ['crashes', 'doubleFaults', 'powerCuts', 'signatures', 'events'] as const)
      total[key] += played[key];
    for (const [kind, count] of played.decisions)
      decisions.set(kind, (decisions.get(kind) ?? 0) + count);
    if (performance.now() - told < TELL_MS) continue;
    told = performance.now();
    const rate = Math.round((1_000 * total.crashes) / (told - started));
    console.error(`${total.crashes} of ${crashes} crashes (${rate}/s)`);
  }
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(JSON.stringify({ ...total, decisions: Object.fromEntries(decisions), seconds }));
  return 0;
}

async function playOne(seed: string): Promise<number> {
  const played = await playSafely(seed, CRASHES_OF_ONE);
  if (played === null) return 1;
  const { points, decisions, ...figures } = played;
  console.log(JSON.stringify({ seed, ...figures, decisions: Object.fromEntries(decisions) }));
  for (const [point, count] of [...points].toSorted(([one], [other]) => (one < other ? -1 : 1)))
    console.log(`${count}\t${point}`);
  return 0;
}

async function playSafely(seed: string, crashes: number): Promise<Played | null> {
  try {
    return await playCrashes(seed, crashes);
  } catch (error) {
    console.error(error);
    console.error(`again: npm run simulate -- --seed ${seed}`);
    return null;
  }
}
