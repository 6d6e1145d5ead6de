import {
  type Caller,
  type CallToolDeps,
  callTool,
  type Performed,
  type ToolAnswer,
} from './call-tool.ts';
import { refuse } from './decide-call.ts';
import type { RunPython, SandboxFile, SandboxOutput, SandboxResult } from './python-sandbox.ts';
import type { SandboxSessions } from './sandbox-sessions.ts';
import type { TakeTurn } from './take-turns.ts';

/** What a miner asks for; null where it leaves the choice to the service. */
export type ExecuteCode = Readonly<{
  code: string;
  timeoutSeconds: number | null;
  memoryMb: number | null;
  sessionId: string | null;
  attachments: readonly SandboxFile[];
}>;

export type ExecuteCodeDeps = CallToolDeps &
  Readonly<{
    runPython: RunPython;
    sessions: SandboxSessions;
    takeTurn: TakeTurn;
    /** RFC 3339. */
    now: () => string;
    quota: number;
    /** In 1e-9 USD. */
    price: number;
  }>;

/** In UTF-8; the schema of the request counts characters. */
const MAX_CODE_BYTES = 64 * 1024;

/** With a session's files they fit into the working folder. */
const MAX_ATTACHED_BYTES = 8 * 1024 * 1024;

const DEFAULT_TIMEOUT_SECONDS = 5;
const DEFAULT_MEMORY_MB = 128;

/** Runs a program for a job: its output, how it ended, and the files that it made or changed. */
export async function executeCode(
  caller: Caller,
  asked: ExecuteCode,
  deps: ExecuteCodeDeps,
): Promise<ToolAnswer> {
  const { code, sessionId, attachments } = asked;
  const codeBytes = Buffer.byteLength(code);
  if (codeBytes > MAX_CODE_BYTES) return refuse(413, `code exceeds ${MAX_CODE_BYTES} bytes`);
  const attached = attachments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (attached > MAX_ATTACHED_BYTES)
    return refuse(413, `attachments exceed ${MAX_ATTACHED_BYTES} bytes`);
  const { quota, price } = deps;
  const rules = { quota, price, exhausted: () => 'sandbox tool request budget exceeded' };
  const args = {
    code_n_bytes: codeBytes,
    session_id: sessionId,
    n_attachments: attachments.length,
  };
  const perform = async () =>
    (await deps.takeTurn(caller.job, () => runFor(caller, asked, deps))) ?? BUSY;
  return callTool(caller, { tool: 'sandbox', args, perform }, rules, deps);
}

const BUSY: Performed = {
  status: 503,
  body: { detail: 'sandbox is busy' },
  result: {},
  cost: 0,
  error: 'sandbox is busy',
};

async function runFor(
  { job }: Caller,
  asked: ExecuteCode,
  { runPython, sessions, now, price }: ExecuteCodeDeps,
): Promise<Performed> {
  const { code, timeoutSeconds, memoryMb, sessionId, attachments } = asked;
  const before = sessionId === null ? [] : sessions.read(job, sessionId);
  const files = merged(before, attachments);
  const retrievedAt = now();
  const result = await runPython({
    code,
    timeoutMs: Math.ceil((timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1_000),
    memoryMb: memoryMb ?? DEFAULT_MEMORY_MB,
    files,
  });
  if (sessionId !== null) sessions.write(job, sessionId, kept(result.files));
  const { exitCode, timedOut, durationMs, truncated } = result;
  return {
    status: 200,
    body: bodyOf(result, changed(result.files, files), { job, sessionId, retrievedAt }),
    result: { exit_code: exitCode, duration_ms: durationMs, truncated, timed_out: timedOut },
    cost: price,
    error: timedOut ? 'timed out' : exitCode === 0 ? null : `exit code ${exitCode}`,
  };
}

/** An attachment takes the place of the session's file of its name. */
function merged(
  before: readonly SandboxFile[],
  attachments: readonly SandboxFile[],
): readonly SandboxFile[] {
  return [...new Map([...before, ...attachments].map((file) => [file.path, file])).values()];
}

function kept(files: readonly SandboxOutput[]): readonly SandboxFile[] {
  return files.flatMap(({ path, bytes }) => (bytes === null ? [] : [{ path, bytes }]));
}

/** The files that are not as they were put there. */
function changed(
  after: readonly SandboxOutput[],
  before: readonly SandboxFile[],
): readonly SandboxOutput[] {
  const placed = new Map(before.map(({ path, bytes }) => [path, bytes]));
  return after.filter(({ path, bytes }) => {
    const was = placed.get(path);
    return was === undefined || bytes === null || Buffer.compare(was, bytes) !== 0;
  });
}

function bodyOf(
  { stdout, stderr, exitCode, durationMs, truncated, timedOut }: SandboxResult,
  files: readonly SandboxOutput[],
  {
    job,
    sessionId,
    retrievedAt,
  }: Readonly<Record<'job' | 'retrievedAt', string>> & Readonly<{ sessionId: string | null }>,
) {
  return {
    stdout,
    stderr,
    exit_code: exitCode,
    duration_ms: durationMs,
    truncated,
    retrieved_at: retrievedAt,
    retrieval_ledger_id: `ledger:${job}`,
    session_id: sessionId,
    files: files.map(({ path, size, bytes }) => ({
      path,
      size,
      content_b64: bytes === null ? null : Buffer.from(bytes).toString('base64'),
    })),
    metadata: { backend: 'namespaces', timed_out: timedOut },
  };
}
