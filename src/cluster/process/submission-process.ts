import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Manifest } from '../../evaluation/manifest.ts';
import { sha256 } from '../../events/hash.ts';
import type { RuntimeFailure, RuntimeWanted } from '../cluster.ts';
import { type MinerServices, minerEnvironment } from '../miner-environment.ts';
import { type ChildLimits, type LimitedChild, startLimited } from './limited-child.ts';

/** Where the system's own programs are; the submission's process has no path at all. */
const SYSTEM_PATH = '/usr/bin:/bin';

/** The archive was listed within limits before it came here; whatever unpacks longer or larger is broken. */
const UNPACK_LIMITS: ChildLimits = {
  cpuSeconds: 30,
  memoryBytes: 256 * 1_024 * 1_024,
  fileBytes: 256 * 1_024 * 1_024,
};

/** What Node reserves for compiled code before it begins, which the system counts as if it were written to. */
const NODE_CODE_RANGE_BYTES = 512 * 1_024 * 1_024;

export type SubmissionProcessDeps = Readonly<{
  services: MinerServices;
  limits: ChildLimits;
  /** The Node that runs us runs them. */
  node: string;
}>;

/** A submission's process, and where it listens; or why it has none. */
export type Begun =
  | Readonly<{ kind: 'begun'; child: LimitedChild; origin: string; health: string }>
  | Readonly<{ kind: 'failed'; failure: RuntimeFailure }>;

/**
 * Unpacks a submission's archive into a new folder, with the bytes hashed once more, and starts its entry module with
 * Node. It may read its own files and write beside them (Node's permission model); the network is open to it: this is
 * a convenience for development and no sandbox. Throws what the system throws.
 */
export async function beginSubmission(
  wanted: RuntimeWanted,
  manifest: Manifest,
  folder: string,
  deps: SubmissionProcessDeps,
): Promise<Begun> {
  const bytes = await wanted.bytes();
  const found = sha256(bytes);
  if (found !== wanted.archive)
    return failed('unpack', true, null, `the archive handed over has the SHA-256 ${found}`);
  const code = join(folder, 'code');
  const scratch = join(folder, 'tmp');
  await rm(folder, { recursive: true, force: true });
  await mkdir(code, { recursive: true });
  await mkdir(scratch);
  const unpacked = await unpack(bytes, code);
  if (unpacked.exitCode !== 0)
    return failed('unpack', false, unpacked.exitCode, unpacked.output || 'tar failed');
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = await startNode({ wanted, manifest, code, scratch, port }, deps);
  return { kind: 'begun', child, origin, health: `${origin}${manifest.runtime.health_path}` };
}

async function unpack(bytes: Uint8Array, code: string) {
  const tar = await startLimited({
    program: 'tar',
    args: ['-xzf', '-', '--no-same-owner', '--no-same-permissions'],
    folder: code,
    environment: { PATH: SYSTEM_PATH },
    limits: UNPACK_LIMITS,
    input: bytes,
  });
  return tar.ended;
}

async function startNode(
  of: Readonly<{
    wanted: RuntimeWanted;
    manifest: Manifest;
    code: string;
    scratch: string;
    port: number;
  }>,
  { services, limits, node }: SubmissionProcessDeps,
): Promise<LimitedChild> {
  const { wanted, manifest, code, scratch, port } = of;
  return startLimited({
    program: node,
    args: [
      `--max-old-space-size=${Math.floor(limits.memoryBytes / 2 / 1_024 / 1_024)}`,
      '--permission',
      `--allow-fs-read=${code}`,
      `--allow-fs-read=${scratch}`,
      `--allow-fs-write=${scratch}`,
      join(code, manifest.sdk_runtime.entry_module),
    ],
    folder: scratch,
    environment: {
      ...minerEnvironment({ submission: wanted.submission, manifest, port, services }),
      TMPDIR: scratch,
    },
    limits: { ...limits, memoryBytes: limits.memoryBytes + NODE_CODE_RANGE_BYTES },
  });
}

/** A port that nobody listens on at this moment. Somebody may take it before the submission does: rare, and ours. */
async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  await server[Symbol.asyncDispose]();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

function failed(
  reason: RuntimeFailure['reason'],
  ours: boolean,
  exitCode: number | null,
  detail: string,
): Begun {
  return { kind: 'failed', failure: { reason, ours, exitCode, detail } };
}
