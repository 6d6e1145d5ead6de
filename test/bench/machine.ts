import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { findNatsServer } from '#src/runtime/nats-server.ts';

/** Where the figures were taken. */
export type Machine = Readonly<{
  cores: number;
  cpu: string;
  memoryGiB: number;
  system: string;
  kernel: string;
  node: string;
  natsServer: string;
}>;

export async function describeMachine(): Promise<Machine> {
  const { version } = await findNatsServer(process.env);
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: await systemName(),
    kernel: `${type()} ${release()}`,
    node: process.versions.node,
    natsServer: version,
  };
}

/** How many processes wanted a core over the last minute; on Windows always 0. */
export function load(): number {
  return loadavg()[0] ?? 0;
}

async function systemName(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="(.*)"$/m.exec(text)?.[1] ?? process.platform;
}
