import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Io } from '#src/cli/command.ts';
import { main } from '#src/cli/eirel.ts';
import type { Env } from '#src/cli/subnet/validators.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const PROGRAM = resolve(ROOT, 'src/cli/eirel.ts');

/** A whole local subnet takes half a minute; this is for a very loaded machine. */
const RUN_TIMEOUT_MS = 240_000;

export type Finished = Readonly<{ code: number | null; out: string; err: string }>;

/** Runs `eirel <argv>` as a process of its own to its end. Only the given settings are set. */
export async function runEirel(
  argv: readonly string[],
  env: Env = {},
  options: { stdin?: string } = {},
): Promise<Finished> {
  return finish(process.execPath, [PROGRAM, ...argv], { ...settings(), ...env }, options);
}

/** Runs `eirel <argv>` in this process: the same as in one of its own, without the second that a process takes to load. */
export async function eirelHere(
  argv: readonly string[],
  env: Env = {},
  io: Partial<Io> = {},
): Promise<Finished> {
  let [out, err] = ['', ''];
  const code = await main(argv, {
    env,
    out: (text) => {
      out += text;
    },
    note: (text) => {
      err += text;
    },
    interactive: false,
    signal: new AbortController().signal,
    ...io,
  });
  return { code, out, err };
}

/** Runs a program to its end. */
export async function finish(
  program: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  { stdin = '' }: { stdin?: string } = {},
): Promise<Finished> {
  const child = spawn(program, argv, { env, cwd: ROOT, timeout: RUN_TIMEOUT_MS });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((settle, fail) => {
    child.once('close', settle).once('error', fail);
  });
  return { code, out, err };
}

/** Ends a process that leads a group, and all that it started. That nothing is left of them is as good. */
export function endGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** The environment without the product's own settings: a test must not depend on the caller's shell. */
export function settings(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('EIREL_')),
  );
}
