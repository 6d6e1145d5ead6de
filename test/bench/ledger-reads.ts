import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { prng } from '../support/prng.ts';
import { type AttestedJob, callsOf, type LedgerAt, ledgerSender } from './ledger-sender.ts';

/** A validator that reads jobs while tools attest: it is sent what was acknowledged, and null when that is over. */
const READERS = 2;
const READ_EVERY_MS = 20;

/** How many of the newest jobs are read: most of them are not in the projection yet. */
const NEWEST_JOBS = 50;

// A thread of its own: what is measured is the wait for the ledger, and not for the load to be made.
if (isMainThread || parentPort === null) throw new Error('a thread of the load');
const load = parentPort;
const at = workerData as LedgerAt; // safe: whoever starts it gives it what its type says
const agent = new Agent({ keepAlive: true, maxSockets: READERS });
const send = ledgerSender(at, agent);
const newest: AttestedJob[] = [];
const over = new AbortController();
load.on('message', (jobs: readonly AttestedJob[] | null) => {
  if (jobs === null) return over.abort();
  newest.push(...jobs);
  newest.splice(0, newest.length - NEWEST_JOBS);
});
const reads = await Promise.all(Array.from({ length: READERS }, (_, index) => read(index)));
load.postMessage(reads.flat());
load.close();
agent.destroy();

/** Reads jobs that were just acknowledged: all of it has to be there. Gives how long each took, in milliseconds. */
async function read(reader: number): Promise<readonly number[]> {
  const random = prng(`reader ${reader}`);
  const took: number[] = [];
  while (!over.signal.aborted) {
    await delay(READ_EVERY_MS);
    const job = newest[Math.floor(random() * newest.length)];
    if (job === undefined) continue;
    const before = performance.now();
    const calls = await callsOf(job, send);
    took.push(performance.now() - before);
    if (calls !== job.calls) throw new Error(`${job.name} has ${calls} of ${job.calls} calls`);
  }
  return took;
}
