import { mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { readManifest } from '../../evaluation/manifest.ts';
import { detailOf } from '../../events/scalars.ts';
import type { RuntimeFailure, RuntimeState, Runtimes, RuntimeWanted } from '../cluster.ts';
import type { ProbeHealth } from '../health.ts';
import type { ChildEnd } from './limited-child.ts';
import { type Begun, beginSubmission, type SubmissionProcessDeps } from './submission-process.ts';

export type ProcessRuntimesDeps = SubmissionProcessDeps &
  Readonly<{
    /** A folder of this validator's own: whatever is in it is removed. */
    folder: string;
    /** How long a submission may take until it answers on its health path. */
    startMs: number;
    probe: ProbeHealth;
    /** Milliseconds that only go forward. */
    now: () => number;
  }>;

type Running = Extract<Begun, { kind: 'begun' }>;

/** What is kept of one attempt, from its begin to its end; of a failed one only why. */
type Attempt = {
  readonly wanted: RuntimeWanted;
  readonly since: number;
  running: Running | null;
  ready: boolean;
  failure: RuntimeFailure | null;
};

/**
 * Runs submissions as child processes of this one, for development: no sandbox, only limits. They end when this process
 * ends, however it ends, so nothing is to be adopted after a crash: what is wanted is begun anew.
 */
export async function openProcessRuntimes(
  deps: ProcessRuntimesDeps,
): Promise<Runtimes & AsyncDisposable> {
  await rm(deps.folder, { recursive: true, force: true });
  await mkdir(deps.folder, { recursive: true, mode: 0o700 });
  const attempts = new Map<string, Attempt>();
  const takeDown = async (unwanted: (wanted: RuntimeWanted) => boolean): Promise<void> => {
    const ending = [...attempts].filter(([, { wanted }]) => unwanted(wanted));
    await Promise.all(
      ending.map(async ([key, attempt]) => {
        await attempt.running?.child.stop();
        await rm(join(deps.folder, key), { recursive: true, force: true });
        attempts.delete(key);
      }),
    );
  };
  return {
    adapter: 'process',
    reconcile: async (desired, spared = []) => {
      const keys = new Set(desired.map(keyOf));
      const isSpared = ({ family, run }: RuntimeWanted): boolean =>
        spared.some((each) => each.family === family && each.run === run);
      await takeDown((wanted) => !keys.has(keyOf(wanted)) && !isSpared(wanted));
      const states = desired.map(async (wanted) => {
        const attempt = attempts.get(keyOf(wanted)) ?? (await begin(wanted, deps));
        attempts.set(keyOf(wanted), attempt);
        await observe(attempt, deps);
        return stateOf(attempt);
      });
      return { kind: 'known', states: await Promise.all(states) };
    },
    capacity: async () => null,
    endAll: async ({ family, run }) => {
      await takeDown((wanted) => wanted.family === family && wanted.run === run);
      return { kind: 'ended' };
    },
    [Symbol.asyncDispose]: async () => {
      await takeDown(() => true);
    },
  };
}

function keyOf({ deployment, attempt }: RuntimeWanted): string {
  return `${deployment}-${attempt}`;
}

async function begin(wanted: RuntimeWanted, deps: ProcessRuntimesDeps): Promise<Attempt> {
  const at = { wanted, since: deps.now(), ready: false };
  const read = readManifest(wanted.manifest);
  if (read.kind === 'unfit')
    return { ...at, running: null, failure: because('rejected', false, null, read.detail) };
  if (read.manifest.sdk_runtime.package_mode !== 'node') {
    const detail = 'the process adapter runs `package_mode: node` only';
    return { ...at, running: null, failure: because('rejected', true, null, detail) };
  }
  try {
    const folder = join(deps.folder, keyOf(wanted));
    const begun = await beginSubmission(wanted, read.manifest, folder, deps);
    return begun.kind === 'begun'
      ? { ...at, running: begun, failure: null }
      : { ...at, running: null, failure: begun.failure };
  } catch (error) {
    return { ...at, running: null, failure: because('unavailable', true, null, nameOf(error)) };
  }
}

/** No disk, no process, no archive: our own machine's fault. Its message may hold paths that are nobody's business. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown fault';
  return 'code' in error ? String(error.code) : error.name;
}

async function observe(attempt: Attempt, deps: ProcessRuntimesDeps): Promise<void> {
  const { running } = attempt;
  if (running === null) return;
  if (!attempt.ready && running.child.end() === null)
    attempt.ready = await deps.probe(running.health);
  const end = running.child.end();
  if (end !== null) {
    attempt.failure = await failureOf(end, attempt.ready, running);
  } else if (!attempt.ready && deps.now() - attempt.since >= deps.startMs) {
    await running.child.stop();
    const detail = `no answer on its health path within ${deps.startMs} ms`;
    attempt.failure = because('not-ready', false, null, detail);
  } else return;
  attempt.running = null;
}

/** A submission that ended by itself. That somebody else has its port is looked at, not believed. */
async function failureOf(end: ChildEnd, ready: boolean, running: Running): Promise<RuntimeFailure> {
  if (!ready && (await listens(running.origin)))
    return because('unavailable', true, end.exitCode, 'another process took its port');
  return because(
    end.exitCode === 0 ? 'exited' : 'crashed',
    false,
    end.exitCode,
    end.output.trim().slice(-MAX_SAID),
  );
}

/** The end of what a submission said names the fault; its beginning would be cut off in the event. */
const MAX_SAID = 400;

async function listens(origin: string): Promise<boolean> {
  const { hostname, port } = new URL(origin);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: hostname, port: Number(port) });
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

function stateOf({ wanted, running, ready, failure }: Attempt): RuntimeState {
  const { deployment, attempt } = wanted;
  if (failure !== null) return { deployment, attempt, phase: 'failed', url: null, failure };
  const url = ready && running !== null ? running.origin : null;
  return { deployment, attempt, phase: ready ? 'ready' : 'starting', url, failure };
}

function because(
  reason: RuntimeFailure['reason'],
  ours: boolean,
  exitCode: number | null,
  detail: string,
): RuntimeFailure {
  return { reason, ours, exitCode, detail: detailOf(detail) };
}
